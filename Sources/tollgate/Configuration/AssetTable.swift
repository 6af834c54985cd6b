// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPrimitives

/// The networks and assets that need no description in a configuration.
struct AssetTable: Sendable {
    /// How a payer's signature moves a token.
    enum TransferMethod: String, Hashable, Sendable, CaseIterable {
        /// `transferWithAuthorization` of the token itself (EIP-3009).
        case eip3009
        /// Uniswap's Permit2 contract.
        case permit2
    }

    /// A token on a network.
    struct Asset: Hashable, Sendable {
        var symbol: String
        /// EIP-55 text.
        var address: String
        var decimals: Int
        /// The EIP-712 domain's `name`, which is not always the symbol.
        var eip712Name: String
        var eip712Version: String
        var transferMethod = TransferMethod.eip3009
        /// Whether a price in dollars can be asked in it.
        var isDollarPegged: Bool

        /// - Parameter isDollarPegged: By the symbol when nil.
        init(
            symbol: String,
            address: String,
            decimals: Int,
            eip712Name: String,
            eip712Version: String,
            transferMethod: TransferMethod = .eip3009,
            isDollarPegged: Bool? = nil
        ) {
            self.symbol = symbol
            self.address = address
            self.decimals = decimals
            self.eip712Name = eip712Name
            self.eip712Version = eip712Version
            self.transferMethod = transferMethod
            self.isDollarPegged = isDollarPegged ?? Self.dollarSymbols.contains(symbol)
        }

        private static let dollarSymbols: Set<String> = [
            "USDC", "USDC.e", "USDT", "USDT0", "USAT", "USDG", "USDS", "DAI", "PYUSD", "RLUSD", "MegaUSD", "mUSD", "SBC",
        ]
    }

    /// A network.
    struct Network: Hashable, Sendable {
        var id: ChainID
        var name: String
        /// Its name in x402 version 1, if it has one.
        var v1Name: String?
        var isTestnet: Bool
        /// The first is what a price in dollars means unless a route says otherwise.
        var assets: [Asset]
    }

    private let byID: [ChainID: Network]
    private let byName: [String: Network]

    init(_ networks: [Network]) {
        self.byID = Dictionary(networks.map { ($0.id, $0) }) { first, _ in first }
        let named = networks.flatMap { network in
            [network.name, network.v1Name].compactMap { $0 }.map { ($0.lowercased(), network) }
        }
        self.byName = Dictionary(named) { first, _ in first }
    }

    subscript(id: ChainID) -> Network? { self.byID[id] }

    /// The network that people call so: `base-sepolia`, `Base Sepolia`.
    func named(_ name: String) -> Network? { self.byName[name.lowercased()] }
}
