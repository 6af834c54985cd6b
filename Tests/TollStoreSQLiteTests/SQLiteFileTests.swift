// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TollPayments
import TollTestKit

@testable import TollStoreSQLite

/// Which files are opened, and what is said of the others.
@Suite struct SQLiteFileTests {
    /// The reason for which opening `path` is refused.
    private func refusal(_ path: String) throws -> String {
        let error = #expect(throws: StoreError.self) { try SQLitePaymentStore(path: path) }
        let refusal = try #require(error)
        #expect(!refusal.isDefect)
        return refusal.reason
    }

    /// Changes a ledger behind its back.
    private func tamper(_ ledger: TemporaryLedger, _ script: String) throws {
        try SQLiteConnection(path: ledger.path, access: .readWrite).script(script)
    }

    @Test func `a new ledger is readable by its owner alone, and so is all that stands beside it`() async throws {
        try await withLedger { ledger, store in
            _ = try await store.claim(SamplePayment.claim(1), at: 100)
            for suffix in ["", "-wal", "-shm", ".lock"] {
                let attributes = try FileManager.default.attributesOfItem(atPath: ledger.path + suffix)
                #expect(attributes[.posixPermissions] as? Int == 0o600, "ledger.db\(suffix)")
            }
        }
    }

    @Test func `a second store on the same file is refused, by another name too, and told who has it`() async throws {
        let ledger = try TemporaryLedger()
        try await withLedger(ledger) { _, store in
            let link = ledger.directory + "/link.db"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: ledger.path)
            for path in [ledger.path, link] {
                let reason = try self.refusal(path)
                #expect(reason.contains("process \(getpid())"))
                #expect(reason.contains(ledger.path + ".lock"))
            }
            _ = try await store.claim(SamplePayment.claim(1), at: 100)
        }
        try await withLedger(ledger) { _, store in
            let record = try await store.record(SamplePayment.claim(1).id)
            #expect(record != nil)
        }
    }

    @Test func `a file that is no database is refused and stays as it is`() throws {
        let ledger = try TemporaryLedger()
        let text = Data(String(repeating: "not a ledger ", count: 1_000).utf8)
        try text.write(to: URL(filePath: ledger.path))
        #expect(try self.refusal(ledger.path).contains("is not a SQLite database"))
        #expect(try Data(contentsOf: URL(filePath: ledger.path)) == text)
    }

    @Test(arguments: ["PRAGMA application_id = 1196444487", "CREATE TABLE notes (text)", "PRAGMA user_version = 3"])
    func `a database of another program is refused and stays as it is`(script: String) throws {
        let ledger = try TemporaryLedger()
        try Data().write(to: URL(filePath: ledger.path))
        try self.tamper(ledger, script)
        let before = try Data(contentsOf: URL(filePath: ledger.path))
        #expect(try self.refusal(ledger.path).contains("another program"))
        #expect(try Data(contentsOf: URL(filePath: ledger.path)) == before)
    }

    @Test func `a ledger of a newer version is refused`() async throws {
        let ledger = try TemporaryLedger()
        await (try ledger.openSQLite()).close()
        try self.tamper(ledger, "PRAGMA user_version = 99")
        let reason = try self.refusal(ledger.path)
        #expect(reason.contains("schema 99") && reason.contains("newer"))
    }

    @Test func `an empty file of version 0 becomes a ledger of the newest version`() async throws {
        for script in ["", "PRAGMA application_id = \(LedgerSchema.applicationID)"] {
            let ledger = try TemporaryLedger()
            try Data().write(to: URL(filePath: ledger.path))
            try self.tamper(ledger, script)
            let store = try ledger.openSQLite()
            _ = try await store.claim(SamplePayment.claim(1), at: 100)
            await store.close()
            let connection = try SQLiteConnection(path: ledger.path, access: .readOnly)
            #expect(try connection.integer("PRAGMA application_id") == LedgerSchema.applicationID)
            #expect(try connection.integer("PRAGMA user_version") == Int64(LedgerSchema.migrations.count))
        }
    }

    @Test func `a directory that is not there is named with the reason`() throws {
        let ledger = try TemporaryLedger()
        let path = ledger.directory + "/missing/ledger.db"
        let reason = try self.refusal(path)
        #expect(reason.contains(path) && reason.contains("No such file or directory"))
    }

    @Test(.enabled(if: geteuid() != 0, "the superuser may write everywhere"))
    func `a directory that may not be written is named with the reason`() throws {
        let ledger = try TemporaryLedger()
        try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: ledger.directory)
        defer { try? FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: ledger.directory) }
        let reason = try self.refusal(ledger.path)
        #expect(reason.contains(ledger.path) && reason.contains("Permission denied"))
    }

    @Test func `a closed ledger refuses every call`() async throws {
        try await withLedger { _, store in
            await store.close()
            let closed = StoreError.unavailable("the ledger is closed")
            let id = SamplePayment.claim(1).id
            await #expect(throws: closed) { try await store.claim(SamplePayment.claim(1), at: 1) }
            await #expect(throws: closed) { try await store.append([.served], to: id, at: 1) }
            await #expect(throws: closed) { try await store.record(id) }
            await #expect(throws: closed) { try await store.records(PaymentQuery(in: [], since: 0, limit: 1)) }
            await #expect(throws: closed) { try await store.verifyIntegrity() }
        }
    }

    @Test func `closing waits for writes and reads that were asked for`() async throws {
        let ledger = try TemporaryLedger()
        let store = try ledger.openSQLite()
        let accepted: [Int] = await withTaskGroup(of: Int?.self) { group in
            for number in 0..<400 {
                group.addTask {
                    guard (try? await store.claim(SamplePayment.claim(number), at: 1)) != nil else { return nil }
                    return number
                }
                group.addTask {
                    _ = try? await store.record(SamplePayment.claim(number).id)
                    return nil
                }
            }
            group.addTask {
                await store.close()
                return nil
            }
            return await group.reduce(into: []) { $0 += $1.map { [$0] } ?? [] }
        }
        try await withLedger(ledger) { _, store in
            let held = try await store.records(PaymentQuery(in: [], since: 0, limit: .max)).map(\.id)
            #expect(Set(held) == Set(accepted.map { SamplePayment.claim($0).id }))
        }
    }
}
