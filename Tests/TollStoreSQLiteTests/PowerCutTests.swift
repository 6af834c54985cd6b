// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollTestKit

@testable import TollStoreSQLite

/// What is told of a write is true on a disk that loses power, tears writes and fails, wherever it does.
@Suite struct PowerCutTests {
    @Test(arguments: 0..<200 as Range<UInt64>)
    func `after a power cut anywhere, every write that returned is there and none is there by half`(seed: UInt64) async throws {
        var bench = DiskBench(seed: seed)
        // A call is some three writes and a sync; the first cuts come while the ledger is made, the last when it is closed.
        if seed.isMultiple(of: 3) {
            bench.disk.plan(.powerCut, at: .sync, after: Int(seed) / 2, times: 1)
        } else {
            bench.disk.plan(.powerCut, at: .write, after: Int(seed * 7 % 500), times: 1)
        }
        let store = try? bench.open()
        if let store { await bench.call(store, times: 100) }
        await store?.close()
        bench.disk.cutPower()
        try await bench.reopenAndCheck()
    }

    /// A command opens the ledger first, and so it is the command that makes the log; what matters is who syncs it.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func `what is written to a log that another process has made is there after a power cut`(seed: UInt64) async throws {
        var bench = DiskBench(seed: seed)
        await (try bench.open()).close()
        let command = try bench.open()
        let store = try bench.open()
        await bench.call(store, times: 10)
        bench.disk.cutPower()
        await command.close()
        await store.close()
        try await bench.reopenAndCheck()
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `after a process is killed anywhere, every write that returned is there`(seed: UInt64) async throws {
        var bench = DiskBench(seed: seed)
        let store = try bench.open()
        await bench.call(store, times: Int(seed) * 3 + 5)
        bench.disk.killProcess()
        await bench.call(store, times: 1)
        await store.close()
        try await bench.reopenAndCheck()
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func `on a disk that fails now and then, what returned is there, and the ledger recovers`(seed: UInt64) async throws {
        var bench = DiskBench(seed: seed)
        let store = try bench.open()
        for call in FaultDisk.Call.allCases where call != .open {
            bench.disk.plan(call == .read && seed.isMultiple(of: 2) ? .shortRead : .error, at: call, perMillion: 15_000)
        }
        await bench.call(store, times: 150)
        bench.disk.heal()
        let late = await bench.call(store, times: 20)
        #expect(late == 20, "calls answered when the disk works again")
        // A sync that failed has lost writes for good: what was told since must not have rested on them.
        if !seed.isMultiple(of: 3) { bench.disk.cutPower() }
        await store.close()
        try await bench.reopenAndCheck()
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func `a full disk refuses what does not fit, and takes it when there is room`(seed: UInt64) async throws {
        var bench = DiskBench(seed: seed)
        let store = try bench.open()
        await bench.call(store, times: 20)
        let used = [DiskBench.path, DiskBench.path + "-wal"].reduce(0) { $0 + (bench.disk[$1]?.count ?? 0) }
        bench.disk.limit(byteCount: used + Int(seed) * 3_000)
        await bench.call(store, times: 80)
        #expect(bench.refusals.contains { $0.contains("is full") } && bench.refusals.allSatisfy { $0.contains("the ledger") })
        bench.disk.heal()
        let late = await bench.call(store, times: 20)
        #expect(late == 20, "calls answered when there is room")
        await store.close()
        try await bench.reopenAndCheck()
    }
}

/// A ledger on a simulated disk, random calls to it, and what they were told.
struct DiskBench {
    static let path = "ledger.db"
    private static let signer = "0xSigner"

    let disk: FaultDisk
    /// What the ledger could not do, and why.
    private(set) var refusals: [String] = []
    private var traffic: LedgerTraffic
    /// Every payment as the last successful write of it said it is.
    private var told: [PaymentID: PaymentRecord] = [:]
    /// Payments whose last write was refused: it may be there or not.
    private var doubtful: Set<PaymentID> = []
    /// The signer's number that was taken last.
    private var number: UInt64?
    private var isNumberDoubtful = false
    private let seed: UInt64
    private var step = 0

    init(seed: UInt64) {
        self.seed = seed
        self.disk = FaultDisk(seed: seed)
        self.traffic = LedgerTraffic(seed: seed)
    }

    func open() throws(StoreError) -> SQLitePaymentStore {
        try SQLitePaymentStore(path: Self.path, on: .simulated(self.disk.name))
    }

    /// Makes random calls; gives how many the ledger could answer. Stops when the power is gone.
    @discardableResult
    mutating func call(_ store: SQLitePaymentStore, times: Int) async -> Int {
        var answered = 0
        for _ in 0..<times where self.disk.hasPower {
            self.step += 1
            do throws(StoreError) {
                try await self.makeCall(store)
                answered += 1
            } catch {
                if error.isDefect { answered += 1 } else { self.refusals.append(error.reason) }
            }
        }
        return answered
    }

    private mutating func makeCall(_ store: SQLitePaymentStore) async throws(StoreError) {
        if self.step.isMultiple(of: 5) { return try await self.sign(store) }
        switch self.traffic.next() {
        case .claim(let claim, let time):
            try await self.write(claim.id) { () throws(StoreError) in
                switch try await store.claim(claim, at: time) {
                case .first(let record), .held(let record): record
                case .identifierTaken, .notDeferrable: throw StoreError.unavailable("a claim that asked for nothing was refused")
                }
            }
        case .append(let events, let id, let time):
            try await self.write(id) { () throws(StoreError) in try await store.append(events, to: id, at: time) }
        case .prune(let time): _ = try await store.pruneAnswers(endedBefore: time)
        case nil: break
        }
    }

    private mutating func sign(_ store: SQLitePaymentStore) async throws(StoreError) {
        let claim = SamplePayment.claim(1_000 + self.step)
        let account = SignerAccount(network: claim.option.network, address: Self.signer, chainCount: 0)
        try await self.write(claim.id) { () throws(StoreError) in
            _ = try await store.claim(claim, at: 1)
            return nil
        }
        self.isNumberDoubtful = true
        try await self.write(claim.id) { () throws(StoreError) in
            try await store.sign(as: account, at: 2) { number in
                let transaction = SettlementTransaction(
                    hash: SamplePayment.hash(Int(number)), raw: [2], signer: Self.signer, nonce: number)
                return [LedgerEntry(claim.id, [.answered(SamplePayment.answer(1)), .signed(transaction)])]
            }.first
        }
        let taken = self.told[claim.id]?.transaction?.nonce
        #expect(taken == self.number.map { $0 + 1 } ?? 0, "seed \(self.seed), step \(self.step)")
        (self.number, self.isNumberDoubtful) = (taken, false)
    }

    /// Notes what a write of a payment came to; nil when it says nothing of it.
    private mutating func write(
        _ id: PaymentID, _ body: () async throws(StoreError) -> PaymentRecord?
    ) async throws(StoreError) {
        let wasDoubtful = !self.doubtful.insert(id).inserted
        do throws(StoreError) {
            guard let record = try await body() else { return }
            self.told[id] = record
            self.doubtful.remove(id)
        } catch {
            if error.isDefect, !wasDoubtful { self.doubtful.remove(id) }
            throw error
        }
    }

    /// With power and a disk that works: opens the ledger, holds it against what was told, and goes on with it.
    mutating func reopenAndCheck() async throws {
        self.disk.heal()
        self.disk.restorePower()
        let store = try self.open()
        let place: Comment = "seed \(self.seed)"
        #expect(try await store.verifyIntegrity().problems == [], place)
        for id in self.traffic.payments + Array(self.told.keys) {
            let found = try await store.record(id)
            if self.doubtful.contains(id) {
                #expect(found != nil || self.told[id] == nil, place)
            } else {
                #expect(found == self.told[id], place)
            }
        }
        try await self.checkNumbers(store, place)
        let answered = await self.call(store, times: 20)
        #expect(answered == 20, place)
        await store.close()
    }

    /// No number that was told is taken again, and every lower one has its transaction.
    private mutating func checkNumbers(_ store: SQLitePaymentStore, _ place: Comment) async throws {
        let signed = try await store.records(PaymentQuery(limit: .max)).compactMap(\.transaction)
        let numbers = signed.filter { $0.signer == Self.signer }.map(\.nonce).sorted()
        #expect(numbers == (0..<UInt64(numbers.count)).map(\.self), place)
        let known = self.number.map { Int($0) + 1 } ?? 0
        #expect(numbers.count == known || (self.isNumberDoubtful && numbers.count == known + 1), place)
        self.number = numbers.last
        self.isNumberDoubtful = false
    }
}
