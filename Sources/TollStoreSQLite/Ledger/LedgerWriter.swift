// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives

/// Writes payments over a connection. Knows nothing of threads: whoever calls has a transaction open.
final class LedgerWriter {
    /// Payments kept in memory, so that the next event of one under way costs no read: at most twice this many, of some
    /// kilobytes each.
    private static let recentCountMax = 2_048

    /// What an append makes of one payment.
    private struct Step {
        let before: StoredPayment
        let events: [EncodedEvent]
        let after: PaymentRecord
    }

    let connection: SQLiteConnection
    let reader: LedgerReader
    var leases = LedgerLeases()
    var workers = WorkerLeases()
    /// Nil until a deferred claim asks, and after everything that it cannot follow.
    var book: PayerBook?
    var references = ReferenceMemory()
    private var recent: [PaymentID: StoredPayment] = [:]
    private var older: [PaymentID: StoredPayment] = [:]
    /// Rows that had been changed over this connection at the transaction's mark.
    private var changesAtMark: Int64 = 0
    /// By which it is seen that somebody else has written.
    private var dataVersion: Int64?

    init(_ connection: SQLiteConnection) {
        self.connection = connection
        self.reader = LedgerReader(connection: connection)
    }

    /// Takes a payment: by a new row, or by a new claim on a released one.
    func claim(
        _ event: EncodedEvent, _ claim: Claim, deferral: DeferralTerms?, at time: Int64
    ) throws(StoreError) -> ClaimOutcome {
        if let objection = try self.objection(to: claim, deferral) {
            // Who holds it comes before what could be said against it.
            guard let held = try self.payment(claim.id), !held.record.isClaimable else { return objection }
            return .held(held.record)
        }
        if let record = try self.insert(event, claim, at: time) { return .first(record) }
        guard let held = try self.payment(claim.id) else { throw .corrupt("payment \(claim.id) is there and is not") }
        guard held.record.isClaimable else { return .held(held.record) }
        return .first(try self.append([Self.step(held, [event], at: time)], at: time)[0])
    }

    /// Appends events to payments, all or none.
    func append(_ entries: [EncodedEntry], at time: Int64) throws(StoreError) -> [PaymentRecord] {
        var changed: [PaymentID: StoredPayment] = [:]
        var steps: [Step] = []
        for entry in entries {
            var before = changed[entry.payment]
            if before == nil { before = try self.payment(entry.payment) }
            guard let before else { throw .defect("no payment \(entry.payment)") }
            let step = try Self.step(before, entry.events, at: time)
            changed[entry.payment] = StoredPayment(
                number: before.number, eventCount: before.eventCount + Int64(entry.events.count), record: step.after)
            steps.append(step)
        }
        return try self.append(steps, at: time)
    }

