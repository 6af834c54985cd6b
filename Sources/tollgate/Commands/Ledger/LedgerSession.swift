// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollHTTPEngine
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime

/// What every ledger command begins with: a configuration, its ledger, its chains.
struct LedgerSession {
    /// Something that keeps a command from its work: a sentence that says what to do.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let configuration: Configuration
    let environment: Environment

    /// A session of a configuration that was read already.
    init(configuration: Configuration, environment: Environment = .live) {
        self.configuration = configuration
        self.environment = environment
    }

    /// Reads the configuration at `path`. What is wrong with it is printed, and then nothing can be done.
    init(path: String, environment: Environment = .live) throws {
        guard let configuration = CheckCommand.read(path, secrets: Self.secrets) else {
            throw Failure(description: "\(path): the configuration has errors")
        }
        self.init(configuration: configuration, environment: environment)
    }

    var now: Int64 { Int64(self.environment.now()) }

    /// The ledger, opened by `open`; a store's reason is told as it is.
    func ledger<Ledger>(_ open: (Configuration) throws(StoreError) -> Ledger) throws -> Ledger {
        do throws(StoreError) { return try open(self.configuration) } catch {
            throw Failure(description: "store: \(error.reason)")
        }
    }

    /// The chains that have nodes to ask.
    func networks() throws -> [ExactEVMNetwork] {
        let loops = try EventLoopGroup(count: 1)
        let withNodes = Set(self.configuration.networks.filter { !$0.rpc.isEmpty }.map(\.id))
        return try Assembly.networks(self.configuration, client: EngineHTTPClient(group: loops), environment: self.environment)
            .filter { withNodes.contains($0.chain) }
    }

    /// The assets of the configuration on `chain`.
    func assets(on chain: ChainID) -> [Asset] {
        self.configuration.networks.filter { $0.id == chain }.flatMap(\.assets).map { Assembly.asset($0.token, on: chain) }
    }

    /// Every address of the configuration that receives payments on `chain`.
    func receivers(on chain: ChainID) -> [String] {
        let routes = self.configuration.routes.flatMap(\.options).filter { $0.network == chain }.map(\.payTo)
        return routes + (self.configuration.facilitator?.serve?.payTo ?? [])
    }

    // MARK: - Keys

    /// Looking at a ledger takes no key: one that is not at hand is stood in for, each by another.
    private static let secrets = SecretSource(
        variable: { EnvironmentVariables.value(of: $0) ?? Self.standIn(for: "env:" + $0) },
        file: { (path) throws(FileError) in
            do { return try FileContents.read(path, byteCountMax: SecretSource.fileByteCountMax) } catch {
                return Array(Self.standIn(for: "file:" + path).utf8)
            }
        })

    private static func standIn(for reference: String) -> String {
        Hex.encode(Keccak256.hash(text: reference).bytes)
    }

    /// Whether what stands at `secret` is the key itself.
    static func isAtHand(_ secret: ResolvedSecret) -> Bool { (try? SecretSource.process.resolve(secret.reference)) != nil }
}
