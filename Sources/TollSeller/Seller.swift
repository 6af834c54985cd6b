// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollCrypto
internal import TollEVM
public import TollGateway
public import TollHTTP
internal import TollHTTPEngine
internal import TollMethods
public import TollPayments
public import TollPrimitives
public import TollRuntime
internal import TollStoreSQLite

/// A server that sells what a handler of this process answers: x402 in versions 2 and 1, USDC on one EVM chain, settled by a key
/// of ours, the ledger in one SQLite file. Whoever wants other parts puts a ``Gateway`` together.
///
///     var seller = try Seller(on: ChainID(eip155: 84_532), node: "http://127.0.0.1:8545", key: key, payTo: "0x2096…287C")
///     try seller.sell("GET /weather/*", for: "$0.001", "Weather by city")
///     try seller.giveAway("GET /health")
///     try await seller.serve(Weather(), port: 4020)
public struct Seller: Sendable {
    /// Why nothing can be sold so.
    public struct Mistake: Error, Hashable, Sendable, CustomStringConvertible {
        /// What is wrong, and what to do.
        public let description: String
    }

    /// The name that the handler has among upstreams; no host has it (RFC 6761 §6.4).
    private static let handlerOrigin = Origin(scheme: .http, host: "handler.invalid")
    /// How long an authorization that is offered is good, in seconds: what the SDKs have.
    private static let maxTimeoutSeconds = 300

    private let chain: ChainID
    private let node: String
    private let key: PrivateKey
    private let payTo: String
    private let asset: Asset
    private let v1Name: String?
    private let ledger: String
    private var routes: [Route] = []
    /// The origin that buyers call; where it is not set, the address that is listened on.
    public var publicURL: Origin?
    /// What is told to whoever has not called yet; nil for nothing.
    public var discovery: Discovery? = Discovery(title: "API")
    /// Where the log goes.
    public var log = Logger(clock: Environment.live.wallClock)

    /// A seller who sells nothing yet.
    ///
    /// - Parameters:
    ///   - chain: A known chain: `eip155:8453` is Base, `eip155:84532` its test network.
    ///   - node: The URL of a node of that chain.
    ///   - key: Pays the gas of settlements.
    ///   - payTo: The address that is paid. It belongs to this ledger alone.
    ///   - ledger: The path of the ledger's file, in a directory that exists.
    public init(
        on chain: ChainID, node: String, key: PrivateKey, payTo: String, ledger: String = "tollgate.db"
    ) throws(Mistake) {
        guard let network = KnownNetworks.network(chain) else {
            throw Mistake(description: "\(chain) is no known network; put a Gateway together for others")
        }
        guard let (address, checksum) = Address.parse(payTo), checksum != .wrong, address != .zero else {
            throw Mistake(description: "\(payTo) is no address, or mistyped")
        }
        let token = network.defaultAsset
        guard token.transferMethod == .eip3009 else {
            throw Mistake(description: "the tokens of \(network.name) take no signed transfers")
        }
        self.chain = chain
        self.node = node
        self.key = key
        self.payTo = address.description
        self.asset = Asset(
            network: chain, address: token.address.description, symbol: token.symbol, decimals: token.decimals,
            domainName: token.eip712Name, domainVersion: token.eip712Version)
        self.v1Name = network.v1Name
        self.ledger = ledger
    }

    /// Sells what a pattern matches, `[METHOD ]/path` with `*`, `{name}` and `**`. The first route that matches has a request.
    ///
    /// - Parameters:
    ///   - price: Dollars for one call: `$0.001`.
    ///   - settle: When the money moves.
    ///   - access: For how many seconds a payment opens the route to whoever brings the pass that it buys; nil for one answer.
    public mutating func sell(
        _ pattern: String, for price: String, _ description: String = "", settle: SettlePolicy = .after,
        access: Int64? = nil
    ) throws {
        let digits = price.hasPrefix("$") ? price.dropFirst() : price[...]
        guard let amount = DecimalAmount(String(digits)), let units = try? amount.units(decimals: self.asset.decimals),
            units > .zero
        else {
            throw Mistake(
                description: "\(price) is no price: write for example `$0.001`, with at most \(self.asset.decimals) decimals")
        }
        let option = PaymentOption(asset: self.asset, amount: units, payTo: self.payTo, maxTimeoutSeconds: Self.maxTimeoutSeconds)
        var terms = Terms(
            options: [option], settle: SettleRule(settle), description: description, dialects: ["x402", "x402-v1"])
        terms.accessSeconds = access
        try self.add(pattern, terms, Listing(description: description, dollars: String(digits)))
    }

