// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

/// Decides what happens to one request that presents a credential. Events in, one action out: no clock, no socket, no store.
///
/// A driver carries out each action and reports what came of it, until the action is an end. From the first `lookUp` or `claim`
/// to the end it lets no other request of its process work on the same payment. Every race and every crash is an order of these
/// calls, and so a unit test.
public struct PaidRequest {
    enum State {
        case identifying(PaymentKey)
        case recalling
        case verifying
        case lookingUp(PaymentRefusal, payer: String?)
        case counting(VerifiedPayment)
        case claiming
        case takingOver
        case lookingAgain
        case settling(PaymentRecord, keepsAnswer: Bool, Next)
        case calling(PaymentRecord)
        case recording(Next)
        case finished
    }

    /// What follows a settlement or a write.
    enum Next {
        case callUpstream
        case deliver
        case serveHeld
        case end(Ending)
        case endOwing((PaymentRecord) -> Ending)
    }

    let credential: Credential
    let claimant: Claimant
    let key: PaymentKey?
    let rule: SettleRule
    let limits: DeferralLimits
    let route: String
    let request: RequestIdentity
    let admits: Bool
    let worker: WorkerID
    let time: Int64
    /// The other ways in which credit may pay, in the order in which they are tried.
    private let alternatives: [PaymentOption]
    /// What is presented moves no money: it buys with what has arrived before.
    private let spendsCredit: Bool
    /// When the money moves, as far as it is known now: what the rule wants, then what the payer gets.
    private var policy: SettlePolicy
    /// The credential verified, so that what is served on it is expected to settle.
    var isVerified = false
    var payer = ""
    var claim: Action?
    var state = State.verifying

    /// A request on `route` that presents `credential` at `time`, in seconds since 1970.
    ///
    /// - Parameters:
    ///   - key: What the credential would take, as far as that is known before it is verified.
    ///   - signedIn: Whose key the client has proven to hold.
    ///   - isPaidAhead: See ``PaymentMethod/isPaidAhead``.
    ///   - alternatives: What credit may pay with where it does not suffice for the option of `credential`.
    ///   - admits: What is served is leave to pass, given once and never again: calling the upstream is giving it.
    ///   - worker: This process, which lets one request at a time work on a payment: what it has and nobody works on was
    ///     interrupted.
    public init(
        credential: Credential, key: PaymentKey? = nil, signedIn: SignedInAccount? = nil, rule: SettleRule,
        limits: DeferralLimits = DeferralLimits(), isPaidAhead: Bool = false, alternatives: [PaymentOption] = [], route: String,
        request: RequestIdentity, admits: Bool = false, worker: WorkerID, at time: Int64
    ) {
        let rule = isPaidAhead ? SettleRule(.before) : rule
        self.spendsCredit = isPaidAhead
        self.credential = credential
        self.claimant = Claimant(credential, signedIn: signedIn)
        self.key = key
        self.rule = rule
        self.limits = limits
        self.route = route
        self.request = admits ? RequestIdentity(digest: request.digest, isRepeatable: false) : request
        self.admits = admits
        self.worker = worker
        self.time = time
        self.alternatives = alternatives
        self.policy = rule.policy
    }

    // MARK: - Events

    /// The first action. A client's identifier is looked up before anything is verified: what it names may be settled long since.
    public mutating func start() -> Action {
        guard let key = self.key, let hash = self.claimant.identifierHash(of: key.payer) else { return self.verify() }
        self.state = .identifying(key)
        return .lookUpIdentifier(hash)
    }

    /// The ledger holds `record` under the client's identifier, or nothing (nil).
    public mutating func identified(_ record: PaymentRecord?) -> Action {
        guard case .identifying(let key) = self.state else { return self.impossible("identified") }
        guard let record else { return self.verify() }
        guard record.id == key.id else { return self.end(.identifierTaken(record.id)) }
        self.state = .recalling
        return .lookUp(key.id)
    }

