// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// What the seller owes a payer whose money moved and who got nothing for it (invariant I5).
public struct Debt: Hashable, Sendable {
    /// What is left of it, in the asset's smallest unit.
    public internal(set) var units: UInt256
    /// The refund that is on its way; nothing can be bought with the debt meanwhile.
    public internal(set) var refund: Refund?
    /// Where it was paid back.
    public internal(set) var refunded: Settlement?
    /// Whether the money it came from has vanished from the chain, and may be back.
    public internal(set) var isSuspended = false

    /// Whether it can be spent or refunded.
    public var isOpen: Bool { self.units > .zero && self.refund == nil && !self.isSuspended }
}

/// A debt on its way back to the payer.
public struct Refund: Hashable, Sendable {
    /// The payer's address.
    public let to: String
    /// How much, in the asset's smallest unit.
    public let units: UInt256
    /// The transaction that our own wallet signed; nil when it was written for somebody else to sign.
    public let transaction: SettlementTransaction?

    /// A refund by all its fields.
    public init(to: String, units: UInt256, transaction: SettlementTransaction?) {
        self.to = to
        self.units = units
        self.transaction = transaction
    }
}
