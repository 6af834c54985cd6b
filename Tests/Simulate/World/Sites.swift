// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollEVM
import TollFacilitator
import TollGateway
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime

/// A gateway as `tollgate serve` puts it together, on the world's clock, disk, network and chain.
enum GatewaySite {
    /// How long an answer waits for its settlement.
    static let settleWait = Duration.seconds(20)

    static func boot(_ world: World, _ process: SimulatedProcess) async -> Bool {
        let (environment, log) = (process.environment, world.log(process))
        let background = BackgroundWork()
        let store = Plants.store(SimulatedStore(disk: world.disk, process: process), world)
        let client = SimulatedHTTPClient(
            web: world.web, process: process, asker: Asker(kind: .gateway, name: process.name))
        let network = world.network(process, signers: Market.gatewaySigners)
        process.spawn { try? await background.run() }
        let method: any PaymentMethod
        do throws(StoreError) {
            if world.scenario.isRemote {
                let remote = RemoteFacilitator(
                    endpoints: [FacilitatorEndpoint(url: Self.facilitatorURL)], networks: [network], store: store, client: client,
                    background: background, environment: environment, log: log)
                try await remote.resume()
                method = remote
            } else {
                let exact = ExactEVM(
                    networks: [network], store: store, background: background, environment: environment, log: log)
                try await exact.resume()
                method = Plants.method(exact, network, world)
            }
        } catch {
            world.trace.note("\(process.name) cannot start: \(error.reason)")
            return false
        }
        let gateway = Gateway(
            GatewayConfiguration(
                publicURL: Origin(scheme: .https, host: Market.host), routes: self.routes, settleWait: self.settleWait),
            dialects: Market.dialects, methods: [method], store: store, client: client, environment: environment, log: log)
        let housekeeping = Housekeeping(store: store, environment: environment, log: log)
        process.spawn { try? await housekeeping.run() }
        world.web.listen(Market.host, process, gateway)
        world.trace.note("\(process.name) listens")
        return true
    }

    private static let facilitatorURL: URLParts = {
        guard let url = try? URLParts(parsing: "https://\(Market.facilitatorHost)/") else {
            preconditionFailure("The facilitator's URL is none.")
        }
        return url
    }()

    private static let routes: [Route] = [
        route("/after/*", .after), route("/before/*", .before), route("/unstored/*", .after, storesAnswers: false),
    ].compactMap { $0 }

    private static func route(_ pattern: String, _ policy: SettlePolicy, storesAnswers: Bool = true) -> Route? {
        guard let pattern = try? RoutePattern(pattern) else { return nil }
        let upstream = Upstream(
            name: "api", origin: Origin(scheme: .http, host: Market.upstreamHost, port: 9_000), timeout: .seconds(10))
        return Route(
            pattern: pattern, upstream: upstream,
            terms: Terms(
                options: [Market.option], settle: SettleRule(policy), description: "A sample", dialects: ["x402", "x402-v1"],
                storesAnswers: storesAnswers))
    }
}

/// A facilitator with a ledger and signers of its own.
enum FacilitatorSite {
    static func boot(_ world: World, _ process: SimulatedProcess) async -> Bool {
        let (environment, log) = (process.environment, world.log(process))
        let background = BackgroundWork()
        let store = SimulatedStore(disk: world.facilitatorDisk, process: process)
        let network = world.network(process, signers: Market.facilitatorSigners)
        process.spawn { try? await background.run() }
        let exact = ExactEVM(networks: [network], store: store, background: background, environment: environment, log: log)
        do throws(StoreError) { try await exact.resume() } catch { return false }
        let facilitator = Facilitator(
            FacilitatorConfiguration(
                kinds: [.init(chain: Market.chain, legacyName: "base-sepolia", assets: [Market.asset])],
                signers: Market.facilitatorSigners.map { "\($0.address)" }, patience: .seconds(10)),
            methods: [exact], store: store, environment: environment, log: log)
        world.web.listen(Market.facilitatorHost, process, facilitator)
        return true
    }
}

extension World {
    /// The chain as a process sees it.
    func network(_ process: SimulatedProcess, signers: [Market.Account]) -> ExactEVMNetwork {
        let nodes = SimulatedNodes(
            chain: self.chain, network: self.rpcNetwork, process: process, weather: self.scenario.nodes,
            dice: self.dice("nodes of \(process.name) \(self.executor.jobs)"), observer: self.observer, trace: self.trace,
            forge: process.name == "gateway" ? Plants.forgery(self) : nil)
        let endpoints = (0..<self.scenario.nodeCount).map { "node\($0)" }
        let client = EVMClient(RPCClient(endpoints: endpoints, transport: nodes, now: process.environment.monotonic))
        return ExactEVMNetwork(
            chain: Market.chain, client: client, signers: SignerPool(signers.map(\.key)),
            confirmations: .blocks(self.scenario.confirmations))
    }

    /// Its log lines stand in the trace.
    func log(_ process: SimulatedProcess) -> Logger {
        guard self.trace.isKept else { return .silent }
        return Logger(level: .debug, clock: { .zero }) { line in
            self.trace.note("  \(process.name)\(process.isAlive ? "" : " (dead)"): \(line.dropFirst(21))")
        }
    }
}

/// What the gateway stands in front of: each answer another one, and sometimes none.
struct UpstreamSite: RequestHandler {
    let world: World
    private let dice: Dice
    private let count: Counter

    init(world: World) {
        self.world = world
        self.dice = world.dice("upstream")
        self.count = Counter()
    }

    func handle(_ request: Request, _ responder: consuming Responder) async {
        let path = String(decoding: request.head.path, as: UTF8.self)
        let payment = request.head.fields.firstText("tollgate-payment-id")
        self.world.observer.note { events, _ in
            events.upstreamCalls.append(
                WorldEvents.UpstreamCall(time: self.world.executor.now, payment: payment, path: path))
        }
        try? await self.world.executor.sleep(self.dice.milliseconds(in: 1...300))
        let isTroubled = self.world.executor.now < Scenario.calmFrom
        if isTroubled, self.dice.happens(perMille: self.world.scenario.upstreamFails) {
            let status = self.dice.pick([500, 503, 404, 0])
            if status == 0 { try? await self.world.executor.sleep(.seconds(30)) }
            let body = Array("answer \(self.count.next()) of \(path)\n".utf8)
            try? await responder.send(ResponseHead(status: status == 0 ? 500 : status), body: body)
            return
        }
        let body = Array("goods \(self.count.next()) of \(path)\n".utf8)
        try? await responder.send(ResponseHead(status: 200, fields: ["Content-Type": "text/plain"]), body: body)
    }
}

/// Counts from one.
final class Counter: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        self.count.withLock { count in
            count += 1
            return count
        }
    }
}