    /// Verification came to `verification`.
    public mutating func verified(_ verification: Verification) -> Action {
        guard case .verifying = self.state else { return self.impossible("verified") }
        switch verification {
        case .unavailable(let reason): return self.end(.unavailable(reason: reason))
        case .processing(let state): return self.end(.processing(state))
        case .invalid(let refusal, let payer, let key):
            // A settled or expired authorization no longer verifies; the ledger may still hold an answer for it.
            guard let key else { return self.end(.refuse(refusal, payer: payer)) }
            self.state = .lookingUp(refusal, payer: payer)
            return .lookUp(key.id)
        case .valid(let payment):
            self.payer = payment.payer
            self.isVerified = true
            return self.choosePolicy(payment)
        }
    }

    /// The ledger holds `record` of a credential that does not verify, or nothing (nil).
    public mutating func known(_ record: PaymentRecord?) -> Action {
        if case .recalling = self.state {
            guard let record, record.phase != .released, record.phase != .failed else { return self.verify() }
            return self.decide(record)
        }
        guard case .lookingUp(let refusal, let payer) = self.state else { return self.impossible("known") }
        guard let record, record.phase != .released else { return self.end(.refuse(refusal, payer: payer)) }
        return self.decide(record)
    }

    /// The payer has so many settled payments.
    public mutating func counted(_ settledPayments: Int) -> Action {
        guard case .counting(let payment) = self.state else { return self.impossible("counted") }
        if settledPayments < self.rule.settledPaymentsMin { self.policy = self.rule.otherwise }
        return self.take(payment, under: nil)
    }

    /// The claim came to `outcome`.
    public mutating func claimed(_ outcome: ClaimOutcome) -> Action {
        guard case .claiming = self.state else { return self.impossible("claimed") }
        switch outcome {
        case .first(let record):
            return self.policy == .before ? self.settle(record, then: .callUpstream) : self.call(record)
        case .held(let record): return self.decide(record)
        case .identifierTaken(let record): return self.end(.identifierTaken(record.id))
        case .notDeferrable: return self.verifyForOtherwise()
        }
    }

    /// Taking the payment out of the payer's credit came to `outcome`.
    public mutating func credited(_ outcome: CreditOutcome) -> Action {
        guard case .claiming = self.state else { return self.impossible("credited") }
        switch outcome {
        case .first(let record): return self.call(record)
        case .held(let record): return self.decide(record)
        case .insufficient where self.credential.dialect != .credit:
            return self.end(.refuse(PaymentRefusal("deposit_spent", detail: "what was paid is spent"), payer: self.payer))
        case .insufficient: return self.end(.insufficientCredit)
        }
    }

    /// So many requests wait for their settlement that this one may not join them. Nothing was claimed.
    public mutating func tooManyWait() -> Action {
        self.end(.unavailable(reason: "too many requests wait for their settlement"))
    }

    /// Nobody would answer the call. Nothing was claimed.
    public mutating func upstreamIsOut() -> Action { self.end(.unavailable(reason: "the upstream is out")) }

    /// The seller does not sell to the payer of the claim. Nothing was claimed.
    public mutating func denied() -> Action { self.end(.denied) }

    /// Nobody could say whether the seller sells to the payer of the claim. Nothing was claimed.
    public mutating func couldNotScreen(_ reason: String) -> Action { self.end(.unavailable(reason: reason)) }

    /// The payer has asked more often than it may. Nothing was claimed now.
    public mutating func rateLimited() -> Action { self.end(.rateLimited(payer: self.payer)) }

    /// Another request works on the payment and has not come to an end in time; `record` is the payment as it stands.
    public mutating func waitedTooLong(_ record: PaymentRecord?) -> Action {
        guard let record else { return self.end(.unavailable(reason: "another request has not claimed the payment in time")) }
        let transaction = record.settlement?.transaction ?? record.transaction?.hash
        guard self.isClaimant(of: record) else { return self.end(.alreadyUsed(transaction: transaction)) }
        return self.end(.pending(record.id, transaction: transaction))
    }

