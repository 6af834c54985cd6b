// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollCrypto
import TollHTTP
import TollHTTPEngine
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime
import TollStoreRedis

/// `tollgate check`: everything that is wrong with a configuration, at once.
enum CheckCommand {
    static let offline = Parameter.flag("offline", help: "Asks neither the chain nor the stores.")

    static let pay = Parameter.flag(
        "pay", help: "Buys from every priced route of the running gateway, with the key in TOLL_EVM_KEY.")
    static let withMoney = Parameter.flag("with-money", help: "Buys also where the money is worth something.")

    /// Where `--pay` finds the key that pays.
    private static let payerKey = SecretReference.environment("TOLL_EVM_KEY")

    static func run(
        configurationPath: String, isOffline: Bool, pays: Bool = false, withMoney: Bool = false
    ) async throws -> ExitCode {
        guard let configuration = self.read(configurationPath) else { return .failure }
        self.printFileFinding(configuration)
        if !isOffline {
            guard await self.canHaveLedger(configuration) else { return .failure }
            let client = EngineHTTPClient(group: try EventLoopGroup(count: 1))
            guard try await TokenCheck(configuration, client: client).printFindings() else { return .failure }
            for finding in await UpstreamProbe(configuration: configuration, client: client).findings() {
                StandardStreams.writeError("\(finding)\n")
            }
            await StreamCheck(configuration: configuration, client: client).printFindings()
            if pays, await !self.buys(configuration, client, withMoney: withMoney) { return .failure }
        }
        let priced = configuration.routes.count { !$0.isFree }
        StandardStreams.writeError(
            "\(configurationPath): no errors; \(configuration.routes.count) routes, \(priced) of them priced\n")
        return .success
    }

    /// Whether everything that is for sale can be bought; what was bought is printed.
    private static func buys(_ configuration: Configuration, _ client: any HTTPClient, withMoney: Bool) async -> Bool {
        let secret = try? SecretSource.process.resolve(self.payerKey)
        guard let key = secret?.withExposed({ Hex.decode($0).flatMap { PrivateKey(bytes: $0) } }) else {
            StandardStreams.writeError("--pay needs a key that has test money, in TOLL_EVM_KEY: 64 hexadecimal digits\n")
            return false
        }
        let check = PayCheck(configuration: configuration, client: client, payer: ExactEVMPayer(key), environment: .live)
        if !withMoney, let network = check.mainnets.first {
            let finding = configuration.finding(
                .error, at: network.place, "--pay would spend money that is worth something, or may be, on \(network.id)",
                remedy: "check a configuration of test networks, or add `--with-money`")
            StandardStreams.writeError("\(finding)\n")
            return false
        }
        let rows = await check.rows { StandardStreams.writeError("\($0.route): \($0.problem.isEmpty ? "ok" : $0.problem)\n") }
        StandardStreams.writeOutput(PayCheck.table(rows))
        return rows.allSatisfy(\.problem.isEmpty)
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

    /// Says when more connections are allowed than files can be opened.
    static func printFileFinding(_ configuration: Configuration) {
        let limit = OpenFiles.limitMax
        let loops = configuration.workers ?? EventLoopGroup.coreCount
        if let finding = configuration.fileFinding(limit: limit, kept: OpenFiles.kept(of: limit), loops: loops) {
            StandardStreams.writeError("\(finding)\n")
        }
    }

    /// Reads the configuration and prints every finding on standard error; nil when one of them is an error.
    static func read(_ path: String, secrets: SecretSource = .process) -> Configuration? {
        let (configuration, findings) = ConfigurationReader.read(path: path, table: .known, secrets: secrets)
        if !findings.all.isEmpty { StandardStreams.writeError(findings.text) }
        for finding in configuration?.certificateFindings(now: Int64(Environment.live.now())) ?? [] {
            StandardStreams.writeError("\(finding)\n")
        }
        return configuration
    }
}
