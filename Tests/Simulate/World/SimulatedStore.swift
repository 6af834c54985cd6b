// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPayments
import TollPrimitives
import TollTestKit

/// A process's way to its ledger.
struct SimulatedStore: PaymentStore {
    let disk: SimulatedDisk
    let process: SimulatedProcess
    /// The ledger as this process has it open; nil where it asks a database.
    private let opened: (any PaymentStore)?

    /// The ledger as a process that has just begun finds it.
    init(disk: SimulatedDisk, process: SimulatedProcess) throws(StoreError) {
        self.disk = disk
        self.process = process
        self.opened = try disk.open()
    }

    // MARK: - Writing

    func claim(_ claim: Claim, deferral: DeferralTerms?, at time: Int64) async throws(StoreError) -> ClaimOutcome {
        try await self.write { image throws(StoreError) in
            let outcome = try await image.claim(claim, deferral: deferral, at: time)
            if case .first = outcome { self.disk.noteDurable(claim.id, [.claimed(claim)], by: self.process) }
            return outcome
        }
    }

    @discardableResult
    func append(_ entries: [LedgerEntry], at time: Int64) async throws(StoreError) -> [PaymentRecord] {
        try await self.write { image throws(StoreError) in
            let records = try await image.append(entries, at: time)
            for entry in entries { self.disk.noteDurable(entry.payment, entry.events, by: self.process) }
            return records
        }
    }

    func sign(
        as account: SignerAccount, at time: Int64, _ entries: @escaping @Sendable (_ number: UInt64) -> [LedgerEntry]
    ) async throws(StoreError) -> [PaymentRecord] {
        try await self.write { image throws(StoreError) in
            let made = Shared<[LedgerEntry]>([])
            let records = try await image.sign(as: account, at: time) { number in
                let entries = entries(number)
                made.withLock { $0 = entries }
                return entries
            }
            for entry in made.value { self.disk.noteDurable(entry.payment, entry.events, by: self.process) }
            return records
        }
    }

    func takeWork(
        in phases: Set<PaymentRecord.Phase>, on network: ChainID, limit: Int, leaseSeconds: Int64, at time: Int64
    ) async throws(StoreError) -> [PaymentRecord] {
        try await self.write { image throws(StoreError) in
            try await image.takeWork(in: phases, on: network, limit: limit, leaseSeconds: leaseSeconds, at: time)
        }
    }

    func spendCredit(_ claims: [Claim], at time: Int64) async throws(StoreError) -> CreditOutcome {
        try await self.write { image throws(StoreError) in
            let outcome = try await image.spendCredit(claims, at: time)
            if case .first(let made) = outcome {
                self.disk.noteDurable(made.id, [.claimed(made.claim), .settled(.credit)], by: self.process)
            }
            return outcome
        }
    }

    func deposit(
        _ claim: Claim, _ settlement: Settlement, reason: String, at time: Int64
    ) async throws(StoreError) -> ClaimOutcome {
        try await self.write { image throws(StoreError) in
            let outcome = try await image.deposit(claim, settlement, reason: reason, at: time)
            if case .first(let made) = outcome {
                let events: [PaymentEvent] = [.claimed(made.claim), .settled(settlement), .owed(reason: reason)]
                self.disk.noteDurable(made.id, events, by: self.process)
            }
            return outcome
        }
    }

    func renew(_ worker: WorkerID, for seconds: Int64, at time: Int64) async throws(StoreError) {
        // Nothing becomes durable by it: no fault of the disk is planned for it.
        try await self.pass().renew(worker, for: seconds, at: time)
    }

    func takeOver(_ payment: PaymentID, by worker: WorkerID, at time: Int64) async throws(StoreError) -> PaymentRecord? {
        try await self.write { image throws(StoreError) in
            let before = try await image.record(payment)
            let record = try await image.takeOver(payment, by: worker, at: time)
            if record?.worker != before?.worker { self.disk.noteDurable(payment, [.takenOver(by: worker)], by: self.process) }
            return record
        }
    }

