// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// How money moves: verification and settlement of one scheme on its networks, in process or through a remote facilitator.
public protocol PaymentMethod: Sendable {
    /// Whether this method takes `option`.
    func takes(_ option: PaymentOption) -> Bool

    /// Whether `credential` would settle at `time` (seconds since 1970). Changes nothing.
    func verify(_ credential: Credential, at time: Int64) async -> Verification

    /// Settles a claimed payment, or takes up its settlement where it was left, and writes every step to the ledger.
    ///
    /// Returns `.pending` when the outcome is not known after `patience`; the method goes on until it is. Safe to call again at
    /// any time: one payment has one transaction.
    func settle(_ payment: PaymentRecord, patience: Duration) async -> SettlementOutcome
}

/// What verification came to.
public enum Verification: Hashable, Sendable {
    /// It would settle.
    case valid(VerifiedPayment)
    /// It would not, and asking again will not help. With the payer and the key as far as the payload names them.
    case invalid(PaymentRefusal, payer: String? = nil, key: PaymentKey? = nil)
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

    /// What verification learned.
    public init(key: PaymentKey, payer: String, unusedAtBlock: UInt64, validBefore: Int64) {
        self.key = key
        self.payer = payer
        self.unusedAtBlock = unusedAtBlock
        self.validBefore = validBefore
    }
}
