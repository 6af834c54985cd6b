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

    static let path = "ledger.db"

    let name: String
    let medium: Medium
    let executor: SeededExecutor
    let observer: Observer
    let trace: Trace
    let dice: Dice
    private let weather: DiskWeather
    private let outage: Mutex<Range<Duration>?> = Mutex(nil)
    private let writes = Mutex(0)
    private let planned: PlannedCrash?

    init(
        _ name: String, isSQLite: Bool = false, weather: DiskWeather, planned: PlannedCrash? = nil, executor: SeededExecutor,
        observer: Observer, trace: Trace, seed: UInt64
    ) {
        self.name = name
        self.medium = isSQLite ? .sqlite(FaultDisk(seed: seed)) : .ideal(MemoryPaymentStore())
        self.weather = weather
        self.planned = planned
        self.executor = executor
        self.observer = observer
        self.trace = trace
        self.dice = Dice(seed: seed, name)
    }

    /// The ledger as a process that has just begun finds it.
    func open() throws(StoreError) -> any PaymentStore {
        switch self.medium {
        case .ideal(let store): store
        case .sqlite(let disk): try SQLitePaymentStore(path: Self.path, on: .simulated(disk.name))
        }
    }

    /// What the death of the process that has it open leaves: its writes up to then, or, when the power went, those that were
    /// waited for and perhaps pieces of others.
    func loseProcess() {
        guard case .sqlite(let disk) = self.medium else { return }
        if disk.hasPower, self.dice.happens(perMille: 500) { disk.killProcess() } else { disk.cutPower() }
        disk.restorePower()
        disk.heal()
    }

    /// The disk is full, or the database away, in this time.
    func setOutage(_ outage: Range<Duration>?) { self.outage.withLock { $0 = outage } }

    var isOut: Bool { self.outage.withLock { $0?.contains(self.executor.now) ?? false } }

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

    /// Takes down what became durable.
    func noteDurable(_ payment: PaymentID, _ events: [PaymentEvent]) {
        for event in events {
            self.trace.note("\(self.name): \(event.name) of \(payment.description.prefix(8)) is durable")
            self.observer.note { seen, order in
                seen.writes.append(
                    WorldEvents.DurableWrite(
                        order: order, time: self.executor.now, ledger: self.name, payment: payment, event: event))
            }
        }
    }
}

/// A process's way to its ledger.
struct SimulatedStore: PaymentStore {
    let disk: SimulatedDisk
    let process: SimulatedProcess
    /// The ledger as this process has it open.
    let image: any PaymentStore

    // MARK: - Writing

    func claim(_ claim: Claim, deferral: DeferralTerms?, at time: Int64) async throws(StoreError) -> ClaimOutcome {
        try await self.write { () throws(StoreError) in
            let outcome = try await self.image.claim(claim, deferral: deferral, at: time)
            if case .first = outcome { self.disk.noteDurable(claim.id, [.claimed(claim)]) }
            return outcome
        }
    }

    @discardableResult
    func append(_ entries: [LedgerEntry], at time: Int64) async throws(StoreError) -> [PaymentRecord] {
        try await self.write { () throws(StoreError) in
            let records = try await self.image.append(entries, at: time)
            for entry in entries { self.disk.noteDurable(entry.payment, entry.events) }
            return records
        }
    }

    func sign(
        as account: SignerAccount, at time: Int64, _ entries: @escaping @Sendable (_ number: UInt64) -> [LedgerEntry]
    ) async throws(StoreError) -> [PaymentRecord] {
        try await self.write { () throws(StoreError) in
            let made = Shared<[LedgerEntry]>([])
            let records = try await self.image.sign(as: account, at: time) { number in
                let entries = entries(number)
                made.withLock { $0 = entries }
                return entries
            }
            for entry in made.value { self.disk.noteDurable(entry.payment, entry.events) }
            return records
        }
    }

    func takeWork(
        in phases: Set<PaymentRecord.Phase>, on network: ChainID, limit: Int, leaseSeconds: Int64, at time: Int64
    ) async throws(StoreError) -> [PaymentRecord] {
        try await self.write { () throws(StoreError) in
            try await self.image.takeWork(in: phases, on: network, limit: limit, leaseSeconds: leaseSeconds, at: time)
        }
    }

    func spendCredit(_ claims: [Claim], at time: Int64) async throws(StoreError) -> CreditOutcome {
        try await self.write { () throws(StoreError) in
            let outcome = try await self.image.spendCredit(claims, at: time)
            if case .first(let made) = outcome { self.disk.noteDurable(made.id, [.claimed(made.claim), .settled(.credit)]) }
            return outcome
        }
    }

    func renew(_ worker: WorkerID, for seconds: Int64, at time: Int64) async throws(StoreError) {
        // Nothing becomes durable by it: no fault of the disk is planned for it.
        try await self.pass()
        try await self.image.renew(worker, for: seconds, at: time)
    }

