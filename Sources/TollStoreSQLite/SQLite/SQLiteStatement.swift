// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import CSQLite
internal import TollPayments

/// One prepared statement. Owns the handle; belongs to the connection that prepared it and dies before it.
@safe
final class SQLiteStatement {
    private let handle: OpaquePointer
    private let path: String

    /// Takes the handle over.
    init(owning handle: OpaquePointer, path: String) {
        unsafe self.handle = handle
        self.path = path
    }

    deinit { unsafe sqlite3_finalize(self.handle) }

    /// Runs the statement and hands every row to `read`.
    func run(_ values: [LedgerValue], _ read: (SQLiteRow) throws(StoreError) -> Void) throws(StoreError) {
        defer {
            unsafe sqlite3_reset(self.handle)
            unsafe sqlite3_clear_bindings(self.handle)
        }
        for (position, value) in values.enumerated() { try self.bind(value, at: Int32(position + 1)) }
        while true {
            switch unsafe sqlite3_step(self.handle) {
            case SQLITE_ROW: try read(unsafe SQLiteRow(statement: self.handle))
            case SQLITE_DONE: return
            case let code: throw self.error(code)
            }
        }
    }

    private func bind(_ value: LedgerValue, at index: Int32) throws(StoreError) {
        let code =
            switch value {
            case .null: unsafe sqlite3_bind_null(self.handle, index)
            case .integer(let number): unsafe sqlite3_bind_int64(self.handle, index, number)
            // A nil pointer would bind NULL, and an empty buffer may have one.
            case .text(""): unsafe sqlite3_bind_text(self.handle, index, "", 0, csqlite_transient())
            case .text(let text): self.bind(text, at: index)
            case .blob([]): unsafe sqlite3_bind_zeroblob(self.handle, index, 0)
            case .blob(let bytes):
                unsafe bytes.withUnsafeBytes { buffer in
                    unsafe sqlite3_bind_blob64(self.handle, index, buffer.baseAddress, UInt64(buffer.count), csqlite_transient())
                }
            }
        guard code == SQLITE_OK else { throw self.error(code) }
    }

    private func bind(_ text: String, at index: Int32) -> Int32 {
        var text = text
        return text.withUTF8 { utf8 in
            unsafe utf8.withMemoryRebound(to: CChar.self) { buffer in
                unsafe sqlite3_bind_text64(
                    self.handle,
                    index,
                    buffer.baseAddress,
                    UInt64(buffer.count),
                    csqlite_transient(),
                    UInt8(SQLITE_UTF8)
                )
            }
        }
    }

    private func error(_ code: Int32) -> StoreError {
        let connection = unsafe sqlite3_db_handle(self.handle)
        return .sqlite(code, unsafe String(cString: sqlite3_errmsg(connection)), path: self.path)
    }
}

/// The row that a statement stands on. Valid only inside the closure it is handed to.
@safe
struct SQLiteRow {
    private let statement: OpaquePointer

    fileprivate init(statement: OpaquePointer) {
        unsafe self.statement = statement
    }

    /// The value of a column, from 0.
    func value(_ column: Int) throws(StoreError) -> LedgerValue {
        let column = Int32(column)
        switch unsafe sqlite3_column_type(self.statement, column) {
        case SQLITE_NULL: return .null
        case SQLITE_INTEGER: return .integer(unsafe sqlite3_column_int64(self.statement, column))
        case SQLITE_TEXT:
            let start = unsafe sqlite3_column_text(self.statement, column)
            let count = unsafe Int(sqlite3_column_bytes(self.statement, column))
            let bytes = unsafe UnsafeBufferPointer(start: start, count: count)
            guard let text = unsafe String(validating: bytes, as: UTF8.self) else { throw .corrupt("a text is not UTF-8") }
            return .text(text)
        case SQLITE_BLOB:
            let start = unsafe sqlite3_column_blob(self.statement, column)
            let count = unsafe Int(sqlite3_column_bytes(self.statement, column))
            return .blob(unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count)))
        default: throw .corrupt("column \(column) holds a floating-point number")
        }
    }

    /// An integer; anything else is corruption.
    func integer(_ column: Int) throws(StoreError) -> Int64 {
        guard case .integer(let value) = try self.value(column) else { throw .corrupt("column \(column) holds no integer") }
        return value
    }

    /// A text; anything else is corruption.
    func text(_ column: Int) throws(StoreError) -> String {
        guard case .text(let value) = try self.value(column) else { throw .corrupt("column \(column) holds no text") }
        return value
    }

    /// Bytes; anything else is corruption.
    func blob(_ column: Int) throws(StoreError) -> [UInt8] {
        guard case .blob(let value) = try self.value(column) else { throw .corrupt("column \(column) holds no bytes") }
        return value
    }

    /// Bytes or nothing; anything else is corruption.
    func blobIfAny(_ column: Int) throws(StoreError) -> [UInt8]? {
        try self.value(column) == .null ? nil : try self.blob(column)
    }
}
