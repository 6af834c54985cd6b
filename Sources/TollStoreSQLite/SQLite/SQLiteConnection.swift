// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import CSQLite
internal import TollPayments

/// One SQLite connection with its prepared statements. Owns the handle: opened in `init`, closed in `deinit`.
///
/// Opened without SQLite's own mutexes, so one thread at a time: whoever holds it keeps it in a `Mutex`.
@safe
final class SQLiteConnection {
    /// What a connection may do.
    enum Access {
        case readOnly, readWrite
        /// Writes, and makes the file when it is not there.
        case create
    }

    /// How long to wait for a lock that another program (a backup, a shell) holds on the file, in milliseconds.
    private static let busyTimeout: Int32 = 5_000

    private let handle: OpaquePointer
    private let path: String
    private var statements: [String: SQLiteStatement] = [:]

    /// Opens a file on the operating system's disk, or on another that SQLite knows as the VFS `vfs`.
    init(path: String, access: Access, vfs: String? = nil) throws(StoreError) {
        let mode =
            switch access {
            case .readOnly: SQLITE_OPEN_READONLY
            case .readWrite: SQLITE_OPEN_READWRITE
            case .create: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
            }
        var handle: OpaquePointer?
        let code = unsafe sqlite3_open_v2(path, &handle, mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs)
        guard code == SQLITE_OK, let opened = unsafe handle else {
            let message = unsafe String(cString: handle == nil ? sqlite3_errstr(code) : sqlite3_errmsg(handle))
            unsafe sqlite3_close_v2(handle)  // SQLite hands out a handle even when opening fails.
            throw .sqlite(code, message, path: path)
        }
        unsafe self.handle = opened
        self.path = path
        unsafe sqlite3_busy_timeout(opened, Self.busyTimeout)
    }

    deinit {
        self.statements = [:]  // A statement that is still open would delay the close, and with it the last checkpoint.
        unsafe sqlite3_close_v2(self.handle)
    }

    /// Runs a statement that gives no rows, or whose rows do not matter.
    func run(_ sql: String, _ values: [LedgerValue] = []) throws(StoreError) {
        try self.statement(sql).run(values) { _ throws(StoreError) in }
    }

    /// Runs a statement and collects what `read` makes of each row.
    func rows<Element>(
        _ sql: String,
        _ values: [LedgerValue] = [],
        _ read: (SQLiteRow) throws(StoreError) -> Element
    ) throws(StoreError) -> [Element] {
        var elements: [Element] = []
        try self.statement(sql).run(values) { row throws(StoreError) in elements.append(try read(row)) }
        return elements
    }

    /// Runs a statement and reads its first row; nil when there is none.
    func row<Element>(
        _ sql: String,
        _ values: [LedgerValue] = [],
        _ read: (SQLiteRow) throws(StoreError) -> Element
    ) throws(StoreError) -> Element? {
        try self.rows(sql, values, read).first
    }

    /// The integer that a pragma or a count gives.
    func integer(_ sql: String) throws(StoreError) -> Int64 {
        guard let value = try self.row(sql, [], { row throws(StoreError) in try row.integer(0) }) else {
            throw .corrupt("no answer to \(sql)")
        }
        return value
    }

    /// Runs several statements without values: a migration.
    func script(_ sql: String) throws(StoreError) {
        let code = unsafe sqlite3_exec(self.handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw self.error(code) }
    }

    /// Rows that the last statement inserted, changed or deleted.
    var changes: Int { unsafe Int(sqlite3_changes64(self.handle)) }

    /// Rows inserted, changed or deleted since the connection was opened.
    var totalChanges: Int64 { unsafe sqlite3_total_changes64(self.handle) }

    /// The number of the row that was inserted last.
    var lastInsertedRow: Int64 { unsafe sqlite3_last_insert_rowid(self.handle) }

    /// Whether a transaction is open. A disk error ends one without being asked.
    var isInTransaction: Bool { unsafe sqlite3_get_autocommit(self.handle) == 0 }

    /// Statements are prepared once and kept: there are some thirty of them.
    private func statement(_ sql: String) throws(StoreError) -> SQLiteStatement {
        if let statement = self.statements[sql] { return statement }
        var handle: OpaquePointer?
        let code = unsafe sqlite3_prepare_v3(self.handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
        guard code == SQLITE_OK, let prepared = unsafe handle else { throw self.error(code) }
        let statement = unsafe SQLiteStatement(owning: prepared, path: self.path)
        self.statements[sql] = statement
        return statement
    }

    private func error(_ code: Int32) -> StoreError {
        .sqlite(code, unsafe String(cString: sqlite3_errmsg(self.handle)), path: self.path)
    }
}
