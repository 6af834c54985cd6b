// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollCrypto
import TollEVM
import TollGateway
import TollHTTP
import TollHTTPEngine
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime
import TollStoreRedis

/// The parts of a running gateway, put together from the configuration. The one place that names an engine, a store and methods.
struct Assembly: Sendable {
    /// Something that the configuration asks for and this machine does not give.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    var configuration: Configuration
    /// In test mode there is no chain, and the ledger is gone with the process.
    let mode: GatewayMode
    let store: any PaymentStore
    /// The same ledger, for what is asked for until it is paid.
    let references: any ReferenceStore
    /// The same ledger, for secrets that all who serve from it share.
    let secrets: any SecretStore
    /// Accounts that sign payment instructions; none before the rails are laid.
    var signers: [String] = []
    /// What the ledger has still to tell others; nil in test mode, which tells nobody.
    let outbox: (any NoticeOutbox)?
    /// The ledger's own key for passes; nil until it was asked for.
    private(set) var ledgerPassKeys: PassKeys?
    let lease: WorkerLease
    let cache: any SharedCache
    /// Talks to everybody; the gateway adds by itself what it says of traces.
    let engineClient: EngineHTTPClient
    /// The same, within the trace of the request that it is for.
    var client: TracingClient<EngineHTTPClient> { TracingClient(self.engineClient) }
    let background = BackgroundWork()
    let networks: [ExactEVMNetwork]
    let environment: Environment
    let metrics = MetricsRegistry()
    let logWriter: LogWriter?
    let log: Logger

    /// - Parameter logWriter: What takes the lines of `log`, when it counts those that it drops.
    init(
        _ configuration: Configuration, mode: GatewayMode = .live, group: EventLoopGroup, environment: Environment, log: Logger,
        logWriter: LogWriter? = nil
    ) throws {
        self.configuration = configuration
        self.mode = mode
        self.environment = environment
        self.log = log
        self.logWriter = logWriter
        self.engineClient = EngineHTTPClient(group: group)
        if let shared = configuration.shared {
            self.cache = RedisCache(shared, environment: environment, log: log)
        } else {
            self.cache = MemoryCache(now: environment.wallClock)
        }
        guard mode == .live else {
            let ledger = MemoryPaymentStore()
            (self.store, self.references, self.secrets) = (ledger, ledger, ledger)
            (self.outbox, self.networks) = (nil, [])
            self.lease = WorkerLease(environment: environment)
            return
        }
        do throws(StoreError) {
            let ledger = try OpenLedger.serving(configuration)
            (self.outbox, self.references, self.secrets) = (ledger, ledger, ledger)
            self.store = MeteredStore(ledger, metrics: self.metrics, environment: environment)
        } catch {
            throw Failure(description: "store: \(error.reason)")
        }
        self.lease =
            configuration.store.isShared
            ? WorkerLease(on: self.store, environment: environment, log: log) : WorkerLease(environment: environment)
        self.networks = try Self.networks(configuration, client: TracingClient(self.engineClient), environment: environment)
    }

    /// The same with the ledger's key for passes, so that a reload, too, can begin to give some.
    func withPassKeys() async throws -> Assembly {
        var assembly = self
        do throws(StoreError) { assembly.ledgerPassKeys = try await PassKeys(of: self.secrets) } catch {
            throw Failure(description: "store: \(error.reason)")
        }
        return assembly
    }

    /// The chains, each with its nodes and the keys that pay its gas.
    static func networks(
        _ configuration: Configuration, client: any HTTPClient, environment: Environment
    ) throws -> [ExactEVMNetwork] {
        let keys = try (configuration.facilitator?.signers ?? []).filter { $0.namespace == "eip155" }.map { signer in
            guard let key = signer.key.value.withExposed({ Hex.decode($0).flatMap { PrivateKey(bytes: $0) } }) else {
                throw Failure(description: "\(signer.place.path): the value is no private key")
            }
            return key
        }
        return configuration.networks.filter { $0.id.namespace == "eip155" }.map { network in
            ExactEVMNetwork(network, keys: keys, client: client, environment: environment)
        }
    }

    /// The dialects of x402.
    static let x402: [any Dialect] = [X402V2Dialect(), X402V1Dialect { KnownNetworks.network($0)?.v1Name }]

    /// How money moves, and what goes on beside the requests: settlements that were left, batches, watching the chain.
    struct Rails: Sendable {
        var dialects = Assembly.x402
        var methods: [any PaymentMethod]
        var services: [any Service]
        /// What is told of payments to whoever knows their names; nil for nothing.
        var statuses: (any PaymentStatuses)?
        /// Accounts that sign payment instructions.
        var signers: [String] = []

        /// Lays another.
        mutating func add(_ transfers: TransferProofRail) {
            self.dialects.append(transfers.dialect)
            self.methods.append(transfers.method)
            self.services += transfers.services
            self.statuses = transfers.statuses
            self.signers.append(transfers.signer.description)
        }
    }

    /// How money moves, taken up where the last process left it: through our own signers, or through facilitators elsewhere.
    func rails() async throws -> Rails {
        var rails = try await self.x402Rails()
        if let transfers = try await self.transferRail() { rails.add(transfers) }
        return rails
    }

