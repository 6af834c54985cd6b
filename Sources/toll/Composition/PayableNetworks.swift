// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollClient
import TollEVM
import TollPayments
import TollPrimitives
import TollRuntime

extension NetworkDirectory {
    /// The networks and tokens that this program knows without being told.
    static let known = NetworkDirectory(
        KnownNetworks.all.map { network in
            PayableNetwork(
                chain: network.chainID,
                name: network.name,
                legacyName: network.v1Name,
                assets: network.assets.map { known in
                    let asset = Asset(
                        network: network.chainID,
                        address: known.address.description,
                        symbol: known.symbol,
                        decimals: known.decimals,
                        domainName: known.eip712Name,
                        domainVersion: known.eip712Version
                    )
                    return PayableAsset(asset, isDollarPegged: true, takesAuthorizations: known.transferMethod == .eip3009)
                }
            )
        }
    )

    /// The chain that a person means by its CAIP-2 identifier or the name it has in x402 version 1.
    func chain(named text: String) throws(UsageError) -> ChainID {
        if let chain = ChainID(text) ?? self.network(legacyName: text)?.chain { return chain }
        throw UsageError("'\(text)' is no network: write it as eip155:8453, or by its name as base-sepolia")
    }

    /// The directory with the token at `address`, as the chain itself describes it, when it is not known yet.
    func adding(_ address: String, on chain: ChainID?, from nodes: ChainNodes) async -> NetworkDirectory {
        guard let chain, address.hasPrefix("0x"), self.asset(address, on: chain) == nil,
            let asset = await nodes.describe(address, on: chain)
        else { return self }
        return self.adding(PayableAsset(asset, isDollarPegged: false))
    }
}
