// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollCrypto
import TollEVM
import TollHTTP
import TollMethods
import TollPrimitives
import TollRuntime

extension ExactEVMNetwork {
    /// A configured chain, with its nodes and the keys that pay its gas.
    init(_ network: Configuration.Network, keys: [PrivateKey], client: any HTTPClient, environment: Environment) {
        var calls = RPCClient.Limits()
        calls.attempt = network.timeouts.call
        calls.total = network.timeouts.call * 3
        let rpc = RPCClient(
            endpoints: network.rpc.map(\.text), transport: RPCOverHTTP(client), limits: calls, now: environment.monotonic,
            jitter: { Int.random(in: 0...25) })
        var limits = Limits()
        limits.feePerGas = UInt256(UInt64(network.gas.maxFeeGwei)).multiplied(by: 1_000_000_000) ?? .max
        limits.gas = UInt64(network.gas.limit)
        limits.batchGas = UInt64(network.gas.batchLimit)
        limits.inclusion = network.timeouts.inclusion
        let tokens = network.assets.map(\.token).filter { $0.transferMethod == .eip3009 }
        self.init(
            chain: network.id, client: EVMClient(rpc), signers: keys.isEmpty ? nil : SignerPool(keys),
            confirmations: Confirmations(network.confirmations),
            confirmationsOver: network.confirmationsOver.map {
                DepthOver(microdollars: $0.microdollars, confirmations: Confirmations($0.confirmations))
            },
            assets: Set(tokens.compactMap { Address(hex: $0.address) }),
            walletFactories: Set(network.erc6492Factories.compactMap { Address(hex: $0) }), limits: limits)
    }
}

extension ExactEVMNetwork.Confirmations {
    fileprivate init(_ confirmations: Configuration.Confirmations) {
        self =
            switch confirmations {
            case .blocks(let count): .blocks(UInt64(count))
            case .safe: .safe
            case .finalized: .finalized
            }
    }
}
