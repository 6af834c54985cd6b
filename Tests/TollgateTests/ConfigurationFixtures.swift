// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives
import TollRuntime

@testable import tollgate

/// Networks, secrets and a configuration to try things on.
enum Fixture {
    static let baseSepolia = ChainID(eip155: 84_532)
    static let base = ChainID(eip155: 8_453)
    static let usdcOnBaseSepolia = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"
    static let receiver = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"

    /// Addresses and EIP-712 names as their issuers deployed them.
    static let table = AssetTable([
        AssetTable.Network(
            id: baseSepolia,
            name: "Base Sepolia",
            v1Name: "base-sepolia",
            isTestnet: true,
            assets: [
                AssetTable.Asset(
                    symbol: "USDC",
                    address: usdcOnBaseSepolia,
                    decimals: 6,
                    eip712Name: "USDC",
                    eip712Version: "2"
                )
            ]
        ),
        AssetTable.Network(
            id: base,
            name: "Base",
            v1Name: "base",
            isTestnet: false,
            assets: [
                AssetTable.Asset(
                    symbol: "USDC",
                    address: "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913",
                    decimals: 6,
                    eip712Name: "USD Coin",
                    eip712Version: "2"
                ),
                AssetTable.Asset(
                    symbol: "EURC",
                    address: "0x60a3E35Cc302bFA44Cb288Bc5a4F316Fdb1adb42",
                    decimals: 6,
                    eip712Name: "EURC",
                    eip712Version: "2"
                ),
            ]
        ),
        AssetTable.Network(
            id: ChainID(eip155: 42_161),
            name: "Arbitrum One",
            v1Name: nil,
            isTestnet: false,
            assets: [
                AssetTable.Asset(
                    symbol: "USDC",
                    address: "0xaf88d065e77c8cC2239327C5EDb3A432268e5831",
                    decimals: 6,
                    eip712Name: "USD Coin",
                    eip712Version: "2"
                )
            ]
        ),
    ])

    /// The first two keys of the Hardhat mnemonic "test test … junk", which everyone knows.
    static let secrets = SecretSource(
        variable: { name in
            [
                "TOLLGATE_EVM_KEY": "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
                "SAME_KEY": "AC0974BEC39A17E36BA4A6B4D238FF944BACB478CBED5EFCAE784D7BF4F2FF80",
                "OTHER_KEY": "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
                "ZERO_KEY": "0x" + String(repeating: "0", count: 64),
                "TOKEN": "a-long-token", "TWO_LINES": "a\nb", "RPC": "https://rpc.example/v2/provider-key",
                "BAD_RPC": "rpc.example",
            ][name]
        },
        file: { (path) throws(FileError) in throw FileError(path: path, reason: "No such file or directory") }
    )

    static func read(_ text: String) -> (configuration: Configuration?, findings: Findings) {
        ConfigurationReader.read(Array(text.utf8), file: "tollgate.yaml", table: self.table, secrets: self.secrets)
    }

    /// A small configuration without findings. `top` are further top-level lines; the other texts replace sections.
    static func text(
        top: String = "",
        network: String = "eip155:84532: {rpc: \"http://127.0.0.1:8545\"}",
        payTo: String = "pay_to: {eip155: \"\(receiver)\"}",
        facilitator: String = "facilitator: {signers: {eip155: env:TOLLGATE_EVM_KEY}}",
        upstreams: String = "upstreams: {weather: \"http://127.0.0.1:9000\"}",
        route: String = "{match: GET /weather/*, upstream: weather, price: $0.001}"
    ) -> String {
        "\(top)\nnetworks:\n  \(network)\n\(payTo)\n\(facilitator)\n\(upstreams)\nroutes:\n  - \(route)\n"
    }

    /// A route of these members, on a configuration that is otherwise right; it stands on line 8.
    static func route(_ members: String) -> String {
        self.text(route: "{match: /a, upstream: weather, \(members)}")
    }
}

/// One mistake, and all that is said about it.
struct Mistake: Sendable, CustomTestStringConvertible {
    var name: String
    var text: String
    var findings: [String]

    /// - Parameter findings: Without the file's name.
    init(_ name: String, _ text: String, _ findings: String...) {
        self.name = name
        self.text = text
        self.findings = findings
    }

    var testDescription: String { self.name }

    /// Reads the text, and compares what is found.
    func check() {
        let (configuration, findings) = Fixture.read(self.text)
        #expect(findings.sorted.map { String($0.description.dropFirst("tollgate.yaml:".count)) } == self.findings)
        #expect((configuration == nil) == findings.hasErrors)
    }
}
