// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import CSQLite
internal import TollPayments

extension StoreError {
    /// What a result code of SQLite means to whoever reads the log.
    ///
    /// - Parameters:
    ///   - code: An extended result code (https://www.sqlite.org/rescode.html).
    ///   - message: SQLite's own words.
    ///   - path: The ledger file.
    static func sqlite(_ code: Int32, _ message: String, path: String) -> StoreError {
        let meaning =
            switch code & 0xFF {
            case SQLITE_FULL: "the disk of the ledger \(path) is full"
            case SQLITE_IOERR: "the disk of the ledger \(path) failed"
            case SQLITE_BUSY, SQLITE_LOCKED: "another program holds the ledger \(path)"
            case SQLITE_CORRUPT: "corrupt ledger \(path)"
            case SQLITE_NOTADB: "\(path) is not a SQLite database"
            case SQLITE_READONLY, SQLITE_PERM, SQLITE_CANTOPEN: "the ledger \(path) cannot be opened for writing"
            default: "the ledger \(path) did not answer"
            }
        return .unavailable("\(meaning) (SQLite \(code): \(message))")
    }
}
