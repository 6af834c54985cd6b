// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives

/// A payment as it stands in the ledger, and where.
struct StoredPayment: Sendable {
    /// The row's number.
    let number: Int64
    /// The number of its events; the next one is numbered one higher.
    var eventCount: Int64
    /// Its events, folded.
    var record: PaymentRecord
}

/// Reads payments over one connection. Every record is folded from its events and compared with its row.
struct LedgerReader {
    let connection: SQLiteConnection

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
        return try self.events(of: number)
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

    /// Payments by phase and time, oldest claim first.
    func records(in phases: Set<PaymentRecord.Phase>, since: Int64, limit: Int) throws(StoreError) -> [PaymentRecord] {
        let names = (phases.isEmpty ? Set(PaymentRecord.Phase.allCases) : phases).map(\.rawValue).sorted()
        // Every phase is no condition at all, and then the index on time alone gives the order without sorting.
        let condition =
            names.count == PaymentRecord.Phase.allCases.count
            ? "" : "phase IN (\(names.indices.map { "?\($0 + 3)" }.joined(separator: ", "))) AND "
        let values: [SQLiteValue] =
            [.integer(since), .integer(Int64(max(0, limit)))] + (condition.isEmpty ? [] : names.map(SQLiteValue.text))
        let found = try self.connection.rows(
            "SELECT number, \(Self.columns) FROM payments WHERE \(condition)claimed_at >= ?1 ORDER BY claimed_at, id LIMIT ?2",
            values
        ) { row throws(StoreError) in
            (number: try row.integer(0), row: try PaymentRow(row, from: 1))
        }
        var records: [PaymentRecord] = []
        for payment in found { records.append(try self.fold(payment.number, payment.row).record) }
        return records
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
        let events = try self.events(of: number)
        guard let first = events.first, case .claimed(let claim) = first.event else {
            throw .corrupt("payment number \(number) does not begin with a claim")
        }
        var record = PaymentRecord(claim, at: first.time)
        for event in events.dropFirst() {
            do throws(PaymentRecord.InvalidTransition) { try record.apply(event.event, at: event.time) } catch {
                throw .corrupt(error.description)
            }
        }
        let differing = row.changes(to: PaymentRow(record)).map(\.column)
        guard differing.isEmpty else {
            throw .corrupt("the row of payment \(record.id) and its events differ in \(differing.joined(separator: ", "))")
        }
        return StoredPayment(number: number, eventCount: Int64(events.count), record: record)
    }

    private func events(of number: Int64) throws(StoreError) -> [TimedEvent] {
        let events = try self.connection.rows(Self.selectEvents, [.integer(number)]) { row throws(StoreError) in
            (
                sequence: try row.integer(0),
                timed: TimedEvent(
                    time: try row.integer(1),
                    event: try PaymentEvent(kind: try row.text(2), detail: try row.text(3), raw: try row.blobIfAny(4))
                )
            )
        }
        for (position, event) in events.enumerated() where event.sequence != Int64(position + 1) {
            throw .corrupt("event \(position + 1) of payment number \(number) is missing")
        }
        return events.map(\.timed)
    }

    private static let columns = PaymentRow.columns.joined(separator: ", ")
    private static let selectPayment = "SELECT number, \(columns) FROM payments WHERE id = ?1"
    private static let selectEvents = "SELECT sequence, time, kind, detail, raw FROM events WHERE payment = ?1 ORDER BY sequence"
}
