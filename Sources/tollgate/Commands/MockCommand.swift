// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollGateway
import TollPayments
import TollPrimitives
import TollRuntime

/// `tollgate mock`: the gateway that a configuration asks for, without a chain and without money. For those who build a client,
/// or an API behind it.
enum MockCommand {
    /// The first account of the Hardhat mnemonic "test test … junk", which everyone knows: for references that are not set.
    private static let testKey = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"

    static func run(configurationPath: String) async throws -> ExitCode {
        guard var configuration = CheckCommand.read(configurationPath, secrets: self.secrets(.process)) else { return .failure }
        if let finding = self.objection(to: configuration) {
            StandardStreams.writeError("\(finding)\n")
            return .failure
        }
        configuration.webhooks = []
        StandardStreams.writeError(
            "\(configurationPath): test mode: signatures are checked, no money moves, nothing is kept; "
                + "answers say `Tollgate-Mode: test`\n"
        )
        return try await ServeCommand.serve(.gateway, configuration, mode: .test)
    }

    /// What the process has, and the test key where it has nothing.
    static func secrets(_ source: SecretSource) -> SecretSource {
        SecretSource(
            variable: { name in
                let secret = try? source.resolve(.environment(name))
                return secret?.withExposed { copy $0 } ?? Self.testKey
            },
            file: { (path) throws(FileError) in try FileContents.read(path, byteCountMax: SecretSource.fileByteCountMax) })
    }

    /// Whoever was shown such a gateway by mistake would be served for nothing.
    static func objection(to configuration: Configuration) -> Finding? {
        let offered = Set(configuration.routes.flatMap { $0.options.map(\.network) })
        return configuration.networks.first { offered.contains($0.id) && $0.isTestnet != true }.map { network in
            configuration.finding(
                .error, at: network.place, "the money of \(network.id) is worth something, or may be, and mock gives things away",
                remedy: "name a test network, such as eip155:84532, in a configuration of its own")
        }
    }
}
