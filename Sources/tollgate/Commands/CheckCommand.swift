// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollHTTPEngine
import TollPayments
import TollRuntime
import TollStoreRedis

/// `tollgate check`: everything that is wrong with a configuration, at once.
enum CheckCommand {
    static let offline = Parameter.flag("offline", help: "Asks neither the chain nor the stores.")

    static func run(configurationPath: String, isOffline: Bool) async throws -> ExitCode {
        guard let configuration = self.read(configurationPath) else { return .failure }
        if !isOffline {
            guard await self.canHaveLedger(configuration) else { return .failure }
            let loops = try EventLoopGroup(count: 1)
            let client = EngineHTTPClient(group: loops)
            guard try await TokenCheck(configuration, client: client).printFindings() else { return .failure }
            await StreamCheck(configuration: configuration, client: client).printFindings()
        }
        let priced = configuration.routes.count { !$0.isFree }
        StandardStreams.writeError(
            "\(configurationPath): no errors; \(configuration.routes.count) routes, \(priced) of them priced\n")
        return .success
    }

    /// Whether the store can be the ledger's; why not is printed. A shared cache that does not answer is no fault, and said too.
    private static func canHaveLedger(_ configuration: Configuration) async -> Bool {
        if let shared = configuration.shared, let reason = await RedisCache.probe(shared) {
            let consequence = "\(shared.display) does not answer: \(reason); each process goes on alone"
            StandardStreams.writeError("\(configuration.file): warning: shared: \(consequence)\n")
        }
        do throws(StoreError) { try OpenLedger.check(configuration) } catch {
            StandardStreams.writeError("\(configuration.file): error: store: \(error.reason)\n")
            return false
        }
        return true
    }

    /// Reads the configuration and prints every finding on standard error; nil when one of them is an error.
    static func read(_ path: String, secrets: SecretSource = .process) -> Configuration? {
        let (configuration, findings) = ConfigurationReader.read(path: path, table: .known, secrets: secrets)
        if !findings.all.isEmpty { StandardStreams.writeError(findings.text) }
        return configuration
    }
}
