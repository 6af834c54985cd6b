// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// A verified credential's hold on its payment: who may have the answer, for what, and what it takes to settle.
///
/// Holds everything that settling after a crash needs, and no secret: a challenge is kept as its hash. Copies share one storage:
/// a payment's record, and so its claim, is handed on at every step of a request.
public struct Claim: Hashable, Sendable {
    private struct Contents: Hashable, Sendable {
        let key: PaymentKey
        let payer: String
        let option: PaymentOption
        let dialect: DialectID
        let policy: SettlePolicy
        let payload: JSONObject
        let route: String
        let request: RequestIdentity
        let challengeHash: Bytes32?
        let unusedAtBlock: UInt64
        let validBefore: Int64
        let identifierHash: Bytes32?
        let exposure: Int64
        let worker: WorkerID?
    }

    private final class Storage: Sendable {
        let contents: Contents

        init(_ contents: Contents) {
            self.contents = contents
        }
    }

    private let storage: Storage

    /// A claim by all its fields.
    public init(
        key: PaymentKey, payer: String, option: PaymentOption, dialect: DialectID, policy: SettlePolicy, payload: JSONObject,
        route: String,
        request: RequestIdentity, challengeHash: Bytes32?, unusedAtBlock: UInt64, validBefore: Int64,
        identifierHash: Bytes32? = nil, exposure: Int64 = 0, worker: WorkerID? = nil
    ) {
        self.storage = Storage(
            Contents(
                key: key, payer: payer, option: option, dialect: dialect, policy: policy, payload: payload, route: route,
                request: request, challengeHash: challengeHash, unusedAtBlock: unusedAtBlock, validBefore: validBefore,
                identifierHash: identifierHash, exposure: exposure, worker: worker))
    }

    /// The same claim, paid in another way.
    func paying(_ option: PaymentOption) -> Claim {
        Claim(
            key: self.key, payer: self.payer, option: option, dialect: self.dialect, policy: self.policy, payload: self.payload,
            route: self.route, request: self.request, challengeHash: self.challengeHash, unusedAtBlock: self.unusedAtBlock,
            validBefore: self.validBefore, identifierHash: self.identifierHash, exposure: self.exposure, worker: self.worker)
    }

    /// What the chain makes unique.
    public var key: PaymentKey { self.storage.contents.key }
    /// Who pays, as the chain's people write it.
    public var payer: String { self.storage.contents.payer }
    /// What is paid to whom.
    public var option: PaymentOption { self.storage.contents.option }
    /// How the credential travelled.
    public var dialect: DialectID { self.storage.contents.dialect }
    /// When the money moves.
    public var policy: SettlePolicy { self.storage.contents.policy }
    /// The scheme's own part, verbatim: what settlement sends to the chain.
    public var payload: JSONObject { self.storage.contents.payload }
    /// The pattern of the route, for people; empty for a facilitator's claim.
    public var route: String { self.storage.contents.route }
    /// The request that it buys.
    public var request: RequestIdentity { self.storage.contents.request }
    /// SHA-256 of the challenge; whoever brings the challenge again is the one who claimed.
    public var challengeHash: Bytes32? { self.storage.contents.challengeHash }
    /// The block in whose state the authorization was last read unused. A Transfer in a later block is this claim's;
    /// one somewhat below may have been put there by a reorganisation.
    public var unusedAtBlock: UInt64 { self.storage.contents.unusedAtBlock }
    /// When the authorization ends, in seconds since 1970.
    public var validBefore: Int64 { self.storage.contents.validBefore }
    /// A digest of the payer and the `payment-identifier` it chose; nil when it chose none.
    public var identifierHash: Bytes32? { self.storage.contents.identifierHash }
    /// What the seller stands to lose while this is served and not settled, in millionths of a dollar, rounded up. 0 unless the
    /// policy is `deferred`.
    public var exposure: Int64 { self.storage.contents.exposure }
    /// Who claimed it, and is at work on it as long as its lease lasts; nil for nobody whose work could be interrupted.
    public var worker: WorkerID? { self.storage.contents.worker }

    /// The payment's name.
    public var id: PaymentID { self.storage.contents.key.id }

    /// Equality of all that is claimed.
    public static func == (left: Self, right: Self) -> Bool {
        left.storage === right.storage || left.storage.contents == right.storage.contents
    }

    /// Feeds all that is claimed.
    public func hash(into hasher: inout Hasher) { hasher.combine(self.storage.contents) }
}