    func setMark(_ mark: LedgerMark, to value: Int64) async throws(StoreError) {
        try await self.write { image throws(StoreError) in try await image.setMark(mark, to: value) }
    }

    func pruneAnswers(endedBefore time: Int64) async throws(StoreError) -> Int {
        try await self.write { image throws(StoreError) in try await image.pruneAnswers(endedBefore: time) }
    }

    // MARK: - Reading

    func record(_ payment: PaymentID) async throws(StoreError) -> PaymentRecord? {
        try await self.read { image throws(StoreError) in try await image.record(payment) }
    }

    func answer(_ payment: PaymentID) async throws(StoreError) -> StoredAnswer? {
        try await self.read { image throws(StoreError) in try await image.answer(payment) }
    }

    func events(_ payment: PaymentID) async throws(StoreError) -> [TimedEvent] {
        try await self.read { image throws(StoreError) in try await image.events(payment) }
    }

    func records(_ query: PaymentQuery) async throws(StoreError) -> [PaymentRecord] {
        try await self.read { image throws(StoreError) in try await image.records(query) }
    }

    func payment(identifiedBy identifierHash: Bytes32) async throws(StoreError) -> PaymentRecord? {
        try await self.read { image throws(StoreError) in try await image.payment(identifiedBy: identifierHash) }
    }

    func mark(_ mark: LedgerMark) async throws(StoreError) -> Int64? {
        try await self.read { image throws(StoreError) in try await image.mark(mark) }
    }

    // MARK: - Faults

    private func checkAlive() throws(StoreError) {
        guard self.process.isAlive else { throw .unavailable("the process is dead") }
    }

    private func read<Value>(
        _ body: (_ image: any PaymentStore) async throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        try await body(try await self.pass())
    }

    /// The ledger, after the time it takes; nothing when the disk or the process is gone.
    private func pass() async throws(StoreError) -> any PaymentStore {
        try self.checkAlive()
        try? await self.process.executor.sleep(self.disk.latency())
        try self.checkAlive()
        if let fault = self.disk.outage(of: self.process.name) {
            self.disk.tally.note(fault)
            throw .unavailable(fault == .diskFull ? "the disk is full" : "the database does not answer")
        }
        if let opened = self.opened { return opened }
        return try self.disk.served()
    }

    private func write<Value>(
        _ body: (_ image: any PaymentStore) async throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        let image = try await self.pass()
        let fate = self.disk.nextFate()
        if case .sqlite(let disk) = self.disk.medium {
            return try await self.write({ () throws(StoreError) in try await body(image) }, on: disk, fate)
        }
        switch fate {
        case .done: break
        case .failed:
            self.disk.tally.note(.writeFailed)
            throw .unavailable("the write failed")
        case .failedAfter:
            _ = try await body(image)
            self.disk.tally.note(.writeFailedAfter)
            self.disk.trace.note("\(self.disk.name): the write before seems to have failed")
            throw .unavailable("the sync failed")
        case .crashBefore: throw self.die("before a write", .crashBeforeWrite)
        case .crashAfter:
            _ = try await body(image)
            throw self.die("after a write", .crashAfterWrite)
        }
        let value = try await body(image)
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
        guard disk.hasPower, fate != .crashAfter, fate != .crashBefore else {
            let fault = !disk.hasPower ? Fault.writeTorn : fate == .crashAfter ? .crashAfterWrite : .crashBeforeWrite
            throw self.die("at a write of SQLite", fault)
        }
        disk.heal()
        if case .failure(let error) = result {
            self.disk.tally.note(fate == .failedAfter ? .diskFull : .writeFailed)
            self.disk.trace.note("\(self.disk.name): \(error.reason)")
        }
        return try result.get()
    }

    private func die(_ words: String, _ fault: Fault) -> StoreError {
        self.disk.tally.note(fault)
        guard !self.disk.isServed else {
            self.disk.loseServer()
            return .unavailable("the connection to the database is lost")
        }
        self.disk.trace.note("\(self.process.name) dies \(words)")
        self.process.kill()
        return .unavailable("the process is dead")
    }
}
