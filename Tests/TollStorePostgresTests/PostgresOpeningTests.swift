// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollTestKit

@testable import TollStorePostgres

/// What cannot be a ledger is refused at start, in words that say what to do, and nothing of it is changed.
@Suite struct PostgresOpeningTests {
    /// Why a store does not open; nil when it does.
    private static func refusal(_ url: String) async throws -> String? {
        try await onThread {
            do throws(StoreError) {
                _ = try PostgresPaymentStore(url: url)
                return nil
            } catch {
                return error.reason
            }
        }
    }

    /// A user of the shared server who may do nothing yet.
    private static func makeUser(_ name: String) async throws {
        try await PostgresServer.shared().execute("CREATE ROLE \(name) LOGIN")
    }

    @Test func `gateways that start at once on an empty database make one ledger`() async throws {
        let ledger = SharedLedger()
        let url = try await ledger.url(user: "tollgate")
        let refusals = try await withThrowingTaskGroup(of: String?.self) { group in
            for _ in 0..<6 { group.addTask { try await Self.refusal(url) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(refusals.compactMap { $0 } == [])
        #expect(try await ledger.execute("SELECT version FROM tollgate_ledger") == "4")
    }

    @Test func `a database of another program is refused and left as it is`() async throws {
        let ledger = SharedLedger()
        try await ledger.execute("CREATE TABLE payments (id text); INSERT INTO payments VALUES ('theirs')")
        let refusal = try await Self.refusal(try await ledger.url(user: "tollgate"))
        #expect(refusal?.contains("holds tables of another program, not a Tollgate ledger") == true, "\(refusal ?? "")")
        #expect(try await ledger.execute("SELECT id FROM payments") == "theirs")
        #expect(try await ledger.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "1")
    }

    @Test func `beside another program's tables a schema of its own holds a ledger`() async throws {
        let ledger = SharedLedger()
        try await ledger.execute("CREATE TABLE theirs (id text); CREATE SCHEMA toll")
        let url = try await ledger.url(user: "tollgate") + "?options=-csearch_path%3Dtoll"
        #expect(try await Self.refusal(url) == nil)
        #expect(try await ledger.execute("SELECT version FROM toll.tollgate_ledger") == "4")
    }

    @Test func `a ledger of the first version becomes one of the newest, with all that it has`() async throws {
        let ledger = SharedLedger()
        try await ledger.execute(
            LedgerSchema.migrations[0] + "UPDATE tollgate_ledger SET version = 1; INSERT INTO marks VALUES ('a', 7)")
        try await withStores(1, on: ledger) { stores in
            _ = try await stores[0].claim(SamplePayment.claim(1), at: 100)
            let record = try await stores[0].takeOver(SamplePayment.claim(1).id, by: SamplePayment.worker(1), at: 101)
            #expect(record?.worker == SamplePayment.worker(1))
        }
        #expect(try await ledger.execute("SELECT value FROM marks") == "7")
    }

    // MARK: - Alone

    private static func openAlone(_ url: String) async throws -> PostgresPaymentStore {
        try await onThread { try PostgresPaymentStore(url: url, alone: true) }
    }

    @Test func `who has the ledger alone keeps gateways out until it is done`() async throws {
        let ledger = SharedLedger()
        let url = try await ledger.url(user: "tollgate")
        let alone = try await Self.openAlone(url)
        _ = try await alone.claim(SamplePayment.claim(1), at: 100)
        let refusal = try await Self.refusal(url)
        #expect(refusal?.contains("is being rebuilt") == true, "\(refusal ?? "it opened")")
        let reader = try await onThread { try PostgresPaymentReader(url: url) }
        #expect(try await reader.record(SamplePayment.claim(1).id) != nil)
        await reader.close()
        await alone.close()
        // The server lets go when it has seen the session's end.
        var isOpen = false
        for _ in 0..<1_000 where !isOpen { isOpen = try await Self.refusal(url) == nil }
        #expect(isOpen)
    }

    @Test func `nobody has the ledger alone while a gateway has it`() async throws {
        let ledger = SharedLedger()
        try await withStores(1, on: ledger) { stores in
            _ = try await stores[0].claim(SamplePayment.claim(1), at: 100)
            let url = try await ledger.url(user: "tollgate")
            do {
                let alone = try await Self.openAlone(url)
                await alone.close()
                Issue.record("it opened")
            } catch {
                let reason = (error as? StoreError)?.reason ?? ""
                #expect(reason.contains("is in use: stop every gateway"), "\(reason)")
            }
            _ = try await stores[0].claim(SamplePayment.claim(2), at: 101)
        }
    }

    @Test func `a gateway that lost its connections while another has the ledger alone closes the gate, and comes back`()
        async throws
    {
        let ledger = SharedLedger()
        try await withStores(1, on: ledger) { stores in
            _ = try await stores[0].claim(SamplePayment.claim(1), at: 100)
            try await ledger.execute(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                """)
            let alone = try await Self.openAlone(try await ledger.url(user: "tollgate"))
            await #expect(throws: StoreError.self) { _ = try await stores[0].claim(SamplePayment.claim(2), at: 101) }
            #expect(try await alone.record(SamplePayment.claim(2).id) == nil)
            await alone.close()
            // Nobody tries for a moment after a failure, which doubles, to two seconds.
            let end = ContinuousClock.now + .seconds(10)
            var isBack = false
            while !isBack, ContinuousClock.now < end {
                isBack = (try? await stores[0].claim(SamplePayment.claim(3), at: 102)) != nil
                if !isBack { await Task.yield() }
            }
            #expect(isBack)
        }
    }

    @Test func `a ledger of a newer program is refused`() async throws {
        let ledger = SharedLedger()
        try await withStores(1, on: ledger) { _ in }
        try await ledger.execute("UPDATE tollgate_ledger SET version = 99")
        let refusal = try await Self.refusal(try await ledger.url(user: "tollgate"))
        #expect(refusal?.contains("has schema 99, of a newer Tollgate") == true, "\(refusal ?? "")")
        #expect(try await ledger.execute("SELECT version FROM tollgate_ledger") == "99")
    }

    @Test func `a read-only database is refused, empty or not`() async throws {
        for isEmpty in [true, false] {
            let ledger = SharedLedger()
            let url = try await ledger.url(user: "tollgate")
            if !isEmpty { try await withStores(1, on: ledger) { _ in } }
            try await ledger.execute("ALTER DATABASE \(PostgresServer.database(in: url)) SET default_transaction_read_only = on")
            let refusal = try await Self.refusal(url)
            #expect(refusal?.contains("read-only") == true, "\(refusal ?? "")")
        }
    }

    @Test func `a user who may not make tables is told so`() async throws {
        let ledger = SharedLedger()
        try await Self.makeUser("without_create")
        let refusal = try await Self.refusal(try await ledger.url(user: "without_create"))
        #expect(refusal?.contains("permission denied for schema public") == true, "\(refusal ?? "")")
    }

    @Test func `a user who may not write is told which rights are missing`() async throws {
        let ledger = SharedLedger()
        try await withStores(1, on: ledger) { _ in }
        try await Self.makeUser("without_insert")
        try await ledger.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO without_insert")
        let url = try await ledger.url(user: "without_insert")
        let refusal = try await Self.refusal(url)
        #expect(refusal?.contains("GRANT INSERT on payments") == true, "\(refusal ?? "")")
        // To look at it is enough.
        let reader = try await onThread { try PostgresPaymentReader(url: url) }
        #expect(try await reader.records(PaymentQuery(limit: 1)) == [])
        await reader.close()
    }

    @Test func `a reader makes no ledger`() async throws {
        let ledger = SharedLedger()
        let url = try await ledger.url(user: "tollgate")
        let error = try await onThread { #expect(throws: StoreError.self) { _ = try PostgresPaymentReader(url: url) } }
        #expect(error?.reason.contains("holds no ledger") == true, "\(error?.reason ?? "")")
        #expect(try await ledger.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0")
    }

    @Test(arguments: ["UPDATE events SET kind = 'settled'", "DELETE FROM events", "TRUNCATE events"])
    func `events are never changed or deleted, whoever asks`(sql: String) async throws {
        let ledger = SharedLedger()
        try await withStores(1, on: ledger) { stores in
            _ = try await stores[0].claim(SamplePayment.claim(1), at: 1)
            await #expect(throws: SupervisedServer.Failure.self) { try await ledger.execute(sql) }
            #expect(try await stores[0].events(SamplePayment.claim(1).id).count == 1)
        }
    }

    @Test func `a row that does not say what its events say is corruption, not an answer`() async throws {
        let ledger = SharedLedger()
        try await withStores(1, on: ledger) { stores in
            let claim = SamplePayment.claim(1)
            _ = try await stores[0].claim(claim, at: 1)
            try await ledger.execute("UPDATE payments SET phase = 'settled'")
            let error = await #expect(throws: StoreError.self) { try await stores[0].record(claim.id) }
            #expect(error?.reason.contains("differ in phase") == true, "\(error?.reason ?? "")")
            let url = try await ledger.url(user: "tollgate")
            let reader = try await onThread { try PostgresPaymentReader(url: url) }
            let integrity = try await reader.verifyIntegrity()
            #expect(integrity.paymentCount == 1 && integrity.problems.count == 1)
            await reader.close()
        }
    }
}
