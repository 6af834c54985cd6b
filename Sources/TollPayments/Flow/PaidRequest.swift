// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Decides what happens to one request that presents a credential. Events in, one action out: no clock, no socket, no store.
///
/// A driver carries out each action and reports what came of it, until the action is an end. From the first `lookUp` or `claim`
/// to the end it lets no other request work on the same payment, so that a claim without a settlement always means an
/// interruption. Every race and every crash is an order of these calls, and so a unit test.
public struct PaidRequest {
    /// What the driver does next.
    public enum Action: Hashable, Sendable {
        /// Ask the method whether the credential would settle, then ``PaidRequest/verified(_:)``.
        case verify
        /// Look whether the ledger holds the payment, then ``PaidRequest/known(_:)``.
        case lookUp(PaymentID)
        /// Take the payment in the ledger, then ``PaidRequest/claimed(_:)``.
        case claim(Claim)
        /// Settle, or take up the settlement, then ``PaidRequest/settled(_:)``.
        case settle(PaymentRecord)
        /// Call the upstream, then ``PaidRequest/upstreamAnswered(_:)``.
        case callUpstream(PaymentRecord)
        /// Write the events to the ledger, then ``PaidRequest/recorded(_:)``. `keepsAnswer`: with the upstream's answer first.
        case record([PaymentEvent], keepsAnswer: Bool)
        /// The end.
        case finish(Ending)
    }

    /// What the client gets.
    public enum Ending: Hashable, Sendable {
        /// The upstream's answer, with the receipt.
        case deliver(PaymentRecord)
        /// The kept answer, with the receipt.
        case replay(PaymentRecord)
        /// The upstream's answer; nothing was charged.
        case deliverUncharged
        /// 402 and a fresh challenge with the reason.
        case refuse(PaymentRefusal, payer: String?)
        /// 402, a fresh challenge, and the receipt of the failed settlement.
        case settlementFailed(PaymentRefusal, transaction: String?, payer: String)
        /// 409: somebody used the payment already.
        case alreadyUsed(transaction: String?)
        /// 409: a call was interrupted, and repeating it might do its work twice. `debt` when the money moved.
        case outcomeUnknown(debt: PaymentRecord?)
        /// 503: settlement, or another request with this credential, is under way.
        case pending(PaymentID, transaction: String?)
        /// 503: the ledger, the chain or the facilitator does not answer.
        case unavailable(reason: String)
        /// 502: the upstream failed. `debt` when the money had moved.
        case upstreamFailed(UpstreamFailure, debt: PaymentRecord?)
    }

    /// What the upstream did.
    public enum UpstreamOutcome: Hashable, Sendable {
        /// It answered with this status; the driver holds the answer.
        case answer(status: Int)
        /// It did not.
        case failed(UpstreamFailure)
    }

    /// Why there is no answer of the upstream.
    public struct UpstreamFailure: Error, Hashable, Sendable {
        /// What went wrong.
        public enum Kind: Hashable, Sendable {
            /// It did not answer, or with a server error.
            case failed
            /// It took too long.
            case timedOut
            /// Its answer is more than can be held until it is paid.
            case tooLarge
        }

        /// What went wrong.
        public let kind: Kind
        /// For the log.
        public let reason: String

        /// A failure of the upstream.
        public init(_ kind: Kind, reason: String) {
            self.kind = kind
            self.reason = reason
        }
    }

    private enum State {
        case verifying
        case lookingUp(PaymentRefusal, payer: String?)
        case claiming
        case settling(PaymentRecord, Next)
        case calling(PaymentRecord)
        case recording(Next)
        case finished
    }

    /// What follows a settlement or a write.
    private enum Next {
        case settleThenDeliver
        case callUpstream
        case deliver
        case serveHeld
        case end(Ending)
        case endOwing((PaymentRecord) -> Ending)
    }

    /// Why an authorization is dropped whose call may have been made and may not be repeated.
    private static let interruption = PaymentRefusal("outcome_unknown", detail: "the call was interrupted")

    private let credential: Credential
    private let policy: SettlePolicy
    private let route: String
    private let request: RequestIdentity
    private let time: Int64
    private var payer = ""
    private var state = State.verifying

    /// A request on `route` that presents `credential` at `time`, in seconds since 1970.
    public init(credential: Credential, policy: SettlePolicy, route: String, request: RequestIdentity, at time: Int64) {
        self.credential = credential
        self.policy = policy
        self.route = route
        self.request = request
        self.time = time
    }

