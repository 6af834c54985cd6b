// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TollPayments
import TollPrimitives
import TollTestKit

@testable import TollStoreSQLite

/// What this program never wrote is never believed.
@Suite struct SQLiteIntegrityTests {
    /// A ledger with one settled payment that keeps its answer, changed behind its back.
    private func tampered(_ script: String) async throws -> TemporaryLedger {
        let ledger = try TemporaryLedger()
        let store = try ledger.openSQLite()
        let claim = SamplePayment.claim(1)
        _ = try await store.claim(claim, at: 100)
        for batch in SamplePayment.happyPath(1) { try await store.append(batch, to: claim.id, at: 101) }
        await store.close()
        try SQLiteConnection(path: ledger.path, access: .readWrite).script(
            "DROP TRIGGER events_stay; DROP TRIGGER events_stand; \(script)"
        )
        return ledger
    }

    @Test(arguments: [
        "UPDATE payments SET phase = 'released'", "UPDATE payments SET attempts = 2", "UPDATE payments SET amount = '1'",
        "UPDATE payments SET is_served = 0", "UPDATE payments SET ended_at = NULL", "UPDATE payments SET network = 'eip155:1'",
        "DELETE FROM events WHERE sequence = 2", "DELETE FROM events WHERE sequence = 6", "DELETE FROM events WHERE sequence = 1",
        "DELETE FROM events", "UPDATE events SET sequence = 9 WHERE sequence = 6",
        "UPDATE events SET kind = 'tolled' WHERE sequence = 6",
        "UPDATE events SET kind = 'told' WHERE sequence = 4", "UPDATE events SET detail = 'x' WHERE sequence = 6",
        "UPDATE events SET detail = '[]' WHERE sequence = 6", "UPDATE events SET detail = '{}' WHERE sequence = 6",
        #"UPDATE events SET detail = '{"v":99}' WHERE sequence = 6"#,
        #"UPDATE events SET detail = '{"v":1.0}' WHERE sequence = 6"#,
        #"UPDATE events SET detail = '{"v":1,"more":true}' WHERE sequence = 6"#,
        "UPDATE events SET raw = x'00' WHERE sequence = 6",
        "UPDATE events SET raw = NULL WHERE kind = 'signed'", "UPDATE events SET time = 7 WHERE kind = 'settled'",
        "UPDATE events SET detail = replace(detail, '1000', '1001') WHERE kind = 'claimed'",
        "UPDATE events SET detail = replace(detail, '\"policy\":\"after\"', '\"policy\":\"never\"') WHERE kind = 'claimed'",
        "UPDATE events SET detail = replace(detail, '\"isRepeatable\":true', '\"isRepeatable\":1') WHERE kind = 'claimed'",
        "UPDATE events SET detail = replace(detail, '\"nonce\":\"0x', '\"nonce\":\"1x') WHERE kind = 'claimed'",
    ])
    func `a changed row or event is corruption to every reader`(script: String) async throws {
        try await withLedger(try await self.tampered(script)) { _, store in
            let claim = SamplePayment.claim(1)
            let record = await #expect(throws: StoreError.self) { try await store.record(claim.id) }
            #expect(record?.reason.contains("corrupt") == true && record?.isDefect == false)
            await #expect(throws: StoreError.self) { try await store.records(PaymentQuery(in: [], since: 0, limit: 10)) }
            await #expect(throws: StoreError.self) { try await store.claim(claim, at: 200) }
            await #expect(throws: StoreError.self) { try await store.append([.owed(reason: "x")], to: claim.id, at: 200) }
            let integrity = try await store.verifyIntegrity()
            #expect(!integrity.isSound)
        }
    }

    @Test(arguments: [
        "UPDATE answers SET head = '{}'", #"UPDATE answers SET head = '{"v":1,"status":200,"fields":[["a"]]}'"#,
        #"UPDATE answers SET head = '{"v":1,"status":200,"fields":[["a","*"]]}'"#,
        #"UPDATE answers SET head = '{"v":1,"status":"200","fields":[]}'"#,
        #"UPDATE answers SET head = '{"v":7,"status":200,"fields":[]}'"#,
    ])
    func `a changed answer is corruption, not an answer`(script: String) async throws {
        try await withLedger(try await self.tampered(script)) { _, store in
            let error = await #expect(throws: StoreError.self) { try await store.answer(SamplePayment.claim(1).id) }
            #expect(error?.reason.contains("corrupt") == true)
        }
    }

    @Test(arguments: [
        "DELETE FROM ended_answers", "INSERT INTO answers VALUES (77, '', x'')",
        "INSERT INTO marks VALUES ('finished/eip155:1', 7)",
        "INSERT INTO marks VALUES ('finalized/nowhere', 7)", "INSERT INTO signers SELECT network, signer, 1 FROM payments",
        // SQLite is told that an index lacks what it holds, which is how a lost entry looks.
        """
        PRAGMA writable_schema = ON;
        UPDATE sqlite_schema SET sql = sql || ' WHERE claimed_at > 900' WHERE name = 'payments_by_time';
        """,
        "INSERT INTO events (payment, sequence, time, kind, detail) VALUES (77, 1, 1, 'served', '{\"v\":1}')",
    ])
    func `what belongs to nothing, or is not scheduled, is found by the check of the whole`(script: String) async throws {
        try await withLedger(try await self.tampered(script)) { _, store in
            let integrity = try await store.verifyIntegrity()
            #expect(integrity.problems.count == 1, "\(integrity.problems)")
            #expect(integrity.paymentCount == 1)
        }
    }

