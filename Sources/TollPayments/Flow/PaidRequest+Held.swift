// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// A payment that the ledger holds already: presented again, or left by a crash.
extension PaidRequest {
    /// Why an authorization is dropped whose call may have been made and may not be repeated.
    public static let interruption = PaymentRefusal("outcome_unknown", detail: "the call was interrupted")

    /// Only who claimed it, asking for the same again, gets anything of it (invariant I3).
    mutating func decide(_ record: PaymentRecord) -> Action {
        guard record.phase != .released else { return self.end(.usedUp) }
        guard self.isClaimant(of: record) else { return self.end(.alreadyUsed(transaction: record.transaction?.hash)) }
        self.payer = record.claim.payer
        switch record.phase {
        case .claimed: return self.takeUpInterrupted(record)
        case .queued: return self.serveDeferredAgain(record)
        case .signed, .broadcast, .unknown:
            guard record.claim.policy == .deferred, !record.hasAnswer else { return self.settle(record, then: .serveHeld) }
            return self.serveDeferredAgain(record)
        case .settled: return self.serveHeld(record)
        // A crash may have come between the write and the answer: who asks again is told the same, and never to pay anew.
        case .failed where record.failure == Self.interruption: return self.end(.outcomeUnknown(debt: nil))
        case .failed, .released:
            let refusal = record.failure ?? PaymentRefusal("transaction_failed")
            return self.end(.settlementFailed(refusal, transaction: record.transaction?.hash, payer: self.payer))
        }
    }

    /// Whether an answer to the call under `record` is held until it is paid for. One that is delivered on trust streams, as does
    /// one that is paid for already.
    public func holdsAnswer(to record: PaymentRecord) -> Bool {
        record.phase == .claimed && !(record.claim.policy == .deferred && self.isVerified)
    }

    func isClaimant(of record: PaymentRecord) -> Bool {
        self.request.isSame(as: record.claim.request) && self.claimant.made(record.claim)
    }

    /// Whether a process that shares the ledger may still be about to serve the payment.
    private func isAtWork(_ record: PaymentRecord) -> Bool { !record.isServed && record.worker != self.worker }

    private mutating func takeOver(_ record: PaymentRecord) -> Action {
        self.state = .takingOver
        return .takeOver(record.id)
    }

    mutating func lookAgain(_ record: PaymentRecord) -> Action {
        self.state = .lookingAgain
        return .lookAgain(record.id)
    }

    /// A crash came between claim and settlement, or before a deferred payment was queued: nothing was charged.
    private mutating func takeUpInterrupted(_ record: PaymentRecord) -> Action {
        guard !self.isAtWork(record) else { return self.takeOver(record) }
        switch record.claim.policy {
        case .before: return self.settle(record, then: .callUpstream)
        case .after where record.hasAnswer, .deferred where record.hasAnswer: return self.settle(record, then: .serveHeld)
        case .after where record.claim.request.isRepeatable, .deferred where record.claim.request.isRepeatable:
            return self.call(record)
        case .after, .deferred:
            return self.record([.failed(Self.interruption)], then: .end(.outcomeUnknown(debt: nil)))
        }
    }

    /// Served on trust and not settled yet. No answer is kept under `deferred`: what may be called again is, for a while.
    private mutating func serveDeferredAgain(_ record: PaymentRecord) -> Action {
        guard self.isTimely(record), record.claim.request.isRepeatable else {
            return self.end(.alreadyUsed(transaction: record.transaction?.hash))
        }
        return self.call(record)
    }

    /// The money moved; what it bought is still owed to the one who claimed it, for as long as answers are kept.
    mutating func serveHeld(_ record: PaymentRecord) -> Action {
        guard !self.admits else { return self.admitLate(record) }
        if self.isTimely(record) {
            if record.hasAnswer { return self.end(.replay(record)) }
            // Under `before` the process that settled it calls the upstream next.
            let isFree = record.claim.policy != .before || !self.isAtWork(record)
            if !record.isOwed, isFree, record.claim.request.isRepeatable { return self.call(record) }
        }
        if record.isOwed { return self.end(.outcomeUnknown(debt: record)) }
        if record.isServed { return self.end(.alreadyUsed(transaction: record.settlement?.transaction)) }
        guard !self.isAtWork(record) else { return self.takeOver(record) }
        return self.record([.owed(reason: "the call was interrupted")], then: .endOwing { .outcomeUnknown(debt: $0) })
    }

    /// Leave to pass is given once. That it was is known when it is served, and that it was not as long as no answer is kept:
    /// that is written before it is given. Between the two came a crash, and nobody knows.
    private mutating func admitLate(_ record: PaymentRecord) -> Action {
        if record.isOwed { return self.end(.outcomeUnknown(debt: record)) }
        if record.isServed { return self.end(.alreadyUsed(transaction: record.settlement?.transaction)) }
        guard !self.isAtWork(record) else { return self.takeOver(record) }
        guard record.hasAnswer || !self.isTimely(record) else { return self.call(record) }
        return self.record([.owed(reason: "the call was interrupted")], then: .endOwing { .outcomeUnknown(debt: $0) })
    }

    /// Whether what it bought may still be asked for: from the settlement on, or under `deferred`, which has no moment of its
    /// own, from the claim on.
    private func isTimely(_ record: PaymentRecord) -> Bool {
        let start = record.claim.policy == .deferred ? record.claimedAt : (record.endedAt ?? self.time)
        return self.time - start <= StoredAnswer.keptSeconds
    }
}