    func takeOver(_ payment: PaymentID, by worker: WorkerID, at time: Int64) async throws(StoreError) -> PaymentRecord? {
        try await self.write { () throws(StoreError) in
            let before = try await self.image.record(payment)
            let record = try await self.image.takeOver(payment, by: worker, at: time)
            if record?.worker != before?.worker { self.disk.noteDurable(payment, [.takenOver(by: worker)]) }
            return record
        }
    }

    func setMark(_ mark: LedgerMark, to value: Int64) async throws(StoreError) {
        try await self.write { () throws(StoreError) in try await self.image.setMark(mark, to: value) }
    }

    func pruneAnswers(endedBefore time: Int64) async throws(StoreError) -> Int {
        try await self.write { () throws(StoreError) in try await self.image.pruneAnswers(endedBefore: time) }
    }

    // MARK: - Reading

    func record(_ payment: PaymentID) async throws(StoreError) -> PaymentRecord? {
        try await self.read { () throws(StoreError) in try await self.image.record(payment) }
    }

    func answer(_ payment: PaymentID) async throws(StoreError) -> StoredAnswer? {
        try await self.read { () throws(StoreError) in try await self.image.answer(payment) }
    }

    func events(_ payment: PaymentID) async throws(StoreError) -> [TimedEvent] {
        try await self.read { () throws(StoreError) in try await self.image.events(payment) }
    }

    func records(_ query: PaymentQuery) async throws(StoreError) -> [PaymentRecord] {
        try await self.read { () throws(StoreError) in try await self.image.records(query) }
    }

    func payment(identifiedBy identifierHash: Bytes32) async throws(StoreError) -> PaymentRecord? {
        try await self.read { () throws(StoreError) in try await self.image.payment(identifiedBy: identifierHash) }
    }

    func mark(_ mark: LedgerMark) async throws(StoreError) -> Int64? {
        try await self.read { () throws(StoreError) in try await self.image.mark(mark) }
    }

    // MARK: - Faults

    private func checkAlive() throws(StoreError) {
        guard self.process.isAlive else { throw .unavailable("the process is dead") }
    }

    private func read<Value>(_ body: () async throws(StoreError) -> Value) async throws(StoreError) -> Value {
        try await self.pass()
        return try await body()
    }

    /// The time it takes; nothing when the disk or the process is gone.
    private func pass() async throws(StoreError) {
        try self.checkAlive()
        try? await self.process.executor.sleep(self.disk.latency())
        try self.checkAlive()
        guard !self.disk.isOut else { throw .unavailable("the disk is full") }
    }

    private func write<Value>(_ body: () async throws(StoreError) -> Value) async throws(StoreError) -> Value {
        try await self.pass()
        let fate = self.disk.nextFate()
        if case .sqlite(let disk) = self.disk.medium { return try await self.write(body, on: disk, fate) }
        switch fate {
        case .done: break
        case .failed: throw .unavailable("the write failed")
        case .failedAfter:
            _ = try await body()
            self.disk.trace.note("\(self.disk.name): the write before seems to have failed")
            throw .unavailable("the sync failed")
        case .crashBefore: throw self.die("before a write")
        case .crashAfter:
            _ = try await body()
            throw self.die("after a write")
        }
        let value = try await body()
        try? await self.process.executor.sleep(.milliseconds(1))
        try self.checkAlive()
        return value
    }

    /// A write of SQLite, with its fate planned for the disk below.
    private func write<Value>(
        _ body: () async throws(StoreError) -> Value, on disk: FaultDisk, _ fate: SimulatedDisk.WriteFate
    ) async throws(StoreError) -> Value {
        let dice = self.disk.dice
        switch fate {
        case .done, .crashAfter: break
        case .failed: disk.plan(.error, at: dice.pick([.write, .sync]), after: dice.number(in: 0...3), times: 1)
        case .failedAfter: disk.plan(.full, at: .write, after: dice.number(in: 0...3), times: dice.number(in: 1...3))
        case .crashBefore: disk.plan(.powerCut, at: dice.pick([.write, .sync]), after: dice.number(in: 0...4), times: 1)
        }
        let result: Result<Value, StoreError>
        do throws(StoreError) { result = .success(try await body()) } catch { result = .failure(error) }
        guard disk.hasPower, fate != .crashAfter, fate != .crashBefore else { throw self.die("at a write of SQLite") }
        disk.heal()
        if case .failure(let error) = result { self.disk.trace.note("\(self.disk.name): \(error.reason)") }
        return try result.get()
    }

    private func die(_ words: String) -> StoreError {
        self.disk.trace.note("\(self.process.name) dies \(words)")
        self.process.kill()
        return .unavailable("the process is dead")
    }
}
