// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollClient
import TollHTTP
import TollPayments
import TollRuntime

/// `toll resume`: what became of payments whose outcome is open.
enum ResumeCommand {
    static func command(_ client: any HTTPClient) -> Command {
        Command(
            "resume",
            summary: "Finds out what became of payments whose outcome is open.",
            discussion: """
                Asks the chain about those whose authorization has ended. The others are taken up by running the same
                'toll get' again, which sends the same payment and pays nothing new. Ends with 23 while any is open.
                """
        ) { _ in try await self.run(client) }
    }

    private static func run(_ client: any HTTPClient) async throws -> ExitCode {
        let journal = try Home().journal
        let findings = try await Reconciliation(journal: journal, chain: ChainNodes(client: client)).run()
        var isOpen = false
        for (payment, finding) in findings {
            isOpen = isOpen || finding == .noAnswer
            self.tell(payment, self.words(finding, payment))
        }
        let now = Environment.live.now()
        let settled = Set(findings.map(\.0.id))
        for payment in try journal.payments() where payment.isPending(at: now) && !settled.contains(payment.id) {
            isOpen = true
            self.tell(payment, "open: run the same request again")
        }
        return isOpen ? ExitCode(rawValue: 23) : .success
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
