// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollPayments
import TollPrimitives
import TollStoreSQLite
import TollTestKit

/// How a ledger's disk behaves: rates are of a thousand writes.
struct DiskWeather: Sendable {
    /// A write takes tenths of a second.
    var slow = 0
    /// A write fails and leaves nothing.
    var fail = 0
    /// A write fails, and is there all the same: a broken connection at commit, a sync that reports an error.
    var failAfter = 0
    /// The process dies before the write.
    var crashBefore = 0
    /// The process dies after the write and before it knows.
    var crashAfter = 0
    var calmFrom = Duration.seconds(300)
}

/// A ledger as it is on disk: what outlives every process.
final class SimulatedDisk: Sendable {
    /// A crash at a chosen write, in place of dice.
    struct PlannedCrash: Hashable, Sendable {
        let write: Int
        let isAfter: Bool
    }

    /// What keeps it.
    enum Medium: Sendable {
        /// A ledger in memory, each of whose writes is there as a whole or not at all.
        case ideal(MemoryPaymentStore)
        /// SQLite on a disk that tears, loses and refuses writes.
        case sqlite(FaultDisk)
    }

    /// A database that serves several processes, as PostgreSQL does: here it is SQLite that they reach through one server.
    private struct Server: Sendable {
        var store: (any PaymentStore)?
        /// It died, and is back then.
        var isBackAt = Duration.zero
    }

    private struct Outages {
        var all: Range<Duration>?
        var replica: (name: String, time: Range<Duration>)?
    }

    static let path = "ledger.db"

    let name: String
    let medium: Medium
    let executor: SeededExecutor
    let observer: Observer
    let trace: Trace
    let tally: Tally
    let dice: Dice
    private let weather: DiskWeather
    private let outages = Mutex(Outages())
    /// What one database has open for all processes; nil where each opens the file itself.
    private let server: Shared<Server>?
    private let writes = Mutex(0)
    /// Who was the first to write each payment.
    private let writers = Mutex<[PaymentID: String]>([:])
    private let planned: PlannedCrash?

    init(
        _ name: String, isSQLite: Bool = false, isShared: Bool = false, weather: DiskWeather, planned: PlannedCrash? = nil,
        executor: SeededExecutor,
        observer: Observer, trace: Trace, tally: Tally, seed: UInt64
    ) {
        self.name = name
        self.medium = isSQLite ? .sqlite(FaultDisk(seed: seed)) : .ideal(MemoryPaymentStore())
        self.server = isSQLite && isShared ? Shared(Server()) : nil
        self.weather = weather
        self.planned = planned
        self.executor = executor
        self.observer = observer
        self.trace = trace
        self.tally = tally
        self.dice = Dice(seed: seed, name)
    }

    /// The ledger as a process that has just begun finds it; nil where a database has it, and each call asks that one.
    func open() throws(StoreError) -> (any PaymentStore)? {
        guard self.server == nil else { return nil }
        return try self.opened()
    }

    /// The ledger, opened anew.
    func opened() throws(StoreError) -> any PaymentStore {
        switch self.medium {
        case .ideal(let store): store
        case .sqlite(let disk): try SQLitePaymentStore(path: Self.path, on: .simulated(disk.name))
        }
    }

    /// What the database has open.
    func served() throws(StoreError) -> any PaymentStore {
        guard let server else { return try self.opened() }
        let now = self.executor.now
        let (store, isBack) = server.withLock { ($0.store, now >= $0.isBackAt) }
        if let store { return store }
        guard isBack else { throw .unavailable("the connection to the database is lost") }
        let opened = try self.opened()
        server.withLock { $0.store = opened }
        return opened
    }

    /// Whether one database serves all processes.
    var isServed: Bool { self.server != nil }

    /// The database dies and comes back.
    func loseServer() {
        guard let server else { return }
        self.tally.note(.databaseLost)
        self.trace.note("\(self.name): the database dies")
        let back = self.executor.now + self.dice.milliseconds(in: 200...6_000)
        self.loseOpenFiles()
        server.withLock { $0 = Server(store: nil, isBackAt: back) }
    }

    /// What the death of the process that has it open leaves: its writes up to then, or, when the power went, those that were
    /// waited for and perhaps pieces of others.
    func loseProcess() {
        guard self.server == nil else { return }
        self.loseOpenFiles()
    }

    private func loseOpenFiles() {
        guard case .sqlite(let disk) = self.medium else { return }
        if disk.hasPower, self.dice.happens(perMille: 500) {
            disk.killProcess()
        } else {
            if disk.hasPower { self.tally.note(.powerCut) }
            disk.cutPower()
        }
        disk.restorePower()
        disk.heal()
    }

    /// The disk is full, or the database away, in this time.
    func setOutage(_ outage: Range<Duration>?) { self.outages.withLock { $0.all = outage } }

    /// One process does not reach it in this time.
    func setOutage(_ outage: Range<Duration>?, of replica: String) {
        guard let outage else { return }
        self.outages.withLock { $0.replica = (replica, outage) }
    }

    /// Why a process does not reach it now; nil when it does.
    func outage(of process: String) -> Fault? {
        let now = self.executor.now
        return self.outages.withLock { outages in
            if outages.all?.contains(now) ?? false { return .diskFull }
            guard let replica = outages.replica, replica.name == process, replica.time.contains(now) else { return nil }
            return .replicaCutOff
        }
    }

    /// How many writes were begun.
    var writeCount: Int { self.writes.withLock { $0 } }

    enum WriteFate { case done, failed, failedAfter, crashBefore, crashAfter }

    /// What will happen to the next write.
    func nextFate() -> WriteFate {
        let number = self.writes.withLock { writes in
            defer { writes += 1 }
            return writes
        }
        if let planned { return planned.write == number ? (planned.isAfter ? .crashAfter : .crashBefore) : .done }
        guard self.executor.now < self.weather.calmFrom else { return .done }
        if self.dice.happens(perMille: self.weather.crashBefore) { return .crashBefore }
        if self.dice.happens(perMille: self.weather.crashAfter) { return .crashAfter }
        if self.dice.happens(perMille: self.weather.fail) { return .failed }
        if self.dice.happens(perMille: self.weather.failAfter) { return .failedAfter }
        return .done
    }

    /// How long the next write takes.
    func latency() -> Duration {
        let isSlow = self.executor.now < self.weather.calmFrom && self.dice.happens(perMille: self.weather.slow)
        return self.dice.milliseconds(in: isSlow ? 200...900 : 1...6)
    }

    /// A process wanted to write what is there already.
    func noteRace(for payment: PaymentID, by process: SimulatedProcess) {
        guard let writer = self.writers.withLock({ $0[payment] }), writer != process.name else { return }
        self.tally.note(.depositRaced)
    }

    /// Takes down what became durable.
    func noteDurable(_ payment: PaymentID, _ events: [PaymentEvent], by process: SimulatedProcess) {
        self.writers.withLock { $0[payment] = $0[payment] ?? process.name }
        for event in events {
            self.trace.note("\(self.name): \(event.name) of \(payment.description.prefix(8)) is durable")
            self.observer.note { seen, order in
                seen.writes.append(
                    WorldEvents.DurableWrite(
                        order: order, time: self.executor.now, ledger: self.name, process: process.name, payment: payment,
                        event: event))
            }
        }
    }
}
