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
        let store: any PaymentStore
        let references: any ReferenceStore
        do throws(StoreError) {
            let kept = try SimulatedStore(disk: world.disk, process: process)
            (store, references) = (Plants.store(kept, world), Plants.references(kept, world))
        } catch {
            world.trace.note("\(process.name) cannot open its ledger: \(error.reason)")
            return false
        }
        let client = SimulatedHTTPClient(
            web: world.web, process: process, asker: Asker(kind: .gateway, name: process.name))
        let network = world.network(process, signers: Market.gatewaySigners)
        process.spawn { try? await background.run() }
        let exact = ExactEVM(networks: [network], store: store, background: background, environment: environment, log: log)
        process.run(world.services(of: exact, network, store, process))
        var method = Plants.method(exact, network, process, world)
        if world.scenario.isRemote {
            let remote = RemoteFacilitator(
                endpoints: [FacilitatorEndpoint(url: Self.facilitatorURL)], networks: [network], store: store, client: client,
                background: background, environment: environment, log: log,
                lastResort: world.scenario.hasLastResort ? exact : nil, jitter: { 7 })
            do throws(StoreError) { try await remote.resume() } catch {
                world.trace.note("\(process.name) cannot start: \(error.reason)")
                return false
            }
            method = remote
        }
        let isAlone = world.scenario.gatewayCount == 1
        // Not drawn: what else a process draws is the same with it and without.
        let name = Keccak256.hash(text: "\(process.name) of \(process.executor.now)").bytes.prefix(WorkerID.byteCount)
        let worker = WorkerID(randomBytes: Array(name))
        let lease =
            isAlone
            ? WorkerLease(as: worker, environment: environment)
            : WorkerLease(on: store, as: worker, environment: environment, log: log)
        do throws(StoreError) { try await lease.begin() } catch {
            world.trace.note("\(process.name) cannot start: \(error.reason)")
            return false
        }
        process.spawn { try? await lease.run() }
        let rail = world.scenario.transfers.isEmpty ? nil : world.transferRail(network, store, references, process)
        if let rail, !rail.services.isEmpty {
            world.noteWatching()
            process.run(rail.services)
        }
        let cache: any SharedCache =
            isAlone ? MemoryCache(now: environment.wallClock) : SimulatedCache(world.cache, process)
        let gateway = Gateway(
            GatewayConfiguration(
                publicURL: Origin(scheme: .https, host: Market.host),
                routes: self.routes + (rail == nil ? [] : self.transferRoutes(world.scenario)), settleWait: self.settleWait,
                deferral: Market.deferral),
            dialects: Market.dialects + (rail.map { [$0.dialect] } ?? []), methods: [method] + (rail.map { [$0.method] } ?? []),
            store: store, lease: lease, cache: cache, signIns: EVMSignIn(nodes: [Market.chain: network.client]),
            statuses: rail?.statuses, client: client, environment: environment, log: log, traces: TraceIDs(key: 1))
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
        route("/after/*", SettleRule(.after)), route("/before/*", SettleRule(.before)),
        route("/unstored/*", SettleRule(.after), storesAnswers: false),
        route("/deferred/*", SettleRule(.deferred, settledPaymentsMin: 1)),
        route("/grown/*", SettleRule(.after, settledPaymentsMin: 2, otherwise: .before)),
    ].compactMap { $0 }

    static func route(
        _ pattern: String, _ rule: SettleRule, dialects: [DialectID] = ["x402", "x402-v1"], storesAnswers: Bool = true,
        references: ReferenceTerms? = nil
    ) -> Route? {
        guard let pattern = try? RoutePattern(pattern) else { return nil }
        let upstream = Upstream(
            name: "api", origin: Origin(scheme: .http, host: Market.upstreamHost, port: 9_000), timeout: .seconds(10))
        var terms = Terms(
            options: [Market.option], settle: rule, description: "A sample", dialects: dialects, storesAnswers: storesAnswers,
            acceptsSignIn: true)
        terms.references = references
        return Route(pattern: pattern, upstream: upstream, terms: terms)
    }
}

/// A facilitator with a ledger and signers of its own.
enum FacilitatorSite {
    static func boot(_ world: World, _ process: SimulatedProcess) async -> Bool {
        let (environment, log) = (process.environment, world.log(process))
        let background = BackgroundWork()
        guard let store = try? SimulatedStore(disk: world.facilitatorDisk, process: process) else { return false }
        let network = world.network(process, signers: Market.facilitatorSigners)
        process.spawn { try? await background.run() }
        let exact = ExactEVM(networks: [network], store: store, background: background, environment: environment, log: log)
        process.run(world.services(of: exact, network, store, process))
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
    /// What goes on beside the requests: settlements that were left, batches, watching the chain.
    func services(
        of exact: ExactEVM, _ network: ExactEVMNetwork, _ store: any PaymentStore, _ process: SimulatedProcess
    ) -> [any Service] {
        let terms = BatchTerms(size: 3, maxAge: .seconds(15))
        let watcher = ChainWatcher(
            networks: [network], store: store, environment: process.environment, log: self.log(process))
        return [exact.recovery, exact.deferredSettlement(terms), watcher]
    }

    /// The chain as a process sees it.
    func network(_ process: SimulatedProcess, signers: [Market.Account]) -> ExactEVMNetwork {
        let nodes = self.nodes(
            process, named: "nodes", forge: process.name.hasPrefix("gateway") ? Plants.forgery(self) : nil)
        let endpoints = (0..<self.scenario.nodeCount).map { "node\($0)" }
        let client = EVMClient(RPCClient(endpoints: endpoints, transport: nodes, now: process.environment.monotonic))
        return ExactEVMNetwork(
            chain: Market.chain, client: client, signers: SignerPool(signers.map(\.key)),
            confirmations: .blocks(self.scenario.confirmations))
    }

    /// What the nodes are reached by.
    func nodes(
        _ process: SimulatedProcess, named name: String, forge: SimulatedNodes.Forgery? = nil, liar: Liar? = nil
    ) -> SimulatedNodes {
        SimulatedNodes(
            chain: self.chain, network: self.rpcNetwork, process: process, weather: self.scenario.nodes,
            dice: self.dice("\(name) of \(process.name) \(self.executor.jobs)"), observer: self.observer, trace: self.trace,
            tally: self.tally, forge: forge, liar: liar)
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
            self.world.tally.note(.upstreamFailed)
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
