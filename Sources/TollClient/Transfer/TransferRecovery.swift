// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
public import TollPayments
public import TollPrimitives
public import TollProtocol
public import TollRuntime

/// Takes up transfers that are signed and whose answer nobody has: hands them to the chain again while they can buy something, calls
/// them back when they cannot, and says where they are. Asks for no answer: that is the same request's.
public struct TransferRecovery: Sendable {
    /// What became of one.
    public enum Finding: Hashable, Sendable {
        /// It is in a block, and the seller says so much of it.
        case arrived(Bytes32, TransferProof.Status?)
        /// Nothing moved, and nothing ever will: it no longer counts.
        case notSpent(reason: String)
        /// Not known yet, for this reason.
        case open(reason: String)
    }

    private let client: any HTTPClient
    private let journal: Journal
    private let chain: any TransferChain
    private let senders: [any TransferSender]
    private let environment: Environment
    private let tell: @Sendable (String) -> Void

    /// A recovery of the transfers in `journal`.
    ///
    /// - Parameters:
    ///   - senders: Whose transfers can be called back or offered more gas; the others are only sent as they are.
    ///   - tell: Is told how far a transfer is, in words for people.
    public init(
        client: any HTTPClient, journal: Journal, chain: any TransferChain, senders: [any TransferSender] = [],
        environment: Environment = .live, tell: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.client = client
        self.journal = journal
        self.chain = chain
        self.senders = senders
        self.environment = environment
        self.tell = tell
    }

    /// Stays at each for at most `patience` seconds.
    public func run(patience: UInt64) async throws(JournalError) -> [(JournaledPayment, Finding)] {
        var findings: [(JournaledPayment, Finding)] = []
        for (payment, hold) in try self.journal.transfersUnderWay() {
            findings.append((payment, try await self.takeUp(payment, hold, patience)))
        }
        return findings
    }

    private func takeUp(
        _ payment: JournaledPayment, _ hold: Journal.Hold, _ patience: UInt64
    ) async throws(JournalError) -> Finding {
        guard let transfer = payment.transfer else { return .open(reason: "the journal does not tell what was signed") }
        let pursuit = TransferPursuit(
            payment: payment, hold: hold, journal: self.journal, chain: self.chain,
            sender: self.senders.first { $0.account == payment.terms.account }, client: self.client,
            environment: self.environment, tell: self.tell)
        var machine = TransferMachine(
            TransferMachine.Start(
                transfer: transfer, display: payment.terms.option.display, isFirst: false, proves: false, patience: patience,
                time: self.environment.now()))
        var action = machine.begin()
        while let next = await pursuit.perform(action, &machine) { action = next }
        switch action {
        case .finish(.arrived(let hash, let status)):
            // No seller keeps the answer longer, so nobody needs to ask for it any more.
            let now = self.environment.now()
            if now >= payment.time.addingReportingOverflow(JournaledPayment.resumableSeconds).partialValue {
                try self.journal.markPaid(hold, status: 0, transaction: hash.description, at: now)
            }
            return .arrived(hash, status)
        case .finish(.nothingMoved(let reason)):
            try self.journal.release(hold, reason: reason, at: self.environment.now())
            return .notSpent(reason: reason)
        case .finish(.open(let reason)): return .open(reason: reason)
        default: return .open(reason: "it was left in the middle")
        }
    }
}
