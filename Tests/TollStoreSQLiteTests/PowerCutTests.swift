// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollTestKit

@testable import TollStoreSQLite

/// What is told of a write is true on a disk that loses power, tears writes and fails, wherever it does.
@Suite struct PowerCutTests {
    /// A ledger on a simulated disk, and what its calls were told.
    private struct Bench {
        static let path = "ledger.db"
        let disk: FaultDisk
        /// Every payment as the last successful write of it said it is.
        var told: [PaymentID: PaymentRecord] = [:]
        /// Payments whose last write was refused for the disk's sake: it may be there or not.
        var doubtful: Set<PaymentID> = []

        init(seed: UInt64) {
            self.disk = FaultDisk(seed: seed)
        }

        func open() throws(StoreError) -> SQLitePaymentStore {
            try SQLitePaymentStore(path: Self.path, on: .simulated(self.disk.name))
        }

        /// Makes a call and notes what was told; false when the ledger could not answer.
        mutating func make(_ call: LedgerTraffic.Call, to store: SQLitePaymentStore) async -> Bool {
            do throws(StoreError) {
                switch call {
                case .claim(let claim, let time):
                    self.doubtful.insert(claim.id)
                    switch try await store.claim(claim, at: time) {
                    case .first(let record), .held(let record): self.told[record.id] = record
                    }
                    self.doubtful.remove(claim.id)
                case .append(let events, let id, let time):
                    self.doubtful.insert(id)
                    self.told[id] = try await store.append(events, to: id, at: time)
                    self.doubtful.remove(id)
                case .prune(let time):
                    _ = try await store.pruneAnswers(endedBefore: time)
                }
            } catch {
                guard !error.isDefect else {
                    if case .append(_, let id, _) = call { self.doubtful.remove(id) }
                    return true
                }
                return false
            }
            return true
        }

        /// Holds what is there against what was told.
        func check(_ store: SQLitePaymentStore, _ payments: [PaymentID], _ place: Comment) async throws {
            #expect(try await store.verifyIntegrity().problems == [], place)
            for id in payments {
                let found = try await store.record(id)
                guard self.doubtful.contains(id) else {
                    #expect(found == self.told[id], place)
                    continue
                }
                let isThere = try await store.events(id).count >= (self.told[id] == nil ? 0 : 1)
                #expect(isThere, place)
            }
        }
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func `after a power cut anywhere, every write that returned is there and none is there by half`(seed: UInt64) async throws {
        var bench = Bench(seed: seed)
        var traffic = LedgerTraffic(seed: seed)
        // Some three writes and one sync to a call; now and then the power goes while the ledger is made or closed.
        if seed.isMultiple(of: 3) {
            bench.disk.plan(.powerCut, at: .sync, after: Int(seed), times: 1)
        } else {
            bench.disk.plan(.powerCut, at: .write, after: Int(seed * 7 % 900), times: 1)
        }
        var store = try? bench.open()
        for _ in 0..<250 {
            guard let open = store, let call = traffic.next(), await bench.make(call, to: open) else { break }
        }
        await store?.close()
        bench.disk.cutPower()
        bench.disk.heal()
        bench.disk.restorePower()
        store = try bench.open()
        if let store {
            try await bench.check(store, traffic.payments, "seed \(seed)")
            bench.doubtful = []
            bench.told = [:]
            for call in traffic.prefix(20) { #expect(await bench.make(call, to: store), "seed \(seed)") }
            await store.close()
        }
    }
}