    /// The payment after the attempt to take it over.
    public mutating func tookOver(_ record: PaymentRecord?) -> Action {
        guard case .takingOver = self.state else { return self.impossible("tookOver") }
        guard let record else { return self.end(.unavailable(reason: "a payment is gone from the ledger")) }
        return record.worker == self.worker ? self.decide(record) : self.lookAgain(record)
    }

    /// The payment on which another process works, or worked, as it stands now.
    public mutating func lookedAgain(_ record: PaymentRecord?) -> Action {
        guard case .lookingAgain = self.state else { return self.impossible("lookedAgain") }
        guard let record else { return self.end(.unavailable(reason: "a payment is gone from the ledger")) }
        if record.isClaimable, let claim = self.claim {
            self.state = .claiming
            return claim
        }
        return self.decide(record)
    }

    /// Settlement came to `outcome`; `record` is the payment after it.
    public mutating func settled(_ outcome: SettlementOutcome, _ record: PaymentRecord) -> Action {
        guard case .settling(_, let keepsAnswer, let next) = self.state else { return self.impossible("settled") }
        switch outcome {
        case .settled: return self.follow(next, record)
        case .pending(let transaction): return self.end(.pending(record.id, transaction: transaction))
        case .failed(let refusal, let transaction):
            return self.end(.settlementFailed(refusal, transaction: transaction, payer: self.payer))
        case .unavailable(let reason):
            let end = Ending.unavailable(reason: reason)
            // Whoever comes back has it settled then, and does not need the upstream again.
            guard keepsAnswer, record.phase == .claimed, !record.hasAnswer else { return self.end(end) }
            return self.record([], keepsAnswer: true, then: .end(end))
        }
    }

    /// The upstream came to `outcome`.
    public mutating func upstreamAnswered(_ outcome: UpstreamOutcome) -> Action {
        guard case .calling(let record) = self.state else { return self.impossible("upstreamAnswered") }
        return record.phase == .claimed ? self.answeredFirst(outcome, record) : self.answeredPaid(outcome, record)
    }

    /// The events are durable; `record` is the payment after them.
    public mutating func recorded(_ record: PaymentRecord) -> Action {
        guard case .recording(let next) = self.state else { return self.impossible("recorded") }
        return self.follow(next, record)
    }

    /// The answer was not written: another process had called the upstream too, and it is its answer that `record` holds.
    public mutating func answeredElsewhere(_ record: PaymentRecord) -> Action {
        guard case .recording = self.state else { return self.impossible("answeredElsewhere") }
        return self.serveHeld(record)
    }

    /// The ledger did not answer: the gate closes (invariant I7).
    public mutating func storeFailed(_ error: StoreError) -> Action {
        self.end(.unavailable(reason: "the ledger: \(error.reason)"))
    }

    // MARK: - When the money moves

    private var freshness: Freshness { self.policy == .deferred ? .recent : .now }

    /// What the rule wants, if the payer is one for it.
    private mutating func choosePolicy(_ payment: VerifiedPayment) -> Action {
        if self.policy == .deferred {
            guard let spendable = payment.spendable else { return self.verifyForOtherwise() }
            return self.take(payment, under: self.limits.terms(spendable: spendable, rule: self.rule))
        }
        guard self.policy == self.rule.policy, self.rule.settledPaymentsMin > 0 else { return self.take(payment, under: nil) }
        self.state = .counting(payment)
        return .countSettled(payer: payment.payer, upTo: self.rule.settledPaymentsMin)
    }

    /// Not deferred after all. What was good enough for serving first is asked anew: now it has to settle.
    private mutating func verifyForOtherwise() -> Action {
        self.policy = self.rule.otherwise
        self.isVerified = false
        return self.verify()
    }