    /// The first action.
    public func start() -> Action { .verify }

    /// Verification came to `verification`.
    public mutating func verified(_ verification: Verification) -> Action {
        guard case .verifying = self.state else { return self.impossible("verified") }
        switch verification {
        case .unavailable(let reason): return self.end(.unavailable(reason: reason))
        case .invalid(let refusal, let payer, let key):
            // A settled or expired authorization no longer verifies; the ledger may still hold an answer for it.
            guard let key else { return self.end(.refuse(refusal, payer: payer)) }
            self.state = .lookingUp(refusal, payer: payer)
            return .lookUp(key.id)
        case .valid(let payment):
            self.payer = payment.payer
            self.state = .claiming
            return .claim(
                Claim(
                    key: payment.key, payer: payment.payer, option: self.credential.option, dialect: self.credential.dialect,
                    policy: self.policy,
                    payload: self.credential.payload, route: self.route, request: self.request,
                    challengeHash: self.credential.challengeHash, unusedAtBlock: payment.unusedAtBlock,
                    validBefore: payment.validBefore))
        }
    }

    /// The ledger holds `record` of a credential that does not verify, or nothing (nil).
    public mutating func known(_ record: PaymentRecord?) -> Action {
        guard case .lookingUp(let refusal, let payer) = self.state else { return self.impossible("known") }
        guard let record, record.phase != .released else { return self.end(.refuse(refusal, payer: payer)) }
        return self.decide(record)
    }

    /// The claim came to `outcome`.
    public mutating func claimed(_ outcome: ClaimOutcome) -> Action {
        guard case .claiming = self.state else { return self.impossible("claimed") }
        switch outcome {
        case .first(let record):
            switch self.policy {
            case .before: return self.settle(record, then: .callUpstream)
            case .after, .deferred: return self.call(record)
            }
        case .held(let record): return self.decide(record)
        case .identifierTaken(let record): return self.end(.alreadyUsed(transaction: record.transaction?.hash))
        case .notDeferrable(let reason): return self.end(.unavailable(reason: reason))
        }
    }

    /// Another request works on the payment and has not come to an end in time.
    public mutating func waitedTooLong(for payment: PaymentID) -> Action {
        self.end(.pending(payment, transaction: nil))
    }

    /// Settlement came to `outcome`; `record` is the payment after it.
    public mutating func settled(_ outcome: SettlementOutcome, _ record: PaymentRecord) -> Action {
        guard case .settling(_, let next) = self.state else { return self.impossible("settled") }
        switch outcome {
        case .settled: return self.follow(next, record)
        case .pending(let transaction): return self.end(.pending(record.id, transaction: transaction))
        case .failed(let refusal, let transaction):
            return self.end(.settlementFailed(refusal, transaction: transaction, payer: self.payer))
        case .unavailable(let reason): return self.end(.unavailable(reason: reason))
        }
    }

    /// The upstream came to `outcome`.
    public mutating func upstreamAnswered(_ outcome: UpstreamOutcome) -> Action {
        guard case .calling(let record) = self.state else { return self.impossible("upstreamAnswered") }
        return record.phase == .settled ? self.answeredPaid(outcome, record) : self.answeredUnpaid(outcome)
    }

    /// The events are durable; `record` is the payment after them.
    public mutating func recorded(_ record: PaymentRecord) -> Action {
        guard case .recording(let next) = self.state else { return self.impossible("recorded") }
        return self.follow(next, record)
    }

    /// The ledger did not answer: the gate closes (invariant I7).
    public mutating func storeFailed(_ error: StoreError) -> Action {
        self.end(.unavailable(reason: "the ledger: \(error.reason)"))
    }

    // MARK: - Decisions

    /// Money has not moved: a good answer is kept and then settled, a bad one costs nothing.
    private mutating func answeredUnpaid(_ outcome: UpstreamOutcome) -> Action {
        switch outcome {
        case .answer(let status) where status < 400 && status != 304:
            return self.record([], keepsAnswer: true, then: .settleThenDeliver)
        case .answer(let status):
            return self.record([.released(reason: "the upstream answered \(status)")], then: .end(.deliverUncharged))
        case .failed(let failure):
            return self.record([.released(reason: failure.reason)], then: .end(.upstreamFailed(failure, debt: nil)))
        }
    }

