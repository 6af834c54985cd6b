// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollClient
import TollPayments
import TollPrimitives
import TollRuntime

/// `toll history`: every payment of the journal.
enum HistoryCommand {
    static func command() -> Command {
        Command("history", summary: "Lists every payment, oldest first.") { _ in try self.run() }
    }

    private static func run() throws -> ExitCode {
        var table = TextTable(["TIME", "STATE", "AMOUNT", "NETWORK", "REQUEST", "TRANSACTION"])
        for payment in try Home().journal.payments() {
            let (state, transaction) = Self.words(payment)
            table.add([
                String(CalendarTime.rfc3339(.seconds(Int64(clamping: payment.time))).prefix(19)) + "Z", state,
                payment.terms.option.display, payment.terms.option.network.description,
                "\(payment.terms.method) \(payment.terms.url)", transaction,
            ])
        }
        StandardStreams.writeOutput(table.text)
        return .success
    }

    static func words(_ payment: JournaledPayment) -> (state: String, transaction: String) {
        var (state, transaction) = Self.words(payment.state)
        if payment.isTransfer { state += " by transfer" }
        if transaction.isEmpty, let transfer = payment.transfer { transaction = transfer.newest.hash.description }
        if payment.isCreditPurchase { state += " with credit" }
        if let debt = payment.debt { state += ", owed as \(debt)" }
        return (state, transaction)
    }

    private static func words(_ state: JournaledPayment.State) -> (state: String, transaction: String) {
        switch state {
        case .reserved: ("reserved", "")
        case .signed, .sent: ("open", "")
        case .paid(_, let transaction): ("paid", transaction)
        case .refused(_, let reason): ("refused: \(reason)", "")
        case .released(let reason): ("not spent: \(reason)", "")
        }
    }
}