    @Test func `credit that was not drawn on a debt is found`() async throws {
        let ledger = try TemporaryLedger()
        var store = try ledger.openSQLite()
        _ = try await store.claim(SamplePayment.claim(1), at: 100)
        try await store.append(
            [.settled(SamplePayment.settlement(1)), .owed(reason: "not delivered")], to: SamplePayment.claim(1).id, at: 101)
        let credit = SamplePayment.claim(2, dialect: "sign-in-with-x", policy: .before, amount: 400)
        guard case .first = try await store.spendCredit(credit, at: 102) else {
            Issue.record("the debt pays for the claim")
            return
        }
        #expect(try await store.verifyIntegrity().problems == [])
        await store.close()
        try SQLiteConnection(path: ledger.path, access: .readWrite).script(
            """
            DROP TRIGGER events_stand;
            UPDATE events SET detail = replace(detail, '"units":"400"', '"units":"399"') WHERE kind = 'drawn';
            UPDATE payments SET open_debt = '601' WHERE open_debt = '600';
            """)
        store = try ledger.openSQLite()
        let problems = try await store.verifyIntegrity().problems
        #expect(problems.count == 1 && problems[0].contains("cost 400 units of credit, 399 were drawn"), "\(problems)")
        await store.close()
    }

    @Test func `an answer that is lost before its payment's end is found`() async throws {
        let ledger = try TemporaryLedger()
        var store = try ledger.openSQLite()
        _ = try await store.claim(SamplePayment.claim(1), at: 100)
        try await store.append([.answered(SamplePayment.answer(1))], to: SamplePayment.claim(1).id, at: 101)
        await store.close()
        try SQLiteConnection(path: ledger.path, access: .readWrite).script("DELETE FROM answers")
        store = try ledger.openSQLite()
        #expect(try await store.verifyIntegrity().problems.count == 1)
        await store.close()
    }

    @Test func `events can be neither changed nor deleted`() async throws {
        try await withLedger { _, store in
            _ = try await store.claim(SamplePayment.claim(1), at: 100)
            for sql in ["DELETE FROM events", "UPDATE events SET time = 0"] {
                let error = await #expect(throws: StoreError.self) {
                    try await store.writes.write { writer throws(StoreError) in try writer.connection.run(sql) }
                }
                #expect(error?.reason.contains("events are never") == true)
            }
        }
    }

    @Test func `a page of garbage in the file is told as corruption`() async throws {
        let ledger = try TemporaryLedger()
        let store = try ledger.openSQLite()
        for number in 0..<200 { _ = try await store.claim(SamplePayment.claim(number), at: 100) }
        await store.close()
        let file = try FileHandle(forUpdating: URL(filePath: ledger.path))
        let pageCount = try file.seekToEnd() / 4_096
        for page in 1..<pageCount {
            try file.seek(toOffset: page * 4_096)
            try file.write(contentsOf: Data(repeating: 0xA5, count: 4_096))
        }
        try file.close()
        // At the latest when something is claimed.
        let error = await #expect(throws: StoreError.self) {
            let store = try ledger.openSQLite()
            _ = try await store.claim(SamplePayment.claim(1), at: 200)
        }
        #expect(error?.reason.contains("corrupt") == true && error?.isDefect == false)
    }

    @Test func `what could not be read again is refused before it is written`() async throws {
        try await withLedger { _, store in
            var payload: JSONObject = ["leaf": 1]
            for _ in 0..<70 { payload = ["deeper": .object(payload)] }
            let deep = await #expect(throws: StoreError.self) {
                try await store.claim(SamplePayment.claim(1, payload: payload), at: 1)
            }
            #expect(deep?.isDefect == true)
            let long: JSONObject = ["long": .string(String(repeating: "x", count: 1 << 20))]
            await #expect(throws: StoreError.self) { try await store.claim(SamplePayment.claim(1, payload: long), at: 1) }
            #expect(try await store.record(SamplePayment.claim(1).id) == nil)

            _ = try await store.claim(SamplePayment.claim(1), at: 1)
            let answer = SamplePayment.answer(1, byteCount: StoredAnswer.bodyByteCountMax + 1)
            let over = await #expect(throws: StoreError.self) {
                try await store.append([.answered(answer)], to: SamplePayment.claim(1).id, at: 2)
            }
            #expect(over?.isDefect == true)
        }
    }

    @Test(arguments: [60, 61, 62, 63])
    func `a payload is taken exactly as deep as it can be read again`(depth: Int) async throws {
        var payload: JSONObject = ["leaf": 1]
        for _ in 1..<depth { payload = ["deeper": .object(payload)] }
        let claim = SamplePayment.claim(1, payload: payload)
        try await withLedger { _, store in
            guard depth <= 62 else {
                await #expect(throws: StoreError.self) { try await store.claim(claim, at: 1) }
                return
            }
            _ = try await store.claim(claim, at: 1)
            #expect(try await store.record(claim.id)?.claim == claim)
        }
    }
}
