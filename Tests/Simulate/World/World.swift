// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollEVM
import TollPayments
import TollPrimitives
import TollRuntime
import TollStoreSQLite

/// Everything there is in one run: built from a scenario, run on one thread, then looked at.
final class World: Sendable {
    let scenario: Scenario
    let executor: SeededExecutor
    let trace: Trace
    let observer = Observer()
    let tally = Tally()
    let chain: SimulatedChain
    let rpcNetwork: SimulatedNetwork
    let web: SimulatedWeb
    let disk: SimulatedDisk
    let facilitatorDisk: SimulatedDisk
    let cache: CacheServer
    private let processes = Mutex<[SimulatedProcess]>([])
    private let ledger = Mutex<[PaymentRecord]>([])
    private let damage = Mutex<[String]>([])
    /// Whether gateways look for transfers that nobody shows.
    private let watching = Mutex(false)
    private let references = Mutex<[Bytes32: PaymentReference]>([:])
    private let visitors = Mutex<(begun: Int, ended: Int, unfinished: Int)>((0, 0, 0))

    init(_ scenario: Scenario, isTraced: Bool = false) {
        let (seed, trace) = (scenario.seed, Trace(isKept: isTraced))
        let executor = SeededExecutor(seed: seed)
        trace.setClock { executor.now }
        self.scenario = scenario
        self.executor = executor
        self.trace = trace
        let holders = Market.buyers + [Market.payoutWallet]
        let balances = Dictionary(uniqueKeysWithValues: holders.map { ($0.address, UInt256(1_000_000)) })
        self.chain = SimulatedChain(weather: scenario.chain, balances: balances, seed: seed, trace: trace, tally: self.tally)
        self.rpcNetwork = SimulatedNetwork(
            "rpc", weather: scenario.rpc, faults: .rpc, executor: executor, tally: self.tally, seed: seed)
        self.rpcNetwork.setOutage(scenario.chainOutage)
        let network = SimulatedNetwork(
            "web", weather: scenario.web, faults: .web, executor: executor, tally: self.tally, seed: seed)
        self.web = SimulatedWeb(
            network, observer: self.observer, trace: trace, tally: self.tally, seed: seed, clientGone: scenario.clientGone,
            calmFrom: Scenario.calmFrom)
        self.disk = SimulatedDisk(
            "ledger", isSQLite: scenario.isSQLite, isShared: scenario.gatewayCount > 1, weather: scenario.disk,
            planned: scenario.plannedCrash, executor: executor, observer: self.observer, trace: trace, tally: self.tally,
            seed: seed)
        self.disk.setOutage(scenario.ledgerOutage)
        self.disk.setOutage(scenario.replicaOutage, of: "gateway 1")
        self.cache = CacheServer(weather: scenario.cache, executor: executor, tally: self.tally, seed: seed)
        self.facilitatorDisk = SimulatedDisk(
            "facilitator's ledger", weather: scenario.disk, executor: executor, observer: self.observer, trace: trace,
            tally: self.tally, seed: seed)
    }

    /// A part's own dice.
    func dice(_ part: String) -> Dice { Dice(seed: self.scenario.seed, part) }

    /// A new process; its clock is off when the scenario says so.
    func process(_ name: String, hasGoodClock: Bool = false) -> SimulatedProcess {
        let jumps = hasGoodClock || !self.scenario.clockJumps ? [] : Self.jumps(self.dice("clock of \(name)"))
        let (executor, tally) = (self.executor, self.tally)
        let last = Shared(Duration.zero)
        let process = SimulatedProcess(name, executor: executor, dice: self.dice("process \(name) \(executor.jobs)")) {
            let now = executor.now
            let skew = jumps.last { $0.from <= now }?.skew ?? .zero
            let hasJumped = last.withLock { last in
                defer { last = skew }
                return last != skew
            }
            if hasJumped { tally.note(.clockJump) }
            return skew
        }
        self.processes.withLock { $0 = $0.filter(\.isAlive) + [process] }
        return process
    }

    private static func jumps(_ dice: Dice) -> [(from: Duration, skew: Duration)] {
        let jumps = (0..<3).map { _ in
            (from: dice.milliseconds(in: 0...120_000), skew: Duration.seconds(dice.number(in: -200...200)))
        }
        return jumps.sorted { $0.from < $1.from } + [(from: Scenario.calmFrom, skew: .zero)]
    }

    /// Lives from the beginning to the end; says how that went.
    func run() -> SeededExecutor.End {
        defer { self.web.close() }
        return self.executor.run {
            await self.begin()
            try? await self.executor.sleep(self.scenario.end - self.executor.now)
            for process in self.processes.withLock({ $0 }) { process.kill() }
            try? await self.executor.sleep(.seconds(60))
            await self.readLedger()
            // What comes to its end after the end has not come to it.
            self.visitors.withLock { $0.unfinished = $0.begun - $0.ended }
        }
    }

