// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments

/// Writes payments over the one connection that may. Knows nothing of threads: whoever calls has a transaction open.
final class LedgerWriter: TransactionalWriter {
    /// Payments kept in memory, so that the next event of one under way costs no read: at most twice this many, of some
    /// kilobytes each. Sound because nobody else writes the file.
    private static let recentCountMax = 2_048

    let connection: SQLiteConnection
    private let reader: LedgerReader
    private var recent: [PaymentID: StoredPayment] = [:]
    private var older: [PaymentID: StoredPayment] = [:]

    init(_ connection: SQLiteConnection) {
        self.connection = connection
        self.reader = LedgerReader(connection: connection)
    }

    var isInTransaction: Bool { self.connection.isInTransaction }

    func begin() throws(StoreError) { try self.connection.run("BEGIN IMMEDIATE") }
    func mark() throws(StoreError) { try self.connection.run("SAVEPOINT one") }
    func unmark() throws(StoreError) { try self.connection.run("RELEASE one") }
    func commit() throws(StoreError) { try self.connection.run("COMMIT") }

    func restore() throws(StoreError) {
        self.forget()
        try self.connection.run("ROLLBACK TO one")
    }

    func rollBack() {
        self.forget()
        if self.isInTransaction { try? self.connection.run("ROLLBACK") }
    }

    /// Takes a payment: by a new row, or by a new claim on a released one.
    func claim(_ event: EncodedEvent, _ claim: Claim, at time: Int64) throws(StoreError) -> ClaimOutcome {
        let record = PaymentRecord(claim, at: time)
        try self.connection.run(Self.insertPayment, PaymentRow(record).values)
        if self.connection.changes == 1 {
            var payment = StoredPayment(number: self.connection.lastInsertedRow, eventCount: 0, record: record)
            try self.insert(event, at: time, into: &payment)
            self.remember(payment)
            return .first(record)
        }
        guard let held = try self.payment(claim.id) else { throw .corrupt("payment \(claim.id) is there and is not") }
        var next = held.record
        do throws(PaymentRecord.InvalidTransition) { try next.apply(event.event, at: time) } catch { return .held(held.record) }
        return .first(try self.write([event], at: time, to: held, becoming: next))
    }

    /// Appends events to a payment, all or none.
    func append(_ events: [EncodedEvent], to id: PaymentID, at time: Int64) throws(StoreError) -> PaymentRecord {
        guard let payment = try self.payment(id) else { throw .defect("no payment \(id)") }
        var next = payment.record
        for event in events {
            do throws(PaymentRecord.InvalidTransition) { try next.apply(event.event, at: time) } catch {
                throw .defect(error.description)
            }
        }
        return try self.write(events, at: time, to: payment, becoming: next)
    }

    /// Forgets answers of payments that ended before `time`, at most `limit`; says how many.
    func pruneAnswers(endedBefore time: Int64, limit: Int) throws(StoreError) -> Int {
        let ended = try self.connection.rows(
            "SELECT ended_at, payment FROM ended_answers WHERE ended_at < ?1 ORDER BY ended_at, payment LIMIT ?2",
            [.integer(time), LedgerValue(limit)]
        ) { row throws(StoreError) in
            (time: try row.integer(0), payment: try row.integer(1))
        }
        for (endedAt, payment) in ended {
            try self.connection.run(
                "DELETE FROM ended_answers WHERE ended_at = ?1 AND payment = ?2",
                [.integer(endedAt), .integer(payment)]
            )
            try self.connection.run(Self.deleteAnswer, [.integer(payment)])
        }
        return ended.count
    }

    private func forget() {
        self.recent = [:]
        self.older = [:]
    }

    private func payment(_ id: PaymentID) throws(StoreError) -> StoredPayment? {
        if let payment = self.recent[id] ?? self.older[id] { return payment }
        return try self.reader.payment(id)
    }

    private func remember(_ payment: StoredPayment) {
        if self.recent.count >= Self.recentCountMax {
            self.older = self.recent
            self.recent = [:]
        }
        self.recent[payment.record.id] = payment
    }

    private func write(
        _ events: [EncodedEvent],
        at time: Int64,
        to payment: StoredPayment,
        becoming next: PaymentRecord
    ) throws(StoreError) -> PaymentRecord {
        var payment = payment
        let changes = PaymentRow(payment.record).changes(to: PaymentRow(next))
        let hasEnded = next.endedAt != payment.record.endedAt
        payment.record = next
        for event in events { try self.insert(event, at: time, into: &payment) }
        if !changes.isEmpty {
            let assignments = changes.enumerated().map { "\($1.column) = ?\($0 + 2)" }.joined(separator: ", ")
            try self.connection.run(
                "UPDATE payments SET \(assignments) WHERE number = ?1",
                [.integer(payment.number)] + changes.map(\.value)
            )
        }
        if hasEnded || events.contains(where: { $0.answerHead != nil }) { try self.scheduleAnswerForPruning(payment) }
        self.remember(payment)
        return next
    }

    private func insert(_ event: EncodedEvent, at time: Int64, into payment: inout StoredPayment) throws(StoreError) {
        payment.eventCount += 1
        try self.connection.run(
            "INSERT INTO events (payment, sequence, time, kind, detail, raw) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            [
                .integer(payment.number), .integer(payment.eventCount), .integer(time), .text(event.event.name),
                .text(event.detail),
                event.raw.map(LedgerValue.blob) ?? .null,
            ]
        )
        switch event.event {
        case .answered(let answer):
            try self.connection.run(
                """
                INSERT INTO answers (payment, head, body) VALUES (?1, ?2, ?3)
                ON CONFLICT (payment) DO UPDATE SET head = excluded.head, body = excluded.body
                """,
                [.integer(payment.number), LedgerValue(event.answerHead), .blob(answer.body)]
            )
        case .released:
            try self.connection.run(Self.deleteAnswer, [.integer(payment.number)])
        default:
            break
        }
    }

    private func scheduleAnswerForPruning(_ payment: StoredPayment) throws(StoreError) {
        guard let ended = payment.record.endedAt else { return }
        try self.connection.run(
            "INSERT OR IGNORE INTO ended_answers (ended_at, payment) SELECT ?1, payment FROM answers WHERE payment = ?2",
            [.integer(ended), .integer(payment.number)]
        )
    }

    private static let deleteAnswer = "DELETE FROM answers WHERE payment = ?1"
    private static let insertPayment = """
        INSERT INTO payments (\(PaymentRow.columns.joined(separator: ", ")))
        VALUES (\(PaymentRow.columns.indices.map { "?\($0 + 1)" }.joined(separator: ", "))) ON CONFLICT (id) DO NOTHING
        """
}