    private mutating func take(_ payment: VerifiedPayment, under terms: DeferralTerms?) -> Action {
        let option = payment.option ?? self.credential.option
        let claim = Claim(
            key: payment.key, payer: payment.payer, option: option, dialect: self.credential.dialect,
            policy: self.policy, payload: self.credential.payload, route: self.route, request: self.request,
            challengeHash: self.credential.challengeHash, unusedAtBlock: payment.unusedAtBlock,
            validBefore: payment.validBefore, identifierHash: self.claimant.identifierHash(of: payment.payer),
            exposure: self.policy == .deferred ? option.exposure : 0, worker: self.worker)
        let action =
            self.spendsCredit
            ? Action.spendCredit([claim] + self.alternatives.map(claim.paying)) : .claim(claim, terms)
        self.claim = action
        self.state = .claiming
        return action
    }

    // MARK: - What the upstream said

    /// Under a claim that nothing was signed for: a good answer is settled first, or delivered on trust; a bad one costs nothing.
    private mutating func answeredFirst(_ outcome: UpstreamOutcome, _ record: PaymentRecord) -> Action {
        switch outcome {
        case .answer(let status) where status < 400 && status != 304:
            if record.claim.policy == .deferred, self.isVerified { return self.end(.deliver(record)) }
            return self.settle(record, keepsAnswer: true, then: .deliver)
        case .answer(let status):
            return self.record([.released(reason: "the upstream answered \(status)")], then: .end(.deliverUncharged))
        case .failed(let failure):
            return self.record([.released(reason: failure.reason)], then: .end(.upstreamFailed(failure, debt: nil)))
        case .requestBroken(let fault):
            return self.record([.released(reason: "the request broke off")], then: .end(.requestBroken(fault, paid: nil)))
        }
    }

    /// The money has moved, or will: a fault of the seller's side makes a debt, a 4xx is the buyer's.
    private mutating func answeredPaid(_ outcome: UpstreamOutcome, _ record: PaymentRecord) -> Action {
        let failure: UpstreamFailure
        switch outcome {
        case .answer(let status) where status < 500:
            if record.claim.policy == .deferred { return self.end(.deliver(record)) }
            return self.record([], keepsAnswer: true, then: .deliver)
        case .answer(let status): failure = UpstreamFailure(.failed, reason: "the upstream answered \(status)")
        case .failed(let reported): failure = reported
        case .requestBroken(let fault): return self.end(.requestBroken(fault, paid: record))
        }
        // Called again for a second copy, or not settled yet: then it is looked at when its answer's time is up.
        guard !record.isServed, record.phase == .settled else { return self.end(.upstreamFailed(failure, debt: nil)) }
        return self.record([.owed(reason: failure.reason)], then: .endOwing { .upstreamFailed(failure, debt: $0) })
    }

    // MARK: - Moves

    private mutating func verify() -> Action {
        self.state = .verifying
        return .verify(self.freshness)
    }

    private mutating func follow(_ next: Next, _ record: PaymentRecord) -> Action {
        switch next {
        case .callUpstream: self.call(record)
        case .deliver: self.end(.deliver(record))
        case .serveHeld: self.serveHeld(record)
        case .end(let ending): self.end(ending)
        case .endOwing(let ending): self.end(ending(record))
        }
    }

    mutating func settle(_ record: PaymentRecord, keepsAnswer: Bool = false, then next: Next) -> Action {
        self.state = .settling(record, keepsAnswer: keepsAnswer, next)
        return .settle(record, keepsAnswer: keepsAnswer)
    }

    mutating func call(_ record: PaymentRecord) -> Action {
        self.state = .calling(record)
        return .callUpstream(record)
    }

    mutating func record(_ events: [PaymentEvent], keepsAnswer: Bool = false, then next: Next) -> Action {
        self.state = .recording(next)
        return .record(events, keepsAnswer: keepsAnswer)
    }

    mutating func end(_ ending: Ending) -> Action {
        self.state = .finished
        return .finish(ending)
    }

    private func impossible(_ event: String) -> Action {
        preconditionFailure("\(event) in state \(self.state): the driver reported what it was not asked for.")
    }
}
