// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TollPayments
import TollTestKit

@testable import TollStoreSQLite

/// What is told of a write is true, whatever happens to the disk and the process.
@Suite struct SQLiteFaultTests {
    /// Claims `numbers` at once; gives those that were told of success, and what the others were told.
    static func claim(_ numbers: Range<Int>, _ store: SQLitePaymentStore) async -> (told: Set<Int>, refusals: [StoreError]) {
        await withTaskGroup(of: (Int, StoreError?).self) { group in
            for number in numbers {
                group.addTask {
                    do throws(StoreError) {
                        _ = try await store.claim(SamplePayment.claim(number), at: 1)
                        return (number, nil)
                    } catch {
                        return (number, error)
                    }
                }
            }
            return await group.reduce(into: ([], [])) { result, outcome in
                if let error = outcome.1 { result.1.append(error) } else { result.0.insert(outcome.0) }
            }
        }
    }

    /// The numbers of `candidates` that a ledger holds.
    static func held(_ candidates: Range<Int>, _ store: SQLitePaymentStore) async throws -> Set<Int> {
        var held: Set<Int> = []
        for number in candidates where try await store.record(SamplePayment.claim(number).id) != nil { held.insert(number) }
        return held
    }

    /// Keeps the writer busy for a moment, so that what is asked for meanwhile waits together.
    static func writeSlowly(_ queue: GroupCommitQueue<LedgerWriter>) async throws(StoreError) {
        _ = try await queue.write { _ throws(StoreError) in usleep(100_000) }
    }

    /// What a call came to.
    static func result(_ body: () async throws(StoreError) -> Void) async -> Result<Void, StoreError> {
        do throws(StoreError) { return .success(try await body()) } catch { return .failure(error) }
    }

    @Test func `a copy of the files made after a claim returned holds the claim`() async throws {
        try await withLedger { ledger, store in
            for number in 0..<5 {
                _ = try await store.claim(SamplePayment.claim(number), at: 1)
                let copy = try ledger.copy()
                let restored = try copy.openSQLite()
                #expect(try await Self.held(0..<6, restored) == Set(0...number))
                #expect(try await restored.verifyIntegrity().problems == [])
                await restored.close()
            }
        }
    }

