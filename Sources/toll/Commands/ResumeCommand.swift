// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollClient
import TollHTTP
import TollPayments
import TollPrimitives
import TollProtocol
import TollRuntime

/// `toll resume`: what became of payments whose outcome is open.
enum ResumeCommand {
    static func command(_ client: any HTTPClient) -> Command {
        Command(
            "resume",
            summary: "Finds out what became of payments whose outcome is open.",
            discussion: """
                Asks the chain about those whose authorization has ended. Transfers that are signed are sent again while they can buy
                something, and called back when they cannot, which needs the key. The answer to an open payment comes by running the
                same 'toll get' again, which sends the same payment and pays nothing new. Ends with 23 while any is open.
                """,
            parameters: [wallet]
        ) { try await self.run($0, client) }
    }

    private static let wallet = Parameter.option("wallet", "name", help: "Whose transfers to call back instead of TOLL_EVM_KEY's.")
    /// Seconds for each transfer.
    private static let patience: UInt64 = 60

    private static func run(_ arguments: Arguments, _ client: any HTTPClient) async throws -> ExitCode {
        let home = try Home()
        let (journal, nodes) = (home.journal, ChainNodes(client: client))
        let findings = try await Reconciliation(journal: journal, chain: nodes).run()
        var isOpen = try await self.takeUpTransfers(arguments, home, nodes, client)
        for (payment, finding) in findings {
            isOpen = isOpen || finding == .noAnswer
            self.tell(payment, self.words(finding, payment))
        }
        let now = Environment.live.now()
        let settled = Set(findings.map(\.0.id))
        for payment in try journal.payments()
        where payment.isPending(at: now) && !payment.isTransfer && !settled.contains(payment.id) {
            isOpen = true
            self.tell(payment, "open: run the same request again")
        }
        return isOpen ? ExitCode(rawValue: 23) : .success
    }

    /// Whether any is open.
    private static func takeUpTransfers(
        _ arguments: Arguments, _ home: Home, _ nodes: ChainNodes, _ client: any HTTPClient
    ) async throws -> Bool {
        let now = Environment.live.now()
        // A passphrase is asked for only when there is something to do.
        guard try home.journal.payments().contains(where: { $0.isTransfer && $0.isPending(at: now) }) else { return false }
        let key = try Keys.key(wallet: arguments.value(self.wallet), home: home)
        let recovery = TransferRecovery(
            client: client, journal: home.journal, chain: nodes.transfers, senders: key.map { [Keys.sender($0, nodes)] } ?? []
        ) { StandardStreams.writeError(EscapedText.singleLine($0) + "\n") }
        let findings = try await recovery.run(patience: self.patience)
        for (payment, finding) in findings { self.tell(payment, self.words(finding)) }
        return try home.journal.payments().contains { $0.isTransfer && $0.isPending(at: now) }
    }

    private static func words(_ finding: TransferRecovery.Finding) -> String {
        switch finding {
        case .arrived(let hash, let status):
            "transferred by \(hash): run the same request again for its answer"
                + (status.map { ". The seller says: \($0.state.rawValue), \($0.received) of \($0.amount) units received" } ?? "")
        case .notSpent(let reason): "not spent: \(reason)"
        case .open(let reason): "open: \(reason)"
        }
    }

    private static func words(_ finding: Reconciliation.Finding, _ payment: JournaledPayment) -> String {
        switch finding {
        case .paid: "paid, says the chain"
        case .notSpent: "not spent: the authorization ended unused"
        case .noAnswer: "unknown: set \(ChainNodes.variable(of: payment.terms.option.network)) to a node that answers"
        }
    }

    private static func tell(_ payment: JournaledPayment, _ words: String) {
        let terms = payment.terms
        StandardStreams.writeOutput(
            EscapedText.singleLine("\(terms.method) \(terms.url)  \(terms.option.display)  \(words)") + "\n"
        )
    }
}
