// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollPayments
import TollStorePostgres
import TollTestKit

/// The payments whose claims were told of success.
private final class Told: Sendable {
    private let state = Mutex<Set<Int>>([])

    var numbers: Set<Int> { self.state.withLock { $0 } }

    func add(_ number: Int) { self.state.withLock { _ = $0.insert(number) } }
}

/// What is told of a write is true, whatever happens to the server; and when it is back, so is the ledger.
@Suite(.serialized) struct PostgresFaultTests {
    /// Runs `body` with a server of its own and a store in it.
    private static func withServer(_ body: (PostgresServer, String, PostgresPaymentStore) async throws -> Void) async throws {
        let server = try await PostgresServer.start()
        let url = try await server.makeDatabase()
        let store = try await onThread { try PostgresPaymentStore(url: url) }
        try await body(server, url, store)
        await store.close()
    }

    /// What a call came to: nil, or why it was refused.
    private static func refusal(_ call: () async throws(StoreError) -> Void) async -> StoreError? {
        do throws(StoreError) {
            try await call()
            return nil
        } catch {
            return error
        }
    }

    /// Asks until the ledger answers, for at most some seconds.
    private static func recovers(_ store: PostgresPaymentStore) async throws -> Bool {
        let deadline = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < deadline {
            let refusal = await Self.refusal { () throws(StoreError) in _ = try await store.record(SamplePayment.claim(0).id) }
            if refusal == nil { return true }
            try await Task.sleep(for: .milliseconds(50))
        }
        return false
    }

    @Test func `a server that is killed closes the ledger, and one that is back opens it, with all that was told`() async throws {
        try await Self.withServer { server, _, store in
            let told = Told()
            let refusals = try await withThrowingTaskGroup(of: StoreError?.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        for number in stride(from: worker, to: 4_000, by: 8) {
                            let refusal = await Self.refusal { () throws(StoreError) in
                                guard case .first = try await store.claim(SamplePayment.claim(number), at: 1) else { return }
                                told.add(number)
                            }
                            if let refusal { return refusal }
                        }
                        return nil
                    }
                }
                while told.numbers.count < 100 { try await Task.sleep(for: .milliseconds(5)) }
                try await server.process.kill()
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(refusals.allSatisfy { $0?.isDefect == false }, "each of those who were writing was told")
            let started = ContinuousClock.now
            let late = await Self.refusal { () throws(StoreError) in _ = try await store.claim(SamplePayment.claim(5_000), at: 1)
            }
            #expect(late?.isDefect == false)
            #expect(ContinuousClock.now - started < .seconds(6))

            try await server.process.start()
            #expect(try await Self.recovers(store))
            for number in told.numbers { #expect(try await store.record(SamplePayment.claim(number).id) != nil) }
            guard case .first = try await store.claim(SamplePayment.claim(5_001), at: 1) else {
                Issue.record("the ledger takes no claims")
                return
            }
        }
    }

    @Test func `a server that hangs is given up in time, then at once, and found again`() async throws {
        try await Self.withServer { server, _, store in
            _ = try await store.claim(SamplePayment.claim(1), at: 1)
            try await server.process.pause()
            var started = ContinuousClock.now
            let first = await Self.refusal { () throws(StoreError) in _ = try await store.claim(SamplePayment.claim(2), at: 1) }
            #expect(first?.isDefect == false)
            #expect(ContinuousClock.now - started < .seconds(12))
            started = .now
            let second = await Self.refusal { () throws(StoreError) in _ = try await store.record(SamplePayment.claim(1).id) }
            #expect(second?.isDefect == false)
            #expect(ContinuousClock.now - started < .seconds(2))
            try await server.process.resume()
            #expect(try await Self.recovers(store))
            #expect(try await store.record(SamplePayment.claim(1).id) != nil)
        }
    }

    /// The commit waits for a standby that does not exist: it is on disk, and its answer does not come.
    @Test func `a commit whose answer does not come is told as not known, and is there to be found`() async throws {
        try await Self.withServer { server, _, store in
            let claim = SamplePayment.claim(1)
            _ = try await store.claim(claim, at: 1)
            try await server.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
            try await server.execute("SELECT pg_reload_conf()")
            let refusal = await Self.refusal { () throws(StoreError) in
                while true { try await store.append([.served], to: claim.id, at: 2) }
            }
            #expect(refusal?.isDefect == false)
            #expect(refusal?.reason.contains("whether the write happened is not known") == true, "\(refusal?.reason ?? "")")
            try await server.execute("ALTER SYSTEM RESET synchronous_standby_names")
            try await server.execute("SELECT pg_reload_conf()")
            #expect(try await Self.recovers(store))
            #expect(try await store.record(claim.id)?.isServed == true)
        }
    }

    @Test func `connections that the server ended while they were idle cost no call`() async throws {
        try await Self.withServer { server, url, store in
            for number in 0..<20 { _ = try await store.claim(SamplePayment.claim(number), at: 1) }
            _ = try await store.record(SamplePayment.claim(0).id)
            let database = PostgresServer.database(in: url)
            try await server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(database)'")
            for number in 20..<40 { _ = try await store.claim(SamplePayment.claim(number), at: 1) }
            #expect(try await store.records(PaymentQuery(limit: 100)).count == 40)
        }
    }

    @Test func `a server that does not wait for its disk is refused`() async throws {
        try await Self.withServer { server, url, _ in
            try await server.execute("ALTER SYSTEM SET fsync = off")
            try await server.execute("SELECT pg_reload_conf()")
            let error = try await onThread { #expect(throws: StoreError.self) { _ = try PostgresPaymentStore(url: url) } }
            #expect(error?.reason.contains("fsync = off") == true, "\(error?.reason ?? "")")
        }
    }

    @Test func `a commit waits for the disk, whatever the server's default is`() async throws {
        try await Self.withServer { server, url, _ in
            try await server.execute("ALTER DATABASE \(PostgresServer.database(in: url)) SET synchronous_commit = off")
            try await server.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
            try await server.execute("SELECT pg_reload_conf()")
            // Where a commit did not wait, it would not wait for the standby either.
            let store = try await onThread { try PostgresPaymentStore(url: url) }
            let refusal = await Self.refusal { () throws(StoreError) in _ = try await store.claim(SamplePayment.claim(1), at: 1) }
            #expect(refusal != nil)
            try await server.execute("ALTER SYSTEM RESET synchronous_standby_names")
            try await server.execute("SELECT pg_reload_conf()")
            await store.close()
        }
    }
}
