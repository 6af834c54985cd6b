// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollPrimitives

extension AssetTable {
    /// The networks and assets that this program knows without being told.
    static let known = AssetTable(
        KnownNetworks.all.map { network in
            Network(
                id: network.chainID, name: network.name, v1Name: network.v1Name, isTestnet: network.isTestnet,
                assets: network.assets.map { asset in
                    Asset(
                        symbol: asset.symbol, address: asset.address.description, decimals: asset.decimals,
                        eip712Name: asset.eip712Name,
                        eip712Version: asset.eip712Version,
                        transferMethod: asset.transferMethod == .permit2 ? .permit2 : .eip3009)
                })
        })
}
