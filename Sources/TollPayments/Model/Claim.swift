// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// A verified credential's hold on its payment: who may have the answer, for what, and what it takes to settle.
///
/// Holds everything that settling after a crash needs, and no secret: a challenge is kept as its hash.
public struct Claim: Hashable, Sendable {
    /// What the chain makes unique.
    public let key: PaymentKey
    /// Who pays, as the chain's people write it.
    public let payer: String
    /// What is paid to whom.
    public let option: PaymentOption
    /// How the credential travelled.
    public let dialect: DialectID
    /// When the money moves.
    public let policy: SettlePolicy
    /// The scheme's own part, verbatim: what settlement sends to the chain.
    public let payload: JSONObject
    /// The pattern of the route, for people; empty for a facilitator's claim.
    public let route: String
    /// The request that it buys.
    public let request: RequestIdentity
    /// SHA-256 of the challenge; whoever brings the challenge again is the one who claimed.
    public let challengeHash: Bytes32?
    /// The block in whose state the authorization was last read unused. A Transfer in a later block is this claim's;
    /// one somewhat below may have been put there by a reorganisation.
    public let unusedAtBlock: UInt64
    /// When the authorization ends, in seconds since 1970.
    public let validBefore: Int64
    /// A digest of the payer and the `payment-identifier` it chose; nil when it chose none.
    public let identifierHash: Bytes32?
    /// What the seller stands to lose while this is served and not settled, in millionths of a dollar, rounded up. 0 unless the
    /// policy is `deferred`.
    public let exposure: Int64
    /// Who claimed it, and is at work on it as long as its lease lasts; nil for nobody whose work could be interrupted.
    public let worker: WorkerID?

    /// A claim by all its fields.
    public init(
        key: PaymentKey, payer: String, option: PaymentOption, dialect: DialectID, policy: SettlePolicy, payload: JSONObject,
        route: String,
        request: RequestIdentity, challengeHash: Bytes32?, unusedAtBlock: UInt64, validBefore: Int64,
        identifierHash: Bytes32? = nil, exposure: Int64 = 0, worker: WorkerID? = nil
    ) {
        self.key = key
        self.payer = payer
        self.option = option
        self.dialect = dialect
        self.policy = policy
        self.payload = payload
        self.route = route
        self.request = request
        self.challengeHash = challengeHash
        self.unusedAtBlock = unusedAtBlock
        self.validBefore = validBefore
        self.identifierHash = identifierHash
        self.exposure = exposure
        self.worker = worker
    }

    /// The same claim, paid in another way.
    func paying(_ option: PaymentOption) -> Claim {
        Claim(
            key: self.key, payer: self.payer, option: option, dialect: self.dialect, policy: self.policy, payload: self.payload,
            route: self.route, request: self.request, challengeHash: self.challengeHash, unusedAtBlock: self.unusedAtBlock,
            validBefore: self.validBefore, identifierHash: self.identifierHash, exposure: self.exposure, worker: self.worker)
    }

    /// The payment's name.
    public var id: PaymentID { self.key.id }
}