    private func x402Rails() async throws -> Rails {
        guard self.mode == .live else {
            return Rails(methods: [MockExactEVM(store: self.store, clock: self.environment.now)], services: [])
        }
        let exact = ExactEVM(
            networks: self.networks, store: self.store, background: self.background, environment: self.environment, log: self.log)
        let watcher = ChainWatcher(networks: self.networks, store: self.store, environment: self.environment, log: self.log)
        let deferral = self.configuration.deferral
        let batches = exact.deferredSettlement(BatchTerms(size: deferral.batchSize, maxAge: deferral.maxAge))
        let services: [any Service] = [exact.recovery, batches, watcher]
        let remotes = self.configuration.facilitator?.remotes ?? []
        guard remotes.isEmpty else {
            let lastResort = self.networks.contains { $0.signers != nil } ? exact : nil
            let remote = RemoteFacilitator(
                endpoints: try remotes.map(Self.endpoint), networks: self.networks, store: self.store, client: self.client,
                background: self.background, environment: self.environment, log: self.log, lastResort: lastResort,
                jitter: { Int.random(in: 0...25) })
            try await remote.resume()
            return Rails(methods: [remote], services: services)
        }
        return Rails(methods: [exact], services: services)
    }

    private static func endpoint(_ remote: Configuration.Facilitator.Remote) throws -> FacilitatorEndpoint {
        var headers = Fields()
        for (name, secret) in remote.headers {
            let isWritten = secret.value.withExposed { headers.append(name, $0) }
            guard isWritten else {
                throw Failure(description: "\(remote.place.path): the header \(name) cannot be sent as it is")
            }
        }
        return FacilitatorEndpoint(url: try URLParts(parsing: remote.url.text), headers: headers)
    }

    /// The same, whose documents name these accounts as those that sign payment instructions.
    func signing(by signers: [String]) -> Assembly {
        var assembly = self
        assembly.signers = signers
        return assembly
    }

    func gateway(_ rails: Rails) throws -> Gateway {
        Gateway(
            try self.gatewayConfiguration(), dialects: rails.dialects, methods: rails.methods, store: self.store,
            lease: self.lease, cache: self.cache, counts: self.counts, signIns: self.signIns, statuses: rails.statuses,
            client: self.engineClient, environment: self.environment,
            log: self.log, metrics: GatewayMetrics(self.metrics), access: self.accessLog)
    }

    private var accessLog: AccessLog? {
        self.configuration.log.access == .off
            ? nil : AccessLog(self.log, hasQuery: self.configuration.log.access == .query)
    }

    /// What a proxy asks in place of a gateway.
    func forwardAuth(_ auth: Configuration.Auth, _ rails: Rails) throws -> ForwardAuth {
        ForwardAuth(
            auth.proxies, try self.gatewayConfiguration(), dialects: rails.dialects, methods: rails.methods, store: self.store,
            lease: self.lease, cache: self.cache, counts: self.counts, signIns: self.signIns, environment: self.environment,
            log: self.log, metrics: GatewayMetrics(self.metrics), access: self.accessLog)
    }

    /// Where replicas count requests together.
    private var counts: (any SharedCache)? { self.configuration.shared == nil ? nil : self.cache }

    private var signIns: EVMSignIn {
        EVMSignIn(nodes: Dictionary(self.networks.map { ($0.chain, $0.client) }) { first, _ in first })
    }

    /// Whether the configured tokens are those on chain; what is wrong is printed.
    func hasFittingTokens() async -> Bool {
        guard self.mode == .live else { return true }
        guard let check = try? TokenCheck(self.configuration, client: self.client) else { return false }
        return await check.printFindings()
    }

    /// What the server of this name answers with. Nil for one whose handler has a state of its own, and keeps it.
    func handler(of server: String, front: Front?, _ watch: ProcessWatch) -> (any RequestHandler)? {
        switch server {
        case CompanionServers.admin: self.adminHandler(gateway: front?.gateway, watch)
        case CompanionServers.gateway: front?.handler
        default: nil
        }
    }

    func adminHandler(gateway: Gateway?, _ watch: ProcessWatch) -> AdminHandler {
        AdminHandler(
            networks: self.networks, token: self.configuration.admin?.token?.value, gateway: gateway, watch, log: self.log)
    }

    /// What clients may ask of the server of this name.
    func limits(of server: String) -> ServerLimits {
        server == CompanionServers.admin ? ServerLimits() : self.serverLimits
    }

    private var serverLimits: ServerLimits {
        var limits = ServerLimits()
        limits.headerBytes = self.configuration.limits.headerBytes
        limits.bodyBytes = UInt64(self.configuration.limits.bodyBytes)
        limits.connections = self.configuration.limits.connections
        limits.fieldCount = self.configuration.limits.headerCount
        // Where proxies ask, all connections come from theirs.
        limits.connectionsPerAddress =
            self.configuration.auth == nil
            ? self.configuration.limits.connectionsPerAddress : self.configuration.limits.connections
        limits.bodyIdleTime = self.configuration.limits.bodyIdleTime
        limits.bodyRate = UInt64(self.configuration.limits.bodyRate)
        limits.writeIdleTime = self.configuration.limits.writeIdleTime
        limits.headerTime = self.configuration.limits.headerTime
        limits.idleTime = self.configuration.limits.idleTime
        limits.requestsPerConnection = self.configuration.limits.requestsPerConnection
        limits.connectionTime = self.configuration.limits.connectionTime
        return limits
    }
}
