// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// A transaction that was signed to settle a payment. On disk before it is sent (invariant I2).
public struct SettlementTransaction: Hashable, Sendable {
    /// Its hash as the chain's people write it.
    public let hash: String
    /// Exactly the bytes that are sent, as often as need be.
    public let raw: [UInt8]
    /// Who signed it and pays the gas.
    public let signer: String
    /// The signer's transaction number.
    public let nonce: UInt64
    /// Whether it moves nothing and only uses its number up, so that the signer's later transactions are not held back.
    public let isVoid: Bool

    /// A transaction by all its fields.
    public init(hash: String, raw: [UInt8], signer: String, nonce: UInt64, isVoid: Bool = false) {
        self.hash = hash
        self.raw = raw
        self.signer = signer
        self.nonce = nonce
        self.isVoid = isVoid
    }

    /// Whether at most one of the two can ever be mined: the same signer's, under the same number.
    public func excludes(_ other: SettlementTransaction) -> Bool {
        self.signer == other.signer && self.nonce == other.nonce
    }
}

/// Where the money moved: the transaction and its Transfer log.
public struct Settlement: Hashable, Sendable {
    /// The transaction's hash.
    public let transaction: String
    /// The block it is in.
    public let block: UInt64
    /// The position of the Transfer log in that block.
    public let logIndex: UInt64
    /// The hash of that block, by which it is seen whether the chain still has it; empty when it is not known.
    public let blockHash: String

    /// A settlement by all its fields.
    public init(transaction: String, block: UInt64, logIndex: UInt64, blockHash: String = "") {
        self.transaction = transaction
        self.block = block
        self.logIndex = logIndex
        self.blockHash = blockHash
    }

    /// Paid out of the payer's credit: no money moved now, it had before.
    public static let credit = Settlement(transaction: "", block: 0, logIndex: 0)

    /// Whether it was paid out of the payer's credit.
    public var isCredit: Bool { self.transaction.isEmpty }
}

/// What settling came to, as far as it is known now.
public enum SettlementOutcome: Hashable, Sendable {
    /// The money moved, and the log that proves it was seen.
    case settled(Settlement)
    /// Sent, and not known yet. The same transaction is looked for until it is known.
    case pending(transaction: String)
    /// It will not move: the chain said so.
    case failed(PaymentRefusal, transaction: String?)
    /// The chain or the ledger did not answer, and nothing was sent.
    case unavailable(reason: String)
}

/// Why a payment is refused.
public struct PaymentRefusal: Error, Hashable, Sendable {
    /// The standard reason of x402 (specification §9 and the SDKs): `insufficient_funds` …
    public let reason: String
    /// For the log and for people: expected and found values, never a secret.
    public let detail: String

    /// A refusal by its reason.
    public init(_ reason: String, detail: String = "") {
        self.reason = reason
        self.detail = detail
    }
}