    /// Inserts a payment that nobody has; nil when somebody has it.
    func insert(_ event: EncodedEvent, _ claim: Claim, at time: Int64) throws(StoreError) -> PaymentRecord? {
        let record = PaymentRecord(claim, at: time)
        try self.connection.run(Self.insertPayment, PaymentRow(record).values)
        guard self.connection.changes == 1 else { return nil }
        var payment = StoredPayment(number: self.connection.lastInsertedRow, eventCount: 0, record: record)
        try self.insert(event, at: time, into: &payment)
        self.remember(payment, instead: nil)
        return record
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
            try self.connection.run(Self.unscheduleAnswer, [.integer(endedAt), .integer(payment)])
            try self.connection.run(Self.deleteAnswer, [.integer(payment)])
        }
        return ended.count
    }

    /// The payment with this name, from memory when it is there.
    func payment(_ id: PaymentID) throws(StoreError) -> StoredPayment? {
        if let payment = self.recent[id] ?? self.older[id] { return payment }
        return try self.reader.payment(id)
    }

    private static func step(
        _ before: StoredPayment, _ events: [EncodedEvent], at time: Int64
    ) throws(StoreError) -> Step {
        var after = before.record
        for event in events {
            do throws(PaymentRecord.InvalidTransition) { try after.apply(event.event, at: time) } catch {
                throw .defect(error.description)
            }
        }
        return Step(before: before, events: events, after: after)
    }

    /// Nothing is written before everything was found legal: a refused append costs the others of its group nothing.
    private func append(_ steps: [Step], at time: Int64) throws(StoreError) -> [PaymentRecord] {
        for step in steps {
            var payment = step.before
            payment.record = step.after
            for event in step.events { try self.insert(event, at: time, into: &payment) }
            try self.update(step)
            self.remember(payment, instead: step.before.record)
            if step.events.contains(where: \.event.isLease) {
                self.leases.take(step.after.id, for: PaymentRecord.leaseSeconds, at: time)
            }
        }
        return steps.map(\.after)
    }

    /// Brings a payment's row, and what is scheduled for it, up to its events.
    private func update(_ step: Step) throws(StoreError) {
        let number = LedgerValue.integer(step.before.number)
        let changes = PaymentRow.changes(from: step.before.record, to: step.after)
        if !changes.isEmpty {
            let assignments = changes.enumerated().map { "\($1.column) = ?\($0 + 2)" }.joined(separator: ", ")
            try self.connection.run("UPDATE payments SET \(assignments) WHERE number = ?1", [number] + changes.map(\.value))
        }
        let (before, after) = (step.before.record.endedAt, step.after.endedAt)
        guard before != after || step.events.contains(where: { $0.answerHead != nil }) else { return }
        if let before, before != after { try self.connection.run(Self.unscheduleAnswer, [.integer(before), number]) }
        if let after { try self.connection.run(Self.scheduleAnswer, [.integer(after), number]) }
    }

    private func insert(_ event: EncodedEvent, at time: Int64, into payment: inout StoredPayment) throws(StoreError) {
        payment.eventCount += 1
        try self.connection.run(
            "INSERT INTO events (payment, sequence, time, kind, detail, raw) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            [
                .integer(payment.number), .integer(payment.eventCount), .integer(time), .text(event.event.name),
                .text(event.detail), event.raw.map(LedgerValue.blob) ?? .null,
            ]
        )
        switch event.event {
        case .answered(let answer):
            try self.connection.run(
                Self.keepAnswer, [.integer(payment.number), LedgerValue(event.answerHead), .blob(answer.body)])
        case .released:
            try self.connection.run(Self.deleteAnswer, [.integer(payment.number)])
        default:
            break
        }
    }

    private func remember(_ payment: StoredPayment, instead old: PaymentRecord?) {
        if self.recent.count >= Self.recentCountMax {
            swap(&self.older, &self.recent)
            self.recent.removeAll(keepingCapacity: true)
        }
        self.recent[payment.record.id] = payment
        if self.book?.follow(old, payment.record) == false { self.book = nil }
    }

    private static let insertPayment = """
        INSERT INTO payments (\(PaymentRow.columns.joined(separator: ", ")))
        VALUES (\(PaymentRow.columns.indices.map { "?\($0 + 1)" }.joined(separator: ", "))) ON CONFLICT (id) DO NOTHING
        """
    private static let keepAnswer = """
        INSERT INTO answers (payment, head, body) VALUES (?1, ?2, ?3)
        ON CONFLICT (payment) DO UPDATE SET head = excluded.head, body = excluded.body
        """
    private static let deleteAnswer = "DELETE FROM answers WHERE payment = ?1"
    private static let scheduleAnswer =
        "INSERT OR IGNORE INTO ended_answers (ended_at, payment) SELECT ?1, payment FROM answers WHERE payment = ?2"
    private static let unscheduleAnswer = "DELETE FROM ended_answers WHERE ended_at = ?1 AND payment = ?2"
}

extension LedgerWriter: TransactionalWriter {
    var isInTransaction: Bool { self.connection.isInTransaction }

    func begin() throws(StoreError) {
        try self.connection.run("BEGIN IMMEDIATE")
        // Changes when another connection commits, and not when this one does.
        let version = try self.connection.integer("PRAGMA data_version")
        if version != self.dataVersion { self.forget() }
        self.dataVersion = version
    }

    /// No savepoint: with one, SQLite copies every page that it changes, and what a write may object to is found before it
    /// changes anything. Breaking off later is a defect, or corruption.
    func mark() throws(StoreError) { self.changesAtMark = self.connection.totalChanges }
    func unmark() throws(StoreError) {}
    func restore() throws(StoreError) -> Bool { self.connection.totalChanges == self.changesAtMark }
    func commit() throws(StoreError) { try self.connection.run("COMMIT") }

    func rollBack() {
        self.forget()
        if self.isInTransaction { try? self.connection.run("ROLLBACK") }
    }

    private func forget() {
        self.recent = [:]
        self.older = [:]
        self.book = nil
        self.references = ReferenceMemory()
    }
}
