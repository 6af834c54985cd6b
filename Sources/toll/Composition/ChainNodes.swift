// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollClient
import TollEVM
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime

/// The chains' nodes, from `TOLL_RPC_<CAIP-2 with _ for :>`.
struct ChainNodes: ChainReader {
    let client: any HTTPClient

    /// The variable that holds the address of a chain's node.
    static func variable(of chain: ChainID) -> String {
        "TOLL_RPC_" + chain.description.replacing(":", with: "_")
    }

    /// Whether a node is set for the chain.
    func has(_ chain: ChainID) -> Bool { self.node(of: chain) != nil }

    func balance(of account: String, in asset: Asset) async -> UInt256? {
        guard let account = Address(hex: account) else { return nil }
        return await self.call(asset.network, asset.address, ERC20.balance(of: account)).flatMap { ABI.integer(returned: $0) }
    }

    func isAuthorizationUsed(by account: String, nonce: Bytes32, asset: Asset) async -> Bool? {
        guard let account = Address(hex: account) else { return nil }
        let calldata = EIP3009.authorizationStateCalldata(authorizer: account, nonce: nonce)
        return await self.call(asset.network, asset.address, calldata).flatMap { ABI.word(returned: $0) }.map { $0 != .zero }
    }

    /// What a token says of itself; nil when it does not say all that is needed to sign for it.
    func describe(_ address: String, on chain: ChainID) async -> Asset? {
        guard let token = Address(hex: address) else { return nil }
        func ask(_ selector: [UInt8]) async -> [UInt8]? { await self.call(chain, address, selector) }
        guard let name = await ask(ERC20.name).flatMap({ ABI.string(returned: $0) }),
            let symbol = await ask(ERC20.symbol).flatMap({ ABI.string(returned: $0) }),
            let version = await ask(ERC20.version).flatMap({ ABI.string(returned: $0) }),
            let decimals = await ask(ERC20.decimals).flatMap({ ABI.integer(returned: $0)?.uint64 }), decimals <= 36
        else { return nil }
        return Asset(
            network: chain,
            address: token.description,
            symbol: symbol,
            decimals: Int(decimals),
            domainName: name,
            domainVersion: version
        )
    }

    /// The chains as one sees them who makes transfers there.
    var transfers: TransferNodes { TransferNodes { self.node(of: $0) } }

    private func call(_ chain: ChainID, _ contract: String, _ data: [UInt8]) async -> [UInt8]? {
        guard let node = self.node(of: chain), let contract = Address(hex: contract) else { return nil }
        return try? await node.ask(.call(CallMessage(to: contract, data: data)))
    }

    private func node(of chain: ChainID) -> EVMClient? {
        guard let url = EnvironmentVariables.value(of: Self.variable(of: chain)), !url.isEmpty else { return nil }
        return EVMClient(
            RPCClient(endpoints: [url], transport: RPCOverHTTP(self.client), now: Environment.live.monotonic)
        )
    }
}