    /// Gives away what a pattern matches.
    public mutating func giveAway(_ pattern: String) throws { try self.add(pattern, nil, nil) }

    private mutating func add(_ text: String, _ terms: Terms?, _ listing: Listing?) throws {
        let pattern: RoutePattern
        do throws(RoutePattern.Problem) { pattern = try RoutePattern(text) } catch {
            throw Mistake(description: "\(text): \(error.message); \(error.remedy)")
        }
        let upstream = Upstream(name: "handler", origin: Self.handlerOrigin)
        self.routes.append(Route(pattern: pattern, upstream: upstream, terms: terms, listing: listing))
    }

    /// Serves `api` behind the prices until SIGTERM or SIGINT, which let active requests finish.
    ///
    /// - Parameters:
    ///   - host: The address that is listened on. Off loopback put TLS in front, and set ``publicURL``.
    ///   - loops: Threads that serve; nil for one a core.
    public func serve(_ api: any RequestHandler, host: String = "127.0.0.1", port: UInt16, loops: Int? = nil) async throws {
        let group = try EventLoopGroup(count: loops ?? EventLoopGroup.coreCount)
        let store = try SQLitePaymentStore(path: self.ledger)
        let environment = Environment.live
        let network = ExactEVMNetwork(
            chain: self.chain,
            client: EVMClient(
                RPCClient(
                    endpoints: [self.node], transport: RPCOverHTTP(EngineHTTPClient(group: group)), limits: RPCClient.Limits(),
                    now: environment.monotonic, jitter: { Int.random(in: 0...25) })),
            signers: SignerPool([self.key]), confirmations: .blocks(1), assets: Address(hex: self.asset.address).map { [$0] })
        let background = BackgroundWork()
        let exact = ExactEVM(
            networks: [network], store: store, background: background, environment: environment, log: self.log)
        let name = self.v1Name
        var configuration = GatewayConfiguration(
            publicURL: self.publicURL ?? Origin(scheme: .http, host: host, port: port), routes: self.routes)
        configuration.discovery = self.discovery
        configuration.passKeys = try await PassKeys(of: store)
        let gateway = Gateway(
            configuration, dialects: [X402V2Dialect(), X402V1Dialect { [chain = self.chain] in $0 == chain ? name : nil }],
            methods: [exact], store: store, client: InProcessClient(api), environment: environment, log: self.log)
        let server = try await HTTPServer(group: group, host: host, port: port, handler: gateway)
        self.log.info("listening", ["address": server.address])
        let services: [any Service] = [
            background, Housekeeping(store: store, environment: environment, log: self.log), exact.recovery,
            exact.deferredSettlement(),
            ChainWatcher(networks: [network], store: store, environment: environment, log: self.log),
            Listener(server: server, gateway: gateway),
        ]
        try await ServiceGroup(services: services, environment: environment, logger: self.log).run()
        await store.close()
    }

    /// Answers until the group stops, then lets active requests finish.
    private struct Listener: Service {
        /// The longest answer that may be under way waits for its settlement, for 30 s.
        private static let drainTime: Duration = .seconds(40)

        let name = "server"
        let server: HTTPServer
        let gateway: Gateway

        func run() async throws {
            try await gracefulShutdown()
            await self.server.drain(within: Self.drainTime)
            await self.gateway.finishCalls()
        }
    }
}