    @Test func `a process that is killed has every claim on disk that it was told of`() async throws {
        let ledger = try TemporaryLedger(sharedAs: "killed", by: getpid())
        await #expect(processExitsWith: .signal(SIGKILL)) {
            let directory = TemporaryLedger.directory(sharedAs: "killed", by: getppid())
            let store = try SQLitePaymentStore(path: directory + "/ledger.db")
            let descriptor = unsafe open(directory + "/told", O_CREAT | O_WRONLY | O_APPEND, 0o600)
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<600 {
                    group.addTask {
                        guard (try? await store.claim(SamplePayment.claim(number), at: 1)) != nil else { return }
                        let line = Array("\(number)\n".utf8)
                        _ = unsafe write(descriptor, line, line.count)
                        if number == 300 { kill(getpid(), SIGKILL) }
                    }
                }
            }
        }
        let numbers = try String(contentsOfFile: ledger.directory + "/told", encoding: .utf8).split(separator: "\n").compactMap {
            Int($0)
        }
        #expect(numbers.contains(300))
        let store = try ledger.openSQLite()
        #expect(try await Self.held(0..<600, store).isSuperset(of: numbers))
        #expect(try await store.verifyIntegrity().problems == [])
        await store.close()
    }

    @Test func `when the disk fails, everyone of the group is told, and nothing of it is there`() async throws {
        await #expect(processExitsWith: .success) {
            try await withLedger { _, store in
                _ = try await store.claim(SamplePayment.claim(0), at: 1)
                // No file of this process may grow over 64 KiB. Writing past it is to SQLite a failing disk.
                signal(SIGXFSZ, SIG_IGN)
                var limit = rlimit(rlim_cur: 65_536, rlim_max: rlim_t.max)
                _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
                let (before, refusals) = await SQLiteFaultTests.claim(1..<400, store)
                #expect(!refusals.isEmpty)
                for refusal in refusals { #expect(!refusal.isDefect && refusal.reason.contains("the disk of the ledger")) }
                #expect(try await SQLiteFaultTests.held(0..<400, store) == before.union([0]))

                limit.rlim_cur = rlim_t.max
                _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
                let (after, late) = await SQLiteFaultTests.claim(400..<500, store)
                #expect(late.isEmpty && after.count == 100, "the ledger works again when the disk does")
                #expect(try await SQLiteFaultTests.held(0..<500, store) == before.union(after).union([0]))
                #expect(try await store.verifyIntegrity().problems == [])
            }
        }
    }

    @Test func `a full disk closes the ledger for what does not fit, and nothing is half written`() async throws {
        try await withLedger { _, store in
            for number in 0..<50 { _ = try await store.claim(SamplePayment.claim(number), at: 1) }
            let id = SamplePayment.claim(0).id
            try await store.writes.write { writer throws(StoreError) in
                let pages = try writer.connection.integer("PRAGMA page_count")
                _ = try writer.connection.integer("PRAGMA max_page_count = \(pages + 8)")
            }
            let events: [PaymentEvent] = [
                .answered(SamplePayment.answer(0, byteCount: 1 << 20)), .signed(SamplePayment.transaction(0)),
            ]
            let error = await #expect(throws: StoreError.self) { try await store.append(events, to: id, at: 2) }
            #expect(error?.isDefect == false)
            #expect(error?.reason.contains("is full") == true)
            #expect(try await store.events(id).count == 1)
            #expect(try await store.answer(id) == nil)

            let (told, refusals) = await Self.claim(100..<400, store)
            #expect(!refusals.isEmpty && refusals.allSatisfy { $0.reason.contains("is full") })
            #expect(try await Self.held(100..<400, store) == told)

            try await store.writes.write { writer throws(StoreError) in
                _ = try writer.connection.integer("PRAGMA max_page_count = 1000000")
            }
            #expect(try await store.append(events, to: id, at: 3).phase == .signed)
            #expect(try await store.verifyIntegrity().problems == [])
        }
    }

    @Test func `a write that fails alone takes nobody with it`() async throws {
        try await withLedger { _, store in
            _ = try await store.claim(SamplePayment.claim(100), at: 1)
            // Held back behind a slow write, all of these meet in one transaction.
            async let slow: Void = Self.writeSlowly(store.writes)
            async let good = Self.claim(0..<20, store)
            async let bad: Result<Void, StoreError> = Self.result { () async throws(StoreError) in
                try await store.writes.write { writer throws(StoreError) in
                    try writer.connection.run("UPDATE payments SET is_owed = 1")
                    throw .unavailable("on purpose")
                }
            }
            let failure = await bad
            #expect(throws: StoreError.unavailable("on purpose")) { try failure.get() }
            let (told, _) = await good
            try await slow
            #expect(told == Set(0..<20))
            #expect(try await Self.held(0..<20, store) == told)
            #expect(try await store.verifyIntegrity().problems == [])
        }
    }

    @Test func `a failed commit is told to everyone of its group`() async throws {
        try await withLedger { _, store in
            async let slow: Void = Self.writeSlowly(store.writes)
            async let good = Self.claim(0..<20, store)
            // A foreign key that is checked only at the end makes the commit itself fail.
            async let bad: Result<Void, StoreError> = Self.result { () async throws(StoreError) in
                try await store.writes.write { writer throws(StoreError) in
                    try writer.connection.run("PRAGMA defer_foreign_keys = ON")
                    try writer.connection.run("INSERT INTO answers (payment, head, body) VALUES (999, '', x'')")
                }
            }
            let failure = await bad
            #expect(throws: StoreError.self) { try failure.get() }
            let (told, refusals) = await good
            try? await slow  // May have met the failing write in one group.
            let held = try await Self.held(0..<20, store)
            #expect(held == told)
            #expect(told.count + refusals.count == 20)
            let (later, _) = await Self.claim(20..<40, store)
            #expect(later == Set(20..<40), "the next group is not harmed")
            #expect(try await store.verifyIntegrity().problems == [])
        }
    }
}
