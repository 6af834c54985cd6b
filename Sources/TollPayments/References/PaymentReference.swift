// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// How money that somebody sends by itself is known to be for a reference.
public enum ReferenceBinding: Hashable, Sendable {
    /// By nothing on the chain: whoever sent it signs for it. Takes no amount and no address of its own.
    case signature
    /// By its amount, which no other reference has: the price and a few units more.
    case amount
    /// By the address it goes to, which no other reference has: the seller's of this number in a series.
    case address(series: String, index: UInt32)

    /// Its name, as configuration and the wire write it.
    public var name: String {
        switch self {
        case .signature: "signature"
        case .amount: "amount"
        case .address: "address"
        }
    }
}

/// What one 402 asked for, when the client pays by a transfer of its own and comes back with it.
///
/// Holds no secret: the sixteen random bytes are the client's, the ledger has their digest.
public struct PaymentReference: Hashable, Sendable {
    /// For so long after its end it keeps its amount or its address, in seconds, so that money that is late is known by it.
    public static let graceSeconds: Int64 = 86_400
    /// The most that the unique amount of a reference is over the price, in the asset's smallest unit.
    public static let extraMax: UInt64 = 9_999
    /// The last number of a series of addresses: above it BIP-32 has keys that no public key leads to.
    public static let addressIndexMax: UInt32 = 0x7FFF_FFFF

    /// SHA-256 of the sixteen bytes.
    public let hash: Bytes32
    /// How money is known to be for it.
    public let binding: ReferenceBinding
    /// What is due, of what, to whom: the amount with what makes it unique, the recipient with its own address.
    public let option: PaymentOption
    /// The pattern of the route that it buys a call of.
    public let route: String
    /// What it was asked for, as the client saw it.
    public let resource: String
    /// The newest block when it was made: what lies in that one or before is not for it.
    public let head: UInt64
    /// When it was made, in seconds since 1970.
    public let issuedAt: Int64
    /// Until when it can be paid, in seconds since 1970.
    public let expires: Int64

    /// A reference by all its fields.
    public init(
        hash: Bytes32, binding: ReferenceBinding, option: PaymentOption, route: String, resource: String, head: UInt64,
        issuedAt: Int64, expires: Int64
    ) {
        self.hash = hash
        self.binding = binding
        self.option = option
        self.route = route
        self.resource = resource
        self.head = head
        self.issuedAt = issuedAt
        self.expires = expires
    }

    /// The same reference, with another amount due.
    public func asking(_ amount: UInt256) -> PaymentReference {
        let option = PaymentOption(
            scheme: self.option.scheme, asset: self.option.asset, amount: amount, payTo: self.option.payTo,
            maxTimeoutSeconds: self.option.maxTimeoutSeconds)
        return PaymentReference(
            hash: self.hash, binding: self.binding, option: option, route: self.route, resource: self.resource, head: self.head,
            issuedAt: self.issuedAt, expires: self.expires)
    }

    /// Why a series gives no more addresses.
    package static func usedUp(_ series: String) -> StoreError {
        .unavailable("the series \(series) has no address after number \(self.addressIndexMax); give the seller another xpub")
    }

    /// What is wrong with a reference whose digest the ledger has already.
    package static let isThere = "a reference is opened once"

    /// Whether money that arrives at `time` (seconds since 1970) is still known by its amount or address.
    public func isKnown(at time: Int64) -> Bool { time < self.expires + Self.graceSeconds }
}
