// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollHTTPEngine
import TollRuntime

/// `tollgate check`: everything that is wrong with a configuration, at once.
enum CheckCommand {
    static let offline = Parameter.flag("offline", help: "Does not compare the tokens with the chain.")

    static func run(configurationPath: String, isOffline: Bool) async throws -> ExitCode {
        guard let configuration = self.read(configurationPath) else { return .failure }
        if !isOffline {
            let loops = try EventLoopGroup(count: 1)
            guard try await TokenCheck(configuration, client: EngineHTTPClient(group: loops)).printFindings() else {
                return .failure
            }
        }
        let priced = configuration.routes.count { !$0.isFree }
        StandardStreams.writeError(
            "\(configurationPath): no errors; \(configuration.routes.count) routes, \(priced) of them priced\n")
        return .success
    }

    /// Reads the configuration and prints every finding on standard error; nil when one of them is an error.
    static func read(_ path: String, secrets: SecretSource = .process) -> Configuration? {
        let (configuration, findings) = ConfigurationReader.read(path: path, table: .known, secrets: secrets)
        if !findings.all.isEmpty { StandardStreams.writeError(findings.text) }
        return configuration
    }
}
