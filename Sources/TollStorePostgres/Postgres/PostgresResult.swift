// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import CPostgres
internal import TollPayments

/// What a statement gave: rows in the binary format, or a refusal. Owns the handle.
@safe
final class PostgresResult {
    private let handle: OpaquePointer
    /// Rows.
    let count: Int

    /// Takes the handle over.
    init(owning handle: OpaquePointer) {
        unsafe self.handle = handle
        self.count = unsafe Int(PQntuples(handle))
    }

    deinit { unsafe PQclear(self.handle) }

    /// Why the server refused the statement; nil when it did not.
    var failure: PostgresError? {
        switch unsafe PQresultStatus(self.handle) {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: return nil
        default:
            // Without a SQLSTATE it is libpq that speaks: of a connection that ended, or of an answer that it cannot read.
            guard let state = unsafe cpostgres_sqlstate(self.handle) else {
                return PostgresError(kind: .lost, message: unsafe String(cString: PQresultErrorMessage(self.handle)))
            }
            let message = unsafe cpostgres_message(self.handle).map { unsafe String(cString: $0) } ?? "no message"
            return PostgresError(kind: .refused(sqlState: unsafe String(cString: state)), message: message)
        }
    }

    /// What the statement did, in the server's words: `COMMIT`, `ROLLBACK`, `INSERT 0 1`.
    var command: String { unsafe String(cString: PQcmdStatus(self.handle)) }

    /// Rows that were inserted, changed, deleted or selected.
    var changes: Int { unsafe Int(String(cString: PQcmdTuples(self.handle))) ?? 0 }

    /// What `read` makes of each row.
    func rows<Element>(_ read: (PostgresRow) throws(StoreError) -> Element) throws(StoreError) -> [Element] {
        var elements: [Element] = []
        elements.reserveCapacity(self.count)
        for row in 0..<self.count { elements.append(try read(PostgresRow(result: self, row: Int32(row)))) }
        return elements
    }

    /// What `read` makes of the first row; nil when there is none.
    func first<Element>(_ read: (PostgresRow) throws(StoreError) -> Element) throws(StoreError) -> Element? {
        self.count == 0 ? nil : try read(PostgresRow(result: self, row: 0))
    }

    /// The value at a place. Anything but the ledger's types is corruption.
    fileprivate func value(_ row: Int32, _ column: Int32) throws(StoreError) -> LedgerValue {
        guard unsafe PQgetisnull(self.handle, row, column) == 0 else { return .null }
        let bytes = unsafe UnsafeRawBufferPointer(
            start: PQgetvalue(self.handle, row, column), count: Int(PQgetlength(self.handle, row, column)))
        switch unsafe PostgresType(rawValue: PQftype(self.handle, column)) {
        case .integer:
            guard bytes.count == 8 else { throw .corrupt("column \(column) holds no integer") }
            return .integer(unsafe Int64(bitPattern: bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }))
        case .bytes: return .blob(unsafe Array(bytes))
        case .text:
            guard let text = unsafe String(validating: bytes, as: UTF8.self) else { throw .corrupt("a text is not UTF-8") }
            return .text(PostgresText.unescape(text))
        case nil: throw .corrupt("column \(column) is of a type that no ledger has")
        }
    }
}

/// One row of a result.
struct PostgresRow {
    fileprivate let result: PostgresResult
    fileprivate let row: Int32

    /// The value of a column, from 0.
    func value(_ column: Int) throws(StoreError) -> LedgerValue { try self.result.value(self.row, Int32(column)) }

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

    /// A text or nothing; anything else is corruption.
    func textIfAny(_ column: Int) throws(StoreError) -> String? {
        try self.value(column) == .null ? nil : try self.text(column)
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
