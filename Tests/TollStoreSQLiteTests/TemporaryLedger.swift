// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import TollPayments
import TollStoreSQLite
import TollTestKit

/// A directory for one ledger, gone with its last reference.
final class TemporaryLedger: PaymentStoreHarness {
    let directory: String
    var path: String { self.directory + "/ledger.db" }

    init() throws {
        self.directory = Self.directory(UUID().uuidString)
        try FileManager.default.createDirectory(atPath: self.directory, withIntermediateDirectories: false)
    }

    /// A directory that a child process finds by its parent's number.
    init(sharedAs name: String, by process: pid_t) throws {
        self.directory = Self.directory(sharedAs: name, by: process)
        try? FileManager.default.removeItem(atPath: self.directory)  // Of an earlier process with this number.
        try FileManager.default.createDirectory(atPath: self.directory, withIntermediateDirectories: false)
    }

    static func directory(sharedAs name: String, by process: pid_t) -> String { self.directory("\(name)-\(process)") }

    private static func directory(_ name: String) -> String {
        FileManager.default.temporaryDirectory.appending(path: "tollgate-ledger-\(name)").path
    }

    deinit { try? FileManager.default.removeItem(atPath: self.directory) }

    func open() throws -> any PaymentStore { try self.openSQLite() }

    func openSQLite() throws -> SQLitePaymentStore { try SQLitePaymentStore(path: self.path) }

    func close(_ store: any PaymentStore) async throws {
        await (store as? SQLitePaymentStore)?.close()
    }

    /// Copies ledger and log as they stand now, by a process of its own: closing the file here would drop SQLite's locks.
    func copy() throws -> TemporaryLedger {
        let copy = try TemporaryLedger()
        let process = Process()
        process.executableURL = URL(filePath: "/bin/cp")
        process.arguments = [self.path, self.path + "-wal", copy.directory]
        try process.run()
        process.waitUntilExit()
        return copy
    }
}

/// Runs `body` with a store on a new ledger, and closes it afterwards.
func withLedger(
    _ ledger: TemporaryLedger? = nil,
    _ body: (TemporaryLedger, SQLitePaymentStore) async throws -> Void
) async throws {
    let ledger = try ledger ?? TemporaryLedger()
    let store = try ledger.openSQLite()
    let result: Result<Void, any Error>
    do { result = .success(try await body(ledger, store)) } catch { result = .failure(error) }
    await store.close()
    try result.get()
}
