// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

extension PaidRequest {
    /// What the driver does next.
    public enum Action: Hashable, Sendable {
        /// Look which payment the payer's identifier names, then ``PaidRequest/identified(_:)``.
        case lookUpIdentifier(Bytes32)
        /// Ask the method whether the credential would settle, then ``PaidRequest/verified(_:)``.
        case verify(Freshness)
        /// Look whether the ledger holds the payment, then ``PaidRequest/known(_:)``.
        case lookUp(PaymentID)
        /// Count the payer's settled payments, as far as this many, then ``PaidRequest/counted(_:)``.
        case countSettled(payer: String, upTo: Int)
        /// Take the payment in the ledger, under the terms where there are any, then ``PaidRequest/claimed(_:)``; or, when too
        /// many requests wait for their settlement, ``PaidRequest/tooManyWait()``, or when there is nobody to call,
        /// ``PaidRequest/upstreamIsOut()``.
        case claim(Claim, DeferralTerms?)
        /// Take the payment out of what the payer is owed, by the first of the claims for which that suffices, then
        /// ``PaidRequest/credited(_:)``.
        case spendCredit([Claim])
        /// Another process has the payment: take it over if that one is gone, then ``PaidRequest/tookOver(_:)``.
        case takeOver(PaymentID)
        /// Another process works on the payment: look again a little later, then ``PaidRequest/lookedAgain(_:)``.
        case lookAgain(PaymentID)
        /// Settle, or take up the settlement, then ``PaidRequest/settled(_:_:)``. `keepsAnswer`: the upstream's answer is
        /// written with the signed transaction.
        case settle(PaymentRecord, keepsAnswer: Bool)
        /// Call the upstream, then ``PaidRequest/upstreamAnswered(_:)``.
        case callUpstream(PaymentRecord)
        /// Write the events to the ledger, then ``PaidRequest/recorded(_:)``. `keepsAnswer`: with the upstream's answer first;
        /// where the payment has another answer by then, ``PaidRequest/answeredElsewhere(_:)``.
        case record([PaymentEvent], keepsAnswer: Bool)
        /// The end.
        case finish(Ending)
    }

    /// What the client gets.
    public enum Ending: Hashable, Sendable {
        /// The upstream's answer, with the receipt. When the payment is deferred and stands claimed it is queued next, with what
        /// became of the delivery: the client does not wait for that.
        case deliver(PaymentRecord)
        /// The kept answer, with the receipt.
        case replay(PaymentRecord)
        /// The upstream's answer; nothing was charged.
        case deliverUncharged
        /// 402 and a fresh challenge with the reason.
        case refuse(PaymentRefusal, payer: String?)
        /// 402 that says how far the payment is, and to come again with the same credential. Nothing was claimed.
        case processing(PaymentRefusal)
        /// 402, a fresh challenge, and the receipt of the failed settlement.
        case settlementFailed(PaymentRefusal, transaction: String?, payer: String)
        /// 409: somebody used the payment already.
        case alreadyUsed(transaction: String?)
        /// 409: the payer used its identifier for another payment, this one.
        case identifierTaken(PaymentID)
        /// 403: the seller does not sell to this payer. Nothing was claimed.
        case denied
        /// 402 and a fresh challenge: the payer is not owed what this costs.
        case insufficientCredit
        /// 409: as many calls failed under it as one authorization may try. Nothing was charged.
        case usedUp
        /// 409: a call was interrupted, and repeating it might do its work twice. `debt` when the money moved.
        case outcomeUnknown(debt: PaymentRecord?)
        /// 503: settlement, or another request with this credential, is under way.
        case pending(PaymentID, transaction: String?)
        /// 503: the ledger, the chain or the facilitator does not answer, or too many requests wait for it.
        case unavailable(reason: String)
        /// 429: the payer asks too often.
        case rateLimited(payer: String)
        /// 502: the upstream failed. `debt` when the money had moved.
        case upstreamFailed(UpstreamFailure, debt: PaymentRecord?)
        /// 4xx: the client's own body broke off or is too large. `paid` when the money had moved: that is the buyer's.
        case requestBroken(RequestFault, paid: PaymentRecord?)

        /// Whether a settlement goes on.
        public var isPending: Bool {
            if case .pending = self { true } else { false }
        }
    }

    /// What the upstream did.
    public enum UpstreamOutcome: Hashable, Sendable {
        /// It answered with this status; the driver holds the answer.
        case answer(status: Int)
        /// It did not.
        case failed(UpstreamFailure)
        /// It could not: the request never reached it whole, and that is the client's doing.
        case requestBroken(RequestFault)
    }

    /// What is wrong with a request's body.
    public enum RequestFault: String, Hashable, Sendable {
        /// It is over the limit.
        case tooLarge
        /// It breaks the grammar.
        case malformed
    }

    /// Why there is no answer of the upstream.
    public struct UpstreamFailure: Error, Hashable, Sendable {
        /// What went wrong.
        public enum Kind: Hashable, Sendable {
            /// It did not answer, or with a server error.
            case failed
            /// It took too long.
            case timedOut
            /// It was not asked: it is known to be out.
            case unavailable
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
}
