// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments

/// Decides what one `/settle` comes to: success for one caller per authorization, in whatever order callers and crashes come.
///
/// Events in, one action out: no clock, no socket, no store. A driver carries out each action and reports what came of it. From
/// the first `lookUp` or `claim` until its answer is written, or known not to be, it lets no other call work on the payment.
struct SettleCall {
    /// What the driver does next.
    enum Action: Hashable, Sendable {
        /// Ask the method whether the credential would settle, then ``SettleCall/verified(_:)``.
        case verify
        /// Look whether the ledger holds the payment, then ``SettleCall/known(_:)``.
        case lookUp(PaymentID)
        /// Take the payment in the ledger, then ``SettleCall/claimed(_:)``.
        case claim(Claim)
        /// Settle, or take up the settlement, then ``SettleCall/settled(_:_:)``.
        case settle(PaymentRecord)
        /// Write `told` to the ledger, then ``SettleCall/told(_:)``.
        case tell(PaymentRecord)
        /// The end.
        case finish(Ending)
    }

    /// What the caller is answered.
    enum Ending: Hashable, Sendable {
        /// Success. It is in the ledger that this caller was told.
        case success(PaymentRecord)
        /// Success was told before, for the same payload and terms.
        case toldBefore(PaymentRecord)
        /// Somebody else's, or on other terms.
        case taken(PaymentRecord)
        /// It does not verify, and nobody holds it.
        case refused(PaymentRefusal, payer: String?)
        /// The chain refused it.
        case failed(PaymentRefusal, transaction: String?, payer: String)
        /// Under way; asking again takes it up.
        case pending(transaction: String, payer: String)
        /// The ledger or the chain does not answer: nothing is said about the payment.
        case unavailable(reason: String)

        /// Whether a transaction may have been sent for this call.
        var mayHaveSpentGas: Bool {
            switch self {
            case .success, .failed, .pending: true
            case .toldBefore, .taken, .refused, .unavailable: false
            }
        }
    }

    private enum State {
        case verifying
        case lookingUp(PaymentRefusal, payer: String?)
        case claiming
        case settling
        case telling
        case finished
    }

    private let credential: Credential
    private var state = State.verifying

    /// A call that presents `credential`.
    init(_ credential: Credential) {
        self.credential = credential
    }

    /// The first action.
    func start() -> Action { .verify }

    /// Verification came to `verification`.
    mutating func verified(_ verification: Verification) -> Action {
        guard case .verifying = self.state else { return self.impossible("verified") }
        switch verification {
        case .unavailable(let reason): return self.end(.unavailable(reason: reason))
        case .processing(let state): return self.end(.refused(state, payer: nil))
        case .invalid(let refusal, let payer, let key):
            // What is settled no longer verifies; the ledger may know for whom.
            guard let key else { return self.end(.refused(refusal, payer: payer)) }
            self.state = .lookingUp(refusal, payer: payer)
            return .lookUp(key.id)
        case .valid(let payment):
            self.state = .claiming
            return .claim(
                Claim(
                    key: payment.key,
                    payer: payment.payer,
                    option: self.credential.option,
                    dialect: self.credential.dialect,
                    policy: .before,
                    payload: self.credential.payload,
                    route: "",
                    request: RequestIdentity(digest: nil, isRepeatable: false),
                    challengeHash: nil,
                    unusedAtBlock: payment.unusedAtBlock,
                    validBefore: payment.validBefore
                )
            )
        }
    }

    /// The ledger holds `record` of a credential that does not verify, or nothing (nil).
    mutating func known(_ record: PaymentRecord?) -> Action {
        guard case .lookingUp(let refusal, let payer) = self.state else { return self.impossible("known") }
        guard let record, record.phase != .released else { return self.end(.refused(refusal, payer: payer)) }
        return self.decide(record)
    }

    /// The claim came to `outcome`.
    mutating func claimed(_ outcome: ClaimOutcome) -> Action {
        guard case .claiming = self.state else { return self.impossible("claimed") }
        switch outcome {
        case .first(let record): return self.settle(record)
        case .held(let record), .identifierTaken(let record): return self.decide(record)
        case .notDeferrable(let reason): return self.end(.unavailable(reason: reason))
        }
    }

    /// Another call works on the payment and has not come to an end in time; `record` is the payment as it stands.
    mutating func waitedTooLong(_ record: PaymentRecord?) -> Action {
        if let record, record.isUnderWay, self.isSame(as: record.claim), let transaction = record.transaction {
            return self.end(.pending(transaction: transaction.hash, payer: record.claim.payer))
        }
        return self.end(.unavailable(reason: "another call settles this payment"))
    }

    /// Settlement came to `outcome`; `record` is the payment after it.
    mutating func settled(_ outcome: SettlementOutcome, _ record: PaymentRecord) -> Action {
        guard case .settling = self.state else { return self.impossible("settled") }
        let payer = record.claim.payer
        switch outcome {
        case .settled: return self.tell(record)
        case .pending(""): return self.end(.unavailable(reason: "the settlement has no transaction yet"))
        case .pending(let transaction): return self.end(.pending(transaction: transaction, payer: payer))
        case .failed(let refusal, let transaction): return self.end(.failed(refusal, transaction: transaction, payer: payer))
        case .unavailable(let reason): return self.end(.unavailable(reason: reason))
        }
    }

    /// That this caller is told is durable; `record` is the payment after it.
    mutating func told(_ record: PaymentRecord) -> Action {
        guard case .telling = self.state else { return self.impossible("told") }
        return self.end(.success(record))
    }

    /// The ledger did not answer: nobody is told anything.
    mutating func storeFailed(_ error: StoreError) -> Action {
        self.end(.unavailable(reason: "the ledger: \(error.reason)"))
    }

    // MARK: - Decisions

    /// The payment is held. It goes on only for the same payload and terms, and only when a facilitator claimed it.
    private mutating func decide(_ record: PaymentRecord) -> Action {
        guard self.isSame(as: record.claim) else { return self.end(.taken(record)) }
        switch record.phase {
        case .claimed, .queued, .signed, .broadcast, .unknown: return self.settle(record)
        case .settled: return record.isTold ? self.end(.toldBefore(record)) : self.tell(record)
        case .failed:
            let refusal = record.failure ?? PaymentRefusal("transaction_failed")
            return self.end(.failed(refusal, transaction: record.transaction?.hash, payer: record.claim.payer))
        case .released: return self.end(.taken(record))
        }
    }

    /// Whether the claim is a facilitator's, of this very payload, for the same payee, asset and amount. The payload is compared
    /// because a key can be named by anyone, and only who has the signature has something to settle.
    private func isSame(as claim: Claim) -> Bool {
        let (ours, theirs) = (self.credential.option, claim.option)
        return claim.dialect == self.credential.dialect && claim.payload == self.credential.payload
            && ours.amount == theirs.amount
            && ours.network == theirs.network && ours.asset.address.lowercased() == theirs.asset.address.lowercased()
            && ours.payTo.lowercased() == theirs.payTo.lowercased()
    }

    private mutating func settle(_ record: PaymentRecord) -> Action {
        self.state = .settling
        return .settle(record)
    }

    private mutating func tell(_ record: PaymentRecord) -> Action {
        self.state = .telling
        return .tell(record)
    }

    private mutating func end(_ ending: Ending) -> Action {
        self.state = .finished
        return .finish(ending)
    }

    private func impossible(_ event: String) -> Action {
        preconditionFailure("\(event) in state \(self.state): the driver reported what it was not asked for.")
    }
}
