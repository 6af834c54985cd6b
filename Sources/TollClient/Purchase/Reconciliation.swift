// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
public import TollRuntime

/// Asks the chain what the servers did not tell.
public struct Reconciliation: Sendable {
    /// What the chain said of one payment.
    public enum Finding: Hashable, Sendable {
        /// Its authorization is used: the money moved.
        case paid
        /// Its authorization has ended unused: it no longer counts.
        case notSpent
        /// No node is set for its network, or it does not answer.
        case noAnswer
    }

    private let journal: Journal
    private let chain: any ChainReader
    private let environment: Environment

    /// A reconciliation of `journal` with `chain`.
    public init(journal: Journal, chain: any ChainReader, environment: Environment = .live) {
        self.journal = journal
        self.chain = chain
        self.environment = environment
    }

    /// Settles every payment that was sent, is not known to be paid, and whose authorization has ended.
    public func run() async throws(JournalError) -> [(JournaledPayment, Finding)] {
        let now = self.environment.now()
        var findings: [(JournaledPayment, Finding)] = []
        for (payment, hold) in try self.journal.openQuestions(at: now) {
            let isUsed = await self.chain.isAuthorizationUsed(
                by: payment.terms.account,
                nonce: payment.id,
                asset: payment.terms.option.asset
            )
            switch isUsed {
            case true?:
                try self.journal.markPaid(hold, status: 0, transaction: "", at: now)
                findings.append((payment, .paid))
            case false?:
                try self.journal.release(hold, reason: "the authorization ended unused", at: now)
                findings.append((payment, .notSpent))
            case nil: findings.append((payment, .noAnswer))
            }
        }
        return findings
    }
}
