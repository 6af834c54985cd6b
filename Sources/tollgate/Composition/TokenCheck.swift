// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollHTTP
import TollMethods
import TollPrimitives
import TollRuntime

/// Compares the configured tokens with the chain. With a wrong EIP-712 domain every signature would fail, payment after payment,
/// with the money untouched and the customer gone. A node that does not answer is only warned about.
struct TokenCheck {
    private let configuration: Configuration
    private let clients: [EVMClient]

    init(_ configuration: Configuration, client: any HTTPClient) throws {
        self.configuration = configuration
        self.clients = try Assembly.networks(configuration, client: client, environment: .live).map(\.client)
    }

    /// Prints every finding on standard error; false when one of them is an error.
    func printFindings() async -> Bool {
        var findings = Findings()
        for (network, client) in zip(self.configuration.networks, self.clients) {
            for asset in network.assets where self.isOffered(asset, on: network) {
                if let finding = await self.finding(asset, network, client) { findings.add(finding) }
            }
        }
        if !findings.all.isEmpty { StandardStreams.writeError(findings.text) }
        return !findings.hasErrors
    }

    private func isOffered(_ asset: Configuration.Asset, on network: Configuration.Network) -> Bool {
        let isServed = self.configuration.facilitator?.serve != nil && asset.token.transferMethod == .eip3009
        return isServed
            || self.configuration.routes.contains { route in
                route.options.contains { $0.network == network.id && $0.asset.address == asset.token.address }
            }
    }

    private func finding(_ asset: Configuration.Asset, _ network: Configuration.Network, _ client: EVMClient) async -> Finding? {
        guard let address = Address(hex: asset.token.address), let chainID = network.id.eip155 else { return nil }
        let (code, separator) = await client.ask(.code(of: address), .call(CallMessage(to: address, data: ERC20.domainSeparator)))
        let token = asset.token
        do throws(RPCError) {
            guard try !code.get().isEmpty else {
                return self.configuration.finding(
                    .error, at: asset.place, "\(token.symbol) \(address) has no code on \(network.name)",
                    remedy: "check the address and the rpc endpoint")
            }
            let domain = EIP712.Domain(
                name: token.eip712Name, version: token.eip712Version, chainID: chainID, verifyingContract: address)
            guard case .success(let data) = separator, let found = ABI.word(returned: data), found != domain.separator else {
                return nil
            }
            return self.configuration.finding(
                .error, at: asset.place,
                "the EIP-712 domain of \(token.symbol) on chain is not that of name \"\(token.eip712Name)\", "
                    + "version \"\(token.eip712Version)\"",
                remedy: "write the `name` and `version` that the token returns")
        } catch {
            return self.configuration.finding(
                .warning, at: network.place,
                "no node answers, so that \(token.symbol) could not be compared with the chain: \(error)",
                remedy: "check `rpc`")
        }
    }
}
