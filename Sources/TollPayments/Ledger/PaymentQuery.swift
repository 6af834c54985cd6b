// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// The times between which a payment is to be settled.
public struct PaymentTerms: Hashable, Sendable {
    /// The payment.
    public let payment: PaymentID
    /// When the claim in force was made, in seconds since 1970.
    public let claimedAt: Int64
    /// When the authorization ends, in seconds since 1970.
    public let validBefore: Int64

    /// Terms by all their parts.
    public init(_ payment: PaymentID, claimedAt: Int64, validBefore: Int64) {
        self.payment = payment
        self.claimedAt = claimedAt
        self.validBefore = validBefore
    }

    /// The terms of a payment.
    public init(_ record: PaymentRecord) {
        self.init(record.id, claimedAt: record.claimedAt, validBefore: record.claim.validBefore)
    }
}

/// Which payments are asked for, oldest claim first, page by page. What is not set, or empty, asks for nothing in particular.
public struct PaymentQuery: Hashable, Sendable {
    /// Where a page ended: the next one begins behind it.
    public struct Cursor: Hashable, Comparable, Sendable {
        /// When the last payment's claim was made, in seconds since 1970.
        public let claimedAt: Int64
        /// The last payment.
        public let payment: PaymentID

        /// Behind `record`.
        public init(_ record: PaymentRecord) {
            self.claimedAt = record.claimedAt
            self.payment = record.id
        }

        public static func < (left: Self, right: Self) -> Bool {
            (left.claimedAt, left.payment.description) < (right.claimedAt, right.payment.description)
        }
    }

    /// In one of these phases.
    public var phases: Set<PaymentRecord.Phase>
    /// On this chain.
    public var network: ChainID?
    /// By this payer, however it is spelt.
    public var payer: String?
    /// Claimed at this time or later, in seconds since 1970.
    public var since: Int64?
    /// Claimed before this time.
    public var until: Int64?
    /// Whose authorizations end within these times: `lowerBound ..< upperBound`.
    public var validBefore: Range<Int64>?
    /// Settled in a later block than this.
    public var aboveBlock: UInt64?
    /// Whether the payer is owed something for it, or was.
    public var isOwed: Bool?
    /// Deposited for the reference with this digest.
    public var depositedFor: Bytes32?
    /// Behind this one.
    public var after: Cursor?
    /// At most so many.
    public var limit: Int

    /// All payments in `phases`, or all when it is empty.
    public init(in phases: Set<PaymentRecord.Phase> = [], since: Int64? = nil, limit: Int) {
        self.phases = phases
        self.since = since
        self.limit = limit
    }

    /// Whether `record` is asked for, limit aside.
    public func includes(_ record: PaymentRecord) -> Bool {
        guard self.phases.isEmpty || self.phases.contains(record.phase) else { return false }
        if let network, record.claim.option.network != network { return false }
        if let payer, record.claim.key.payer != payer.lowercased() { return false }
        if let since, record.claimedAt < since { return false }
        if let until, record.claimedAt >= until { return false }
        if let validBefore, !validBefore.contains(record.claim.validBefore) { return false }
        if let aboveBlock, record.settlement.map({ $0.block <= aboveBlock }) ?? true { return false }
        if let isOwed, record.isOwed != isOwed { return false }
        if let depositedFor, record.claim.depositedFor != depositedFor { return false }
        if let after, Cursor(record) <= after { return false }
        return true
    }
}
