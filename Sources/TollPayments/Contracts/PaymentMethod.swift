// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// How money moves: verification and settlement of one scheme on its networks, in process or through a remote facilitator.
public protocol PaymentMethod: Sendable {
    /// Whether this method takes `option`.
    func takes(_ option: PaymentOption) -> Bool

    /// Whether the money moves before the credential is shown, whatever the route's rule: it is credit that buys then.
    var isPaidAhead: Bool { get }

    /// What `credential` would take when it is valid; nil when it cannot be told without verifying. Asks nobody.
    func key(of credential: Credential) -> PaymentKey?

    /// Whether `credential` would settle at `time` (seconds since 1970). Takes nothing; of money that is here already it may note
    /// that it is.
    func verify(_ credential: Credential, at time: Int64, freshness: Freshness) async -> Verification

    /// Settles a claimed payment, or takes up its settlement where it was left, and writes every step to the ledger.
    ///
    /// Returns `.pending` when the outcome is not known after `patience`; the method goes on until it is. Safe to call again at
    /// any time: at most one of a payment's transactions is ever mined.
    ///
    /// - Parameter events: What else becomes of a payment that nothing was signed for yet: the upstream's answer. Written in the
    ///   same step as the signed transaction or before it, so that waiting for the disk is done once.
    func settle(_ payment: PaymentRecord, keeping events: [PaymentEvent], patience: Duration) async -> SettlementOutcome
}

extension PaymentMethod {
    /// The credential moves it.
    public var isPaidAhead: Bool { false }

    /// Not known without verifying.
    public func key(of credential: Credential) -> PaymentKey? { nil }

    /// Whether `credential` would settle now.
    public func verify(_ credential: Credential, at time: Int64) async -> Verification {
        await self.verify(credential, at: time, freshness: .now)
    }

    /// Settles a payment, or takes its settlement up.
    public func settle(_ payment: PaymentRecord, patience: Duration) async -> SettlementOutcome {
        await self.settle(payment, keeping: [], patience: patience)
    }
}

/// How old what verification knows of the chain may be.
public enum Freshness: Hashable, Sendable {
    /// Asked now: the payment would settle in the state of the newest block.
    case now
    /// Some seconds old: enough where the seller bears the risk of a payer who empties its wallet meanwhile (`deferred`).
    case recent
}

/// What verification came to.
public enum Verification: Hashable, Sendable {
    /// It would settle.
    case valid(VerifiedPayment)
    /// It would not, and asking again will not help. With the payer and the key as far as the payload names them.
    case invalid(PaymentRefusal, payer: String? = nil, key: PaymentKey? = nil)
    /// The money is on its way and not here for good: it is worth asking again with the same credential. With what is said of it
    /// meanwhile.
    case processing(PaymentRefusal)
    /// The chain or the facilitator did not answer: nothing is known about the payment.
    case unavailable(reason: String)
}

/// What verification learned.
public struct VerifiedPayment: Hashable, Sendable {
    /// What the chain makes unique.
    public let key: PaymentKey
    /// The payer as the chain's people write it.
    public let payer: String
    /// The block in whose state the authorization was read unused.
    public let unusedAtBlock: UInt64
    /// When the authorization ends, in seconds since 1970.
    public let validBefore: Int64
    /// What the payer holds of the asset, in its smallest unit, when the payer is a plain account: only such a one can be served
    /// before it has paid. Nil for a contract, and where it is not known.
    public let spendable: UInt256?
    /// What is paid, where that is not what the credential's option says: a reference asks for an amount of its own.
    public let option: PaymentOption?

    /// What verification learned.
    public init(
        key: PaymentKey, payer: String, unusedAtBlock: UInt64, validBefore: Int64, spendable: UInt256? = nil,
        option: PaymentOption? = nil
    ) {
        self.option = option
        self.key = key
        self.payer = payer
        self.unusedAtBlock = unusedAtBlock
        self.validBefore = validBefore
        self.spendable = spendable
    }
}
