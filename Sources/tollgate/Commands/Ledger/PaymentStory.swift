// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime

/// Everything about one payment: `ledger show`.
struct PaymentStory {
    let record: PaymentRecord
    let events: [TimedEvent]
    /// The chain's word; nil when it was not asked, or did not answer.
    let word: EVMPaymentWitness.Word?
    /// Why there is none, where it was asked.
    let silence: String?
    let now: Int64
    /// What was sent for the reference that bought it.
    var deposits: [PaymentID] = []

    var verdict: String { PaymentVerdict.text(self.record, self.word, now: self.now) }

    // MARK: - For people

    var text: String {
        var facts = TextTable(["payment", self.record.id.description])
        for (name, value) in self.facts { facts.add([name, value]) }
        var lines = TextTable(["time", "event", "detail"])
        for event in self.events {
            // Nobody was told of what was found on chain: it counts as told, so that nobody is.
            let isNominal = event.event == .told && self.record.claim.dialect == .rebuilt
            let detail = isNominal ? "counts as told, so that no caller is" : EventWords(event.event).detail
            lines.add([CalendarTime.text(seconds: event.time), event.event.name, detail])
        }
        return [facts.text, lines.text, self.chainText, WrappedText.lines(self.verdict) + "\n"].filter { !$0.isEmpty }
            .joined(separator: "\n")
    }

    private var facts: [(String, String)] {
        let (claim, option) = (self.record.claim, self.record.claim.option)
        var facts = [
            ("state", PaymentStanding(self.record).rawValue),
            ("amount", "\(option.display), \(option.amount) units of \(option.asset.address)"),
            ("network", option.network.description), ("payer", claim.payer), ("paid to", option.payTo),
            ("route", claim.route.isEmpty ? "none" : claim.route),
            ("settle", "\(claim.policy.rawValue), over \(claim.dialect)"),
            ("good until", CalendarTime.text(seconds: claim.validBefore)), ("nonce", claim.key.nonce),
        ]
        if claim.key.isDeposit { facts.append(("deposit", "for \(claim.depositedFor == nil ? "no" : "a") reference")) }
        if claim.key.boughtReference != nil {
            let deposits = self.deposits.map(\.description).joined(separator: ", ")
            facts.append(("bought with", deposits.isEmpty ? "nothing that the ledger has" : "deposits \(deposits)"))
        }
        if self.record.attempts > 1 { facts.append(("claims", "\(self.record.attempts)")) }
        return facts
    }

    private var chainText: String {
        if let silence { return "the chain was asked and did not answer: \(silence)\n" }
        guard let word else { return "" }
        var table = TextTable(["transaction", "on chain"])
        for transaction in word.transactions { table.add([transaction.hash, Self.words(transaction.state, word)]) }
        if let transfer = word.transfer, !word.transactions.contains(where: { $0.hash == transfer.transaction }) {
            table.add([transfer.transaction, "block \(transfer.block), sent by somebody else"])
        }
        let transfer = word.transfer.map { "log \($0.logIndex) of block \($0.block)" } ?? "none found"
        let rest = "authorization: \(Self.words(word.authorization)); Transfer: \(transfer); newest block: \(word.head)\n"
        let isEmpty = word.transactions.isEmpty && word.transfer == nil
        return self.record.settlement?.isCredit == true ? "" : (isEmpty ? "" : table.text) + rest
    }

    private static func words(_ state: EVMPaymentWitness.Transaction.State, _ word: EVMPaymentWitness.Word) -> String {
        switch state {
        case .mined(let block): "block \(block), \(word.confirmations(of: block)) deep"
        case .reverted(let block): "reverted in block \(block)"
        case .waiting: "waits in the pool"
        case .unknown: "not known"
        }
    }

    private static func words(_ authorization: EVMPaymentWitness.Authorization) -> String {
        switch authorization {
        case .unused(isExpired: true): "ended unused"
        case .unused(isExpired: false): "unused"
        case .used: "used"
        case .unreadable: "not told"
        }
    }

    // MARK: - For programs

    var json: JSON {
        var members = JSONObject()
        for (column, value) in zip(PaymentsReport.columns, PaymentsReport.row(self.record)) {
            members[column.name] = value.json
            if column.kind == .amount { members[column.name + "_display"] = value.displayJSON }
        }
        members["nonce"] = .string(self.record.claim.key.nonce)
        members["valid_before"] = .string(CalendarTime.rfc3339(seconds: self.record.claim.validBefore))
        members["unused_at_block"] = .integer(self.record.claim.unusedAtBlock)
        if self.record.claim.key.boughtReference != nil {
            members["deposits"] = .array(self.deposits.map { .string($0.description) })
        }
        members["attempts"] = .integer(self.record.attempts)
        members["events"] = .array(
            self.events.enumerated().map { number, event in
                var object = JSONObject()
                for (column, value) in zip(EventsReport.columns, EventsReport.row(event, number + 1, of: self.record.id))
                where column.name != "payment" && value != .none {
                    object[column.name] = value.json
                }
                return .object(object)
            })
        members["chain"] = self.word.map { Self.json($0) } ?? .null
        members["chain_error"] = self.silence.map { .string($0) } ?? .null
        members["verdict"] = .string(self.verdict)
        return .object(members)
    }

    private static func json(_ word: EVMPaymentWitness.Word) -> JSON {
        [
            "head": .integer(word.head), "finalized": word.finalized.map { .integer($0) } ?? .null,
            "authorization": .string(self.words(word.authorization)),
            "transfer": word.transfer.map {
                [
                    "transaction": .string($0.transaction), "block": .integer($0.block), "log_index": .integer($0.logIndex),
                    "confirmations": .integer(word.confirmations(of: $0.block)),
                ]
            } ?? .null,
            "transactions": .array(
                word.transactions.map { transaction in
                    let (state, block): (String, UInt64?) =
                        switch transaction.state {
                        case .mined(let block): ("mined", block)
                        case .reverted(let block): ("reverted", block)
                        case .waiting: ("waiting", nil)
                        case .unknown: ("unknown", nil)
                        }
                    return [
                        "hash": .string(transaction.hash), "state": .string(state), "block": block.map { .integer($0) } ?? .null,
                    ]
                }),
        ]
    }
}
