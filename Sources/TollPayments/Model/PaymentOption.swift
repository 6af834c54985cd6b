// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// A token on a network, and what is needed to sign for it.
public struct Asset: Hashable, Sendable {
    /// The chain it lives on.
    public let network: ChainID
    /// The token's address as the chain's people write it (EIP-55 for EVM chains).
    public let address: String
    /// `USDC` …, for people.
    public let symbol: String
    /// Digits after the point: one token is 10^`decimals` units.
    public let decimals: Int
    /// `name` of the token's EIP-712 domain.
    public let domainName: String
    /// `version` of the token's EIP-712 domain.
    public let domainVersion: String

    /// An asset by all its fields.
    public init(network: ChainID, address: String, symbol: String, decimals: Int, domainName: String, domainVersion: String) {
        self.network = network
        self.address = address
        self.symbol = symbol
        self.decimals = decimals
        self.domainName = domainName
        self.domainVersion = domainVersion
    }

    /// Whether both are one token, whatever is known of it.
    func isSameToken(as other: Asset) -> Bool {
        self.network == other.network && self.address.lowercased() == other.address.lowercased()
    }
}

/// One way to pay an offer: how much of what, to whom, by which scheme.
public struct PaymentOption: Hashable, Sendable {
    /// The x402 scheme: `exact`.
    public let scheme: String
    /// What is paid with.
    public let asset: Asset
    /// How much, in the asset's smallest unit.
    public let amount: UInt256
    /// The seller's address on the asset's network.
    public let payTo: String
    /// How long an authorization for this option may be valid, in seconds.
    public let maxTimeoutSeconds: Int

    /// An option by all its fields.
    public init(scheme: String = "exact", asset: Asset, amount: UInt256, payTo: String, maxTimeoutSeconds: Int) {
        self.scheme = scheme
        self.asset = asset
        self.amount = amount
        self.payTo = payTo
        self.maxTimeoutSeconds = maxTimeoutSeconds
    }

    /// The chain of the asset.
    public var network: ChainID { self.asset.network }
    /// `0.001 USDC`, for people.
    public var display: String { "\(DecimalAmount(units: self.amount, decimals: self.asset.decimals)) \(self.asset.symbol)" }
}
