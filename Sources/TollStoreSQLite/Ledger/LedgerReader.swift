// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives

/// Reads payments over one connection. Every record is folded from its events and compared with its row.
struct LedgerReader: SnapshotReader {
    let connection: SQLiteConnection

    /// Opens `count` connections that cannot write.
    static func pool(
        path: String, on disk: LedgerDisk = .system, count: Int
    ) throws(StoreError) -> ReaderPool<LedgerReader> {
        try ReaderPool(count: count, on: { disk.thread("tollgate.ledger.reader") }) { () throws(StoreError) in
            let connection = try SQLiteConnection(path: path, access: .readOnly, vfs: disk.vfs)
            try connection.run("PRAGMA query_only = ON")
            return LedgerReader(connection: connection)
        }
    }

    /// The payment with this name; nil when there is none.
    func payment(_ id: PaymentID) throws(StoreError) -> StoredPayment? {
        let found = try self.connection.row(Self.selectPayment, [.blob(id.digest.bytes)]) { row throws(StoreError) in
            (number: try row.integer(0), row: try PaymentRow(row, from: 1))
        }
        guard let found else { return nil }
        return try self.fold(found.number, found.row)
    }

    /// Everything that happened to a payment.
    func events(_ id: PaymentID) throws(StoreError) -> [TimedEvent] {
        let number = try self.connection.row("SELECT number FROM payments WHERE id = ?1", [.blob(id.digest.bytes)]) {
            row throws(StoreError) in try row.integer(0)
        }
        guard let number else { return [] }
        return try self.events(of: number).map(\.timed)
    }

    /// The answer that is kept for a payment.
    func answer(_ id: PaymentID) throws(StoreError) -> StoredAnswer? {
        try self.connection.row(
            "SELECT head, body FROM answers WHERE payment = (SELECT number FROM payments WHERE id = ?1)",
            [.blob(id.digest.bytes)]
        ) { row throws(StoreError) in
            try StoredAnswer(storedHead: try row.text(0), body: try row.blob(1))
        }
    }

    /// Reads inside one snapshot, so that rows and events belong together however many statements it takes.
    func snapshot<Value>(_ read: (LedgerReader) throws(StoreError) -> Value) throws(StoreError) -> Value {
        try self.connection.run("BEGIN")
        let result: Result<Value, StoreError>
        do throws(StoreError) { result = .success(try read(self)) } catch { result = .failure(error) }
        if self.connection.isInTransaction { try self.connection.run("COMMIT") }
        return try result.get()
    }

    /// Folds a payment's events and holds the outcome against its row.
    func fold(_ number: Int64, _ row: PaymentRow) throws(StoreError) -> StoredPayment {
        try StoredPayment(number: number, row: row, folding: try self.events(of: number))
    }

    func events(of number: Int64) throws(StoreError) -> [(sequence: Int64, timed: TimedEvent)] {
        try self.connection.rows(Self.selectEvents, [.integer(number)]) { row throws(StoreError) in
            (
                sequence: try row.integer(0),
                timed: TimedEvent(
                    time: try row.integer(1),
                    event: try PaymentEvent(kind: try row.text(2), detail: try row.text(3), raw: try row.blobIfAny(4))
                )
            )
        }
    }

    private static let columns = PaymentRow.columns.joined(separator: ", ")
    private static let selectPayment = "SELECT number, \(columns) FROM payments WHERE id = ?1"
    private static let selectEvents = "SELECT sequence, time, kind, detail, raw FROM events WHERE payment = ?1 ORDER BY sequence"
}

extension PaymentRow {
    /// As it stands in the ledger, its columns from `first` on.
    init(_ row: SQLiteRow, from first: Int) throws(StoreError) {
        var values: [LedgerValue] = []
        for column in Self.columns.indices { values.append(try row.value(first + column)) }
        self.init(values: values)
    }
}
