// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollProtocol

/// Decides how one settlement at one facilitator is brought to its end: asked, asked again, looked up on chain. Events in, one
/// action out; no clock, no network.
///
/// A verdict of the first request is believed. After a request whose answer was lost, a refusal proves nothing: the lost one may
/// have settled, and just that may be the reason. Then only success, a named transaction or the chain is an end (invariant I4).
struct RemotePursuit {
    /// What the driver does next.
    enum Action: Hashable {
        /// Ask `/settle`, then ``RemotePursuit/answered(_:)``.
        case ask
        /// Write it to the ledger, then ``RemotePursuit/noted()``.
        case note(RemoteSubmission)
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
    /// Settlements that take longer than seconds are rare, and then a minute more does not matter.
    private static let longestDelay = Duration.seconds(60)
    /// A facilitator that says one of these and names the transaction has seen it fail.
    private static let failedOnChain: Set<ErrorReason> = [.transactionFailed, .invalidTransactionState, .transferEventMismatch]

    /// What is known of the settlement.
    private(set) var submission: RemoteSubmission
    private var mayHaveSettled: Bool
    private var delay = Self.firstDelay

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
        case .success(let transaction): return self.settled(transaction)
        case .pending(let transaction):
            self.mayHaveSettled = true
            guard !transaction.isEmpty, transaction != self.submission.transaction else { return self.wait() }
            self.submission.transaction = transaction
            return .note(self.submission)
        case .failure(let refusal, let transaction):
            guard self.mayHaveSettled else {
                return .finish(.failed(refusal, transaction: transaction.isEmpty ? nil : transaction))
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

    /// The chain says this of the authorization.
    mutating func chainSays(_ state: SettlementPursuit.AuthorizationState) -> Action {
        switch state {
        case .transferred(let settlement): .finish(.settled(settlement))
        case .used:
            .finish(
                .failed(
                    PaymentRefusal(ErrorReason.nonceAlreadyUsed.rawValue, detail: "used without a transfer"),
                    transaction: nil
                )
            )
        case .unused(isExpired: true):
            .finish(.failed(PaymentRefusal(ErrorReason.validBefore.rawValue, detail: "expired unsettled"), transaction: nil))
        case .unused(isExpired: false), .unknown: self.wait()
        }
    }

    /// The time is over.
    func waited() -> Action { .ask }

    /// A refusal of what may have been settled by an earlier request.
    private mutating func failedAgain(_ refusal: PaymentRefusal, _ transaction: String) -> Action {
        let reason = ErrorReason(rawValue: refusal.reason)
        guard !transaction.isEmpty else { return .readChain }
        if reason == .duplicateSettlement { return self.settled(transaction) }
        if Self.failedOnChain.contains(reason) { return .finish(.failed(refusal, transaction: transaction)) }
        return .readChain
    }

    /// Block and position are the driver's to look up; zero stands for a facilitator's word alone.
    private func settled(_ transaction: String) -> Action {
        .finish(.settled(Settlement(transaction: transaction, block: 0, logIndex: 0)))
    }

    private mutating func wait() -> Action {
        defer { self.delay = min(self.delay * 2, Self.longestDelay) }
        return .wait(self.delay)
    }
}