    /// Money has moved: a fault of the seller's side makes a debt, a 4xx is the buyer's.
    private mutating func answeredPaid(_ outcome: UpstreamOutcome, _ record: PaymentRecord) -> Action {
        let failure: UpstreamFailure
        switch outcome {
        case .answer(let status) where status < 500: return self.record([], keepsAnswer: true, then: .deliver)
        case .answer(let status): failure = UpstreamFailure(.failed, reason: "the upstream answered \(status)")
        case .failed(let reported): failure = reported
        }
        guard !record.isServed else { return self.end(.upstreamFailed(failure, debt: nil)) }  // Called again for a second copy.
        return self.record([.owed(reason: failure.reason)], then: .endOwing { .upstreamFailed(failure, debt: $0) })
    }

    /// The payment is held. Only who claimed it, asking for the same again, gets anything of it (invariant I3).
    private mutating func decide(_ record: PaymentRecord) -> Action {
        guard self.isClaimant(of: record) else { return self.end(.alreadyUsed(transaction: record.transaction?.hash)) }
        self.payer = record.claim.payer
        switch record.phase {
        case .settled: return self.serveHeld(record)
        case .signed, .broadcast, .unknown: return self.settle(record, then: .serveHeld)
        case .queued: return self.end(.alreadyUsed(transaction: nil))
        case .claimed: return self.takeUpInterrupted(record)
        // A crash may have come between the write and the answer: who asks again is told the same, and never to pay anew.
        case .failed where record.failure == Self.interruption: return self.end(.outcomeUnknown(debt: nil))
        case .failed:
            let refusal = record.failure ?? PaymentRefusal("transaction_failed")
            return self.end(.settlementFailed(refusal, transaction: record.transaction?.hash, payer: self.payer))
        case .released: return self.end(.alreadyUsed(transaction: nil))  // Three calls failed under it.
        }
    }

    /// A crash came between claim and settlement: nothing was charged.
    private mutating func takeUpInterrupted(_ record: PaymentRecord) -> Action {
        switch record.claim.policy {
        case .before: return self.settle(record, then: .callUpstream)
        case .after where record.hasAnswer, .deferred where record.hasAnswer: return self.settle(record, then: .serveHeld)
        case .after where record.claim.request.isRepeatable, .deferred where record.claim.request.isRepeatable:
            return self.call(record)
        case .after, .deferred:
            return self.record([.failed(Self.interruption)], then: .end(.outcomeUnknown(debt: nil)))
        }
    }

    /// The money moved; what it bought is still owed to the one who claimed it, for as long as answers are kept.
    private mutating func serveHeld(_ record: PaymentRecord) -> Action {
        if let ended = record.endedAt, self.time - ended <= StoredAnswer.keptSeconds {
            if record.hasAnswer { return self.end(.replay(record)) }
            if !record.isOwed, record.claim.request.isRepeatable { return self.call(record) }
        }
        if record.isOwed { return self.end(.outcomeUnknown(debt: record)) }
        if record.isServed { return self.end(.alreadyUsed(transaction: record.settlement?.transaction)) }
        return self.record([.owed(reason: "the call was interrupted")], then: .endOwing { .outcomeUnknown(debt: $0) })
    }

    private func isClaimant(of record: PaymentRecord) -> Bool {
        guard let presented = self.credential.challengeHash, let held = record.claim.challengeHash else { return false }
        return presented == held && self.request.isSame(as: record.claim.request)
    }

    private mutating func follow(_ next: Next, _ record: PaymentRecord) -> Action {
        switch next {
        case .settleThenDeliver: self.settle(record, then: .deliver)
        case .callUpstream: self.call(record)
        case .deliver: self.end(.deliver(record))
        case .serveHeld: self.serveHeld(record)
        case .end(let ending): self.end(ending)
        case .endOwing(let ending): self.end(ending(record))
        }
    }

    private mutating func settle(_ record: PaymentRecord, then next: Next) -> Action {
        self.state = .settling(record, next)
        return .settle(record)
    }

    private mutating func call(_ record: PaymentRecord) -> Action {
        self.state = .calling(record)
        return .callUpstream(record)
    }

    private mutating func record(_ events: [PaymentEvent], keepsAnswer: Bool = false, then next: Next) -> Action {
        self.state = .recording(next)
        return .record(events, keepsAnswer: keepsAnswer)
    }

    private mutating func end(_ ending: Ending) -> Action {
        self.state = .finished
        return .finish(ending)
    }

    private func impossible(_ event: String) -> Action {
        preconditionFailure("\(event) in state \(self.state): the driver reported what it was not asked for.")
    }
}
