// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// The EVM chains that x402 peers have a default asset for, and those assets.
///
/// Sources: the default-asset table of the x402 Python SDK 2.25.0 (`mechanisms/evm`), first asset first, since a price in
/// dollars means that one; then deployments of USDC known to the legacy TypeScript package and to x402-rs. It is data for
/// convenience: a seller may name any chain and token, and the chain, not this table, decides what a token is called.
///
/// x402 v1 names networks by words. The words `story` (1513 or 1514), `educhain` (656476 or 41923) and `skale-base-sepolia`
/// (1444673419 or 324705682) stand for different chains in different SDKs, so they stand for none here.
/// Where SDKs differ over a token's EIP-712 name (Polygon: `USDC` in x402-rs; Monad: `USD Coin` in SDKs of April 2026), the
/// newest official one is followed.
public enum KnownNetworks {
    /// Every network, in the order of the table.
    public static let all: [KnownNetwork] = knownNetworks

    /// The network `chainID`; nil when it is not known.
    public static func network(_ chainID: ChainID) -> KnownNetwork? { byChainID[chainID] }

    /// The network that x402 v1 calls `v1Name`; nil for other words, and for those whose meaning is disputed.
    public static func network(v1Name: String) -> KnownNetwork? { byV1Name[v1Name] }

    private static let byChainID = Dictionary(all.map { ($0.chainID, $0) }) { first, _ in first }
    private static let named = all.compactMap { network in network.v1Name.map { (name: $0, network) } }
    private static let byV1Name = Dictionary(named) { first, _ in first }
}

/// A chain and its tokens.
public struct KnownNetwork: Hashable, Sendable {
    /// Its CAIP-2 identifier, in the namespace `eip155`.
    public let chainID: ChainID
    /// For people.
    public let name: String
    /// Its name in x402 v1, where it has one that is undisputed.
    public let v1Name: String?
    /// Whether its tokens are worth nothing.
    public let isTestnet: Bool
    /// At least one.
    public let assets: [KnownAsset]

    /// What a price in dollars is paid in.
    public var defaultAsset: KnownAsset { self.assets[0] }

    /// The asset called `symbol`.
    public func asset(symbol: String) -> KnownAsset? { self.assets.first { $0.symbol == symbol } }

    /// The asset at `address`.
    public func asset(_ address: Address) -> KnownAsset? { self.assets.first { $0.address == address } }
}

/// A token worth a dollar.
public struct KnownAsset: Hashable, Sendable {
    /// How a signed transfer of it is made.
    public enum TransferMethod: Hashable, Sendable {
        /// The token itself takes signed transfers.
        case eip3009
        /// Permit2 moves it, once the holder approved that.
        case permit2
    }

    /// Such as `USDC`.
    public let symbol: String
    /// The contract.
    public let address: Address
    /// A dollar is 10 to this power of its smallest unit.
    public let decimals: Int
    /// The name in its EIP-712 domain, which need not be the one it is known by.
    public let eip712Name: String
    /// The version in its EIP-712 domain.
    public let eip712Version: String
    /// How a signed transfer of it is made.
    public let transferMethod: TransferMethod
    /// Whether the approval of Permit2 can be signed too. False where that is not known.
    public let supportsEIP2612: Bool

    /// Its EIP-712 domain on `chainID`.
    public func domain(chainID: UInt64) -> EIP712.Domain {
        EIP712.Domain(name: self.eip712Name, version: self.eip712Version, chainID: chainID, verifyingContract: self.address)
    }
}
