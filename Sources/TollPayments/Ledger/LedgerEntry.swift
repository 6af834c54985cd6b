// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// Events for one payment, appended with those of others in one atomic step.
public struct LedgerEntry: Hashable, Sendable {
    /// The payment.
    public let payment: PaymentID
    /// What happened to it, in order.
    public let events: [PaymentEvent]

    /// Events for `payment`.
    public init(_ payment: PaymentID, _ events: [PaymentEvent]) {
        self.payment = payment
        self.events = events
    }
}

/// An account that signs settlements, and how far the chain has counted its transactions.
public struct SignerAccount: Hashable, Sendable {
    /// The chain.
    public let network: ChainID
    /// The account's address as the chain's people write it.
    public let address: String
    /// How many transactions of the account the chain knows: no lower number is free.
    public let chainCount: UInt64

    /// An account by all its fields.
    public init(network: ChainID, address: String, chainCount: UInt64) {
        self.network = network
        self.address = address
        self.chainCount = chainCount
    }
}

/// How far some work on the ledger has come.
public enum LedgerMark: Hashable, Sendable, CustomStringConvertible {
    /// Settlements up to this block are final.
    case finalized(ChainID)
    /// Authorizations that ended before this time (seconds since 1970) were looked at for the last time.
    case expired(ChainID)
    /// Transfers up to this block were looked at, for those that somebody sent by itself.
    case watched(ChainID)

    /// The mark's name in stores.
    public var description: String {
        switch self {
        case .finalized(let network): "finalized/\(network)"
        case .expired(let network): "expired/\(network)"
        case .watched(let network): "watched/\(network)"
        }
    }
}
