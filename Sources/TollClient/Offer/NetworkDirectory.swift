// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments
public import TollPrimitives

/// A token that may be paid with, and how budgets count it.
public struct PayableAsset: Hashable, Sendable {
    /// The token, with the EIP-712 domain that it really has.
    public let asset: Asset
    /// Whether a token is worth a dollar. Others are only paid with when the caller names them and gives a cap; then a token
    /// counts as a dollar.
    public let isDollarPegged: Bool
    /// Whether it takes signed transfers (EIP-3009). Otherwise it is only paid with by transfers of one's own.
    public let takesAuthorizations: Bool

    /// A token that may be paid with.
    public init(_ asset: Asset, isDollarPegged: Bool, takesAuthorizations: Bool = true) {
        self.asset = asset
        self.isDollarPegged = isDollarPegged
        self.takesAuthorizations = takesAuthorizations
    }
}

/// A network on which something may be paid.
public struct PayableNetwork: Hashable, Sendable {
    /// Its identifier.
    public let chain: ChainID
    /// Its name for people: `Base Sepolia`.
    public let name: String
    /// What x402 version 1 calls it: `base-sepolia`; nil when that has no name for it.
    public let legacyName: String?
    /// The tokens known on it.
    public let assets: [PayableAsset]

    /// A network on which something may be paid.
    public init(chain: ChainID, name: String, legacyName: String?, assets: [PayableAsset]) {
        self.chain = chain
        self.name = name
        self.legacyName = legacyName
        self.assets = assets
    }
}

/// The networks and tokens a buyer knows. What is not in here is not paid: whatever a server says of its token, the name,
/// decimals and signing domain come from this table.
public struct NetworkDirectory: Sendable {
    /// The networks, in no order of meaning.
    public private(set) var networks: [PayableNetwork]

    /// A directory of these networks.
    public init(_ networks: [PayableNetwork]) {
        self.networks = networks
    }

    /// The network of this identifier.
    public func network(_ chain: ChainID) -> PayableNetwork? {
        self.networks.first { $0.chain == chain }
    }

    /// The network that x402 version 1 calls by this name.
    public func network(legacyName: String) -> PayableNetwork? {
        self.networks.first { $0.legacyName == legacyName }
    }

    /// The token at `address`, whatever the case of its letters on an EVM chain.
    public func asset(_ address: String, on chain: ChainID) -> PayableAsset? {
        self.network(chain)?.assets.first { Self.isSame($0.asset.address, address, on: chain) }
    }

    /// The directory with one more token.
    public func adding(_ asset: PayableAsset) -> NetworkDirectory {
        var copy = self
        let chain = asset.asset.network
        let known = self.network(chain) ?? PayableNetwork(chain: chain, name: chain.description, legacyName: nil, assets: [])
        copy.networks.removeAll { $0.chain == chain }
        copy.networks.append(
            PayableNetwork(chain: chain, name: known.name, legacyName: known.legacyName, assets: known.assets + [asset])
        )
        return copy
    }

    /// Whether two texts are one address of `chain`.
    static func isSame(_ left: String, _ right: String, on chain: ChainID) -> Bool {
        chain.namespace == "eip155" ? left.lowercased() == right.lowercased() : left == right
    }
}
