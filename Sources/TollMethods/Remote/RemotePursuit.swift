// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollProtocol

/// Decides how one settlement at one facilitator is brought to its end: asked, asked again, looked up on chain. Events in, one
/// action out; no clock, no network.
///
/// Where the chain can be read, no verdict is believed without it: success needs the Transfer, and after a refusal the money must
/// not have moved. Where it cannot, a verdict of the first request is believed; after a request whose answer was lost, a refusal
/// proves nothing: the lost one may have settled, and just that may be the reason (invariant I4).
struct RemotePursuit {
    /// What the driver does next.
    enum Action: Hashable {
        /// Ask `/settle`, then ``RemotePursuit/answered(_:)``.
        case ask
        /// Write it to the ledger, then ``RemotePursuit/noted()``.
        case note(RemoteSubmission)
        /// Ask the chain for the receipt of the transaction that the facilitator named, then ``RemotePursuit/chainShows(_:)``.
        case confirm(transaction: String)
        /// Ask the chain what became of the authorization, then ``RemotePursuit/chainSays(_:)``.
        case readChain
        /// Wait, then ``RemotePursuit/waited()``.
        case wait(Duration)
        /// The end.
        case finish(SettlementOutcome)
        /// This facilitator has taken nothing: another may be asked.
        case elsewhere(reason: String)
    }

    private static let firstDelay = Duration.seconds(1)
    /// A facilitator's node may be ahead of ours, by little.
    private static let firstLook = Duration.milliseconds(100)
    /// Settlements that take longer than seconds are rare, and then a minute more does not matter.
    private static let longestDelay = Duration.seconds(60)
    /// A facilitator that says one of these and names the transaction has seen it fail.
    private static let failedOnChain: Set<ErrorReason> = [.transactionFailed, .invalidTransactionState, .transferEventMismatch]

    /// What is known of the settlement.
    private(set) var submission: RemoteSubmission
    private var mayHaveSettled: Bool
    private var delay = Self.firstDelay
    /// The transaction of a success that the chain has not confirmed.
    private var claimed: String?
    /// Whether the chain has contradicted a success: then nothing is looked for in a hurry.
    private var wasContradicted = false
    /// A refusal that holds unless the chain says otherwise.
    private var refusal: SettlementOutcome?

    /// - Parameter isRepeat: Whether the facilitator may have been asked before.
    init(_ submission: RemoteSubmission, isRepeat: Bool) {
        self.submission = submission
        self.mayHaveSettled = isRepeat
    }

    /// The first action.
    func start() -> Action { .ask }

    /// The facilitator came to `verdict`.
    mutating func answered(_ verdict: FacilitatorExchange.SettleVerdict) -> Action {
        switch verdict {
        case .success(let transaction): return self.succeeded(transaction)
        case .pending(let transaction):
            self.mayHaveSettled = true
            guard !transaction.isEmpty, transaction != self.submission.transaction else { return self.wait() }
            self.submission.transaction = transaction
            return .note(self.submission)
        case .failure(let refusal, let transaction):
            guard self.mayHaveSettled else {
                return self.refused(refusal, transaction)
            }
            return self.failedAgain(refusal, transaction)
        case .notTaken(let reason): return self.mayHaveSettled ? .readChain : .elsewhere(reason: reason)
        case .unknown:
            self.mayHaveSettled = true
            return .readChain
        }
    }

    /// The submission is durable.
    mutating func noted() -> Action { self.wait() }

    /// The chain shows this of the transaction that the facilitator named; nil when no chain is read here.
    mutating func chainShows(_ receipt: ChainWitness.ReceiptResult?) -> Action {
        guard let transaction = self.claimed else { return .readChain }
        switch receipt {
        // Block and position are unknown; zero stands for a facilitator's word alone.
        case nil: return .finish(.settled(Settlement(transaction: transaction, block: 0, logIndex: 0)))
        case .transferred(let settlement): return .finish(.settled(settlement))
        case .none?, .unknown: return .readChain
        case .silent, .reverted:
            self.claimed = nil
            if !self.wasContradicted { self.delay = Self.firstDelay }
            self.wasContradicted = true
            return .readChain
        }
    }

    /// The chain says this of the authorization.
    mutating func chainSays(_ state: SettlementPursuit.AuthorizationState) -> Action {
        switch state {
        case .transferred(let settlement): return .finish(.settled(settlement))
        case .used:
            let refusal = PaymentRefusal(ErrorReason.nonceAlreadyUsed.rawValue, detail: "used without a transfer")
            return .finish(.failed(refusal, transaction: nil))
        case .unused(isExpired: true):
            let refusal = PaymentRefusal(ErrorReason.validBefore.rawValue, detail: "expired unsettled")
            return .finish(self.refusal ?? .failed(refusal, transaction: nil))
        case .unused(isExpired: false), .unknown:
            if let refusal = self.refusal { return .finish(refusal) }
            return self.wait()
        }
    }

    /// The time is over.
    func waited() -> Action { self.claimed.map { .confirm(transaction: $0) } ?? .ask }

    /// A refusal of what may have been settled by an earlier request.
    private mutating func failedAgain(_ refusal: PaymentRefusal, _ transaction: String) -> Action {
        let reason = ErrorReason(rawValue: refusal.reason)
        guard !transaction.isEmpty else { return .readChain }
        if reason == .duplicateSettlement { return self.succeeded(transaction) }
        return Self.failedOnChain.contains(reason) ? self.refused(refusal, transaction) : .readChain
    }

    private mutating func refused(_ refusal: PaymentRefusal, _ transaction: String) -> Action {
        self.refusal = .failed(refusal, transaction: transaction.isEmpty ? nil : transaction)
        return .readChain
    }

    private mutating func succeeded(_ transaction: String) -> Action {
        self.mayHaveSettled = true
        if self.claimed != transaction {
            self.claimed = transaction
            self.submission.transaction = transaction
            if !self.wasContradicted { self.delay = Self.firstLook }
        }
        return .confirm(transaction: transaction)
    }

    private mutating func wait() -> Action {
        defer { self.delay = min(self.delay * 2, Self.longestDelay) }
        return .wait(self.delay)
    }
}