    private func readLedger() async {
        guard let store = try? self.disk.served() else { return self.damage.withLock { $0 = ["the ledger cannot be opened"] } }
        let records = (try? await store.records(PaymentQuery(limit: .max))) ?? []
        self.ledger.withLock { $0 = records }
        if let kept = store as? any ReferenceStore {
            for asked in self.observer.seen.asked {
                guard let reference = try? await kept.reference(asked.reference) else { continue }
                self.references.withLock { $0[reference.hash] = reference }
            }
        }
        guard let sqlite = store as? SQLitePaymentStore else { return }
        let problems = (try? await sqlite.verifyIntegrity().problems) ?? ["the ledger cannot be checked"]
        self.damage.withLock { $0 = problems.map { "\($0)" } }
        await sqlite.close()
    }

    /// What is wrong with the ledger's file.
    var ledgerDamage: [String] { self.damage.withLock { $0 } }

    /// What the gateway's ledger held in the end.
    var records: [PaymentRecord] { self.ledger.withLock { $0 } }

    /// Of the references that somebody was given, those that it held in the end.
    var keptReferences: [Bytes32: PaymentReference] { self.references.withLock { $0 } }

    /// Whether gateways look for transfers that nobody shows.
    var watchesTransfers: Bool { self.watching.withLock { $0 } }

    func noteWatching() { self.watching.withLock { $0 = true } }

    /// How many visitors have not come to an end.
    var unfinishedVisitors: Int { self.visitors.withLock { $0.unfinished } }

    func visit(_ body: @escaping @Sendable () async -> Void) {
        self.visitors.withLock { $0.begun += 1 }
        self.executor.spawn {
            await body()
            self.visitors.withLock { $0.ended += 1 }
        }
    }

    private func begin() async {
        let upstream = self.process("upstream", hasGoodClock: true)
        self.web.listen(Market.upstreamHost, upstream, UpstreamSite(world: self))
        for number in 1...self.scenario.gatewayCount {
            Supervisor(world: self, name: "gateway \(number)", disk: self.disk, boot: GatewaySite.boot).begin()
        }
        if self.scenario.isRemote {
            Supervisor(world: self, name: "facilitator", disk: self.facilitatorDisk, boot: FacilitatorSite.boot).begin()
        }
        // Whoever comes before the gateway listens is only refused.
        try? await self.executor.sleep(.seconds(1))
        for (index, visit) in self.scenario.visits.enumerated() {
            self.visit { await Visitor(world: self, visit: visit, number: index).run() }
        }
        for (index, transfer) in self.scenario.transfers.enumerated() {
            self.visit { await TransferBuyer(world: self, visit: transfer, number: index).run() }
        }
        if self.scenario.hasTransferThief { self.executor.spawn { await TransferThief(world: self).run() } }
        if self.scenario.hasThief { self.executor.spawn { await Thief(world: self).run() } }
        if self.scenario.hasFrontRunner { self.executor.spawn { await FrontRunner(world: self).run() } }
        for number in 0..<self.scenario.refunderCount {
            self.executor.spawn { await Refunder(world: self, number: number + 1).run() }
        }
        if self.scenario.hasOperator { self.executor.spawn { await Operator(world: self).run() } }
    }
}

/// Starts a process, and starts it again whenever it has died.
struct Supervisor: Sendable {
    let world: World
    let name: String
    let disk: SimulatedDisk
    /// Puts the program together and lets it listen; false when it cannot start.
    let boot: @Sendable (World, SimulatedProcess) async -> Bool

    func begin() {
        self.world.executor.spawn {
            let dice = self.world.dice("supervisor of \(self.name)")
            while self.world.executor.now < self.world.scenario.end {
                let process = self.world.process(self.name)
                process.spawn {
                    if await !self.boot(self.world, process) { process.kill() }
                }
                self.world.executor.spawn { await self.killNowAndThen(process) }
                _ = await process.death.value
                self.disk.loseProcess()
                try? await self.world.executor.sleep(dice.milliseconds(in: 50...8_000))
            }
        }
    }

    private func killNowAndThen(_ process: SimulatedProcess) async {
        guard self.world.scenario.kills > 0 else { return }
        let dice = self.world.dice("killer of \(self.name) at \(self.world.executor.now)")
        while process.isAlive, self.world.executor.now < Scenario.calmFrom {
            try? await self.world.executor.sleep(dice.milliseconds(in: 500...9_000))
            guard dice.happens(perMille: self.world.scenario.kills), process.isAlive, self.world.executor.now < Scenario.calmFrom
            else { continue }
            self.world.trace.note("\(self.name) is killed")
            self.world.tally.note(.killed)
            process.kill()
        }
    }
}
