// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives

/// Events for one payment, encoded before a session is waited for.
struct EncodedEntry: Sendable {
    let payment: PaymentID
    let events: [EncodedEvent]

    init(payment: PaymentID, events: [EncodedEvent]) {
        self.payment = payment
        self.events = events
    }

    init(_ entry: LedgerEntry) throws(StoreError) {
        self.payment = entry.payment
        var events: [EncodedEvent] = []
        for event in entry.events { events.append(try EncodedEvent(event)) }
        self.events = events
    }
}

/// Writes payments over one session, in the transaction that is open. Knows nothing of threads.
///
/// Many gateways write to one ledger, so whatever a decision rests on is locked first, and in this order: the exposure, an
/// identifier, a signer, then payments by their names. So no two writes wait for each other.
final class LedgerWriter {
    /// The advisory lock of whoever adds to the exposure: `Expo` in ASCII.
    private static let exposureLock: Int64 = 0x4578_706F

    let session: PostgresSession
    let recent: RecentPayments
    /// What the open transaction wrote, oldest first.
    private var written: [StoredPayment] = []
    private var markedCount = 0

    init(_ session: PostgresSession, recent: RecentPayments) {
        self.session = session
        self.recent = recent
    }

    var reader: LedgerReader { LedgerReader(session: self.session) }

    // MARK: - Claims

    /// Takes a payment: by a new row, or by a new claim on a released one.
    func claim(
        _ event: EncodedEvent, _ claim: Claim, deferral: DeferralTerms?, at time: Int64
    ) throws(StoreError) -> ClaimOutcome {
        // Nothing stands in the way of most claims, and then one statement tells.
        if claim.identifierHash == nil, deferral == nil, let record = try self.insert(claim, event, at: time) {
            return .first(record)
        }
        if deferral != nil { try self.lock(Self.exposureLock) }
        if let hash = claim.identifierHash {
            try self.lock(Int64(bitPattern: hash.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }))
        }

        let held = try self.lockPayments([claim.id]).first
        if let held, !held.record.isClaimable { return .held(held.record) }
        if let hash = claim.identifierHash, let other = try self.reader.payment(identifiedBy: hash) {
            return .identifierTaken(other)
        }
        if let deferral, let objection = try self.objection(to: claim, under: deferral) {
            return .notDeferrable(reason: objection)
        }
        if let held { return .first(try self.append([event], to: held, at: time).record) }
        guard let record = try self.insert(claim, event, at: time) else {
            throw self.session.conflict("payment \(claim.id) was claimed meanwhile")
        }
        return .first(record)
    }

    private func objection(to claim: Claim, under terms: DeferralTerms) throws(StoreError) -> String? {
        let standing = try self.reader.standing(
            of: claim.key.payer, for: claim.option.asset, settledCountMax: terms.settledPaymentsMin)
        return standing.objection(to: claim, under: terms, total: try self.reader.totalExposure())
    }

    /// Holds the advisory lock `key` until the transaction ends.
    private func lock(_ key: Int64) throws(StoreError) {
        try self.session.run("SELECT 1::bigint FROM (SELECT pg_advisory_xact_lock($1)) AS locked", [.integer(key)])
    }

    /// A new payment; nil when there is one already, perhaps by somebody who has just committed.
    func insert(_ claim: Claim, _ event: EncodedEvent, at time: Int64) throws(StoreError) -> PaymentRecord? {
        let record = PaymentRecord(claim, at: time)
        let row = PaymentRow(record).values.map(PostgresParameter.one)
        let number = try self.session.run(Self.insertPayment, [.integer(time), .text(event.detail)] + row).first {
            row throws(StoreError) in try row.integer(0)
        }
        guard let number else { return nil }
        self.written.append(StoredPayment(number: number, eventCount: 1, record: record))
        return record
    }

    // MARK: - Events

    /// Appends events to payments, all or none; gives the record after each entry.
    func append(_ entries: [EncodedEntry], at time: Int64) throws(StoreError) -> [PaymentRecord] {
        var held: [PaymentID: StoredPayment] = [:]
        for payment in try self.lockPayments(entries.map(\.payment)) { held[payment.record.id] = payment }
        var records: [PaymentRecord] = []
        for entry in entries {
            guard let payment = held[entry.payment] else { throw .defect("no payment \(entry.payment)") }
            let next = try self.append(entry.events, to: payment, at: time)
            held[entry.payment] = next
            records.append(next.record)
        }
        return records
    }

    /// Payments by their names, locked until the transaction ends.
    func lockPayments(_ payments: [PaymentID]) throws(StoreError) -> [StoredPayment] {
        let names = PostgresParameter.array(payments.map { .blob($0.digest.bytes) }, of: .bytes)
        return try self.reader.payments("WHERE id = ANY ($1) ORDER BY id FOR UPDATE", [names], known: self.recent.record)
    }

    /// Appends events to a payment that is locked.
    func append(_ events: [EncodedEvent], to payment: StoredPayment, at time: Int64) throws(StoreError) -> StoredPayment {
        var next = payment
        for event in events {
            do throws(PaymentRecord.InvalidTransition) { try next.record.apply(event.event, at: time) } catch {
                throw .defect(error.description)
            }
        }
        next.eventCount += Int64(events.count)
        try self.insert(events, of: payment, at: time)
        let lease = events.contains { $0.event.isLease } ? Self.end(of: PaymentRecord.leaseSeconds, from: time) : nil
        let row = PaymentRow(next.record).values.map(PostgresParameter.one)
        try self.session.run(
            Self.updatePayment, [.integer(payment.number), .integer(next.eventCount), .one(LedgerValue(lease))] + row)
        try self.keepAnswer(of: events, before: payment.record, after: next)
        self.written.append(next)
        return next
    }

    /// When a lease ends.
    static func end(of leaseSeconds: Int64, from time: Int64) -> Int64 {
        let (end, overflow) = time.addingReportingOverflow(leaseSeconds)
        return overflow ? .max : end
    }

    private func insert(_ events: [EncodedEvent], of payment: StoredPayment, at time: Int64) throws(StoreError) {
        let last = payment.eventCount
        try self.session.run(
            """
            INSERT INTO events (payment, sequence, time, kind, detail, raw)
            SELECT $1, rows.sequence, $2, rows.kind, rows.detail, rows.raw
            FROM unnest($3::bigint[], $4::text[], $5::text[], $6::bytea[]) AS rows (sequence, kind, detail, raw)
            """,
            [
                .integer(payment.number), .integer(time),
                .array(events.indices.map { .integer(last + Int64($0) + 1) }, of: .integer),
                .array(events.map { .text($0.event.name) }, of: .text), .array(events.map { .text($0.detail) }, of: .text),
                .array(events.map { $0.raw.map(LedgerValue.blob) ?? .null }, of: .bytes),
            ])
    }

    /// Brings the kept answer to what the events make of it.
    private func keepAnswer(of events: [EncodedEvent], before: PaymentRecord, after payment: StoredPayment) throws(StoreError) {
        let number = PostgresParameter.integer(payment.number)
        let endedAt = PostgresParameter.one(LedgerValue(payment.record.endedAt))
        guard payment.record.hasAnswer else {
            if before.hasAnswer { try self.session.run("DELETE FROM answers WHERE payment = $1", [number]) }
            return
        }
        if let event = events.last(where: { $0.answerHead != nil }), case .answered(let answer) = event.event {
            try self.session.run(
                """
                INSERT INTO answers (payment, ended_at, head, body) VALUES ($1, $2, $3, $4) ON CONFLICT (payment)
                DO UPDATE SET ended_at = excluded.ended_at, head = excluded.head, body = excluded.body
                """, [number, endedAt, .one(LedgerValue(event.answerHead)), .blob(answer.body)])
        } else if before.endedAt != payment.record.endedAt {
            try self.session.run("UPDATE answers SET ended_at = $2 WHERE payment = $1", [number, endedAt])
        }
    }

    // MARK: - Statements

    private static let insertPayment = """
        WITH payment AS (
            INSERT INTO payments (event_count, leased_until, \(PaymentRow.columns.joined(separator: ", ")))
            VALUES (1, \(Int64.min), \(PaymentRow.columns.indices.map { "$\($0 + 3)" }.joined(separator: ", ")))
            ON CONFLICT (id) DO NOTHING RETURNING number
        ), event AS (
            INSERT INTO events (payment, sequence, time, kind, detail) SELECT number, 1, $1, 'claimed', $2 FROM payment
        )
        SELECT number FROM payment
        """

    private static let updatePayment = """
        UPDATE payments SET event_count = $2, leased_until = coalesce($3, leased_until),
            \(PaymentRow.columns.enumerated().map { "\($1) = $\($0 + 4)" }.joined(separator: ", "))
        WHERE number = $1
        """
}

extension LedgerWriter: TransactionalWriter {
    var isInTransaction: Bool { self.session.isInTransaction }

    func begin() throws(StoreError) {
        self.written = []
        try self.session.begin(.writing)
    }

    func mark() throws(StoreError) {
        self.markedCount = self.written.count
        try self.session.run("SAVEPOINT one")
    }

    func restore() throws(StoreError) -> Bool {
        self.written.removeLast(self.written.count - self.markedCount)
        try self.session.run("ROLLBACK TO one")
        return true
    }

    func unmark() throws(StoreError) { try self.session.run("RELEASE one") }

    func commit() throws(StoreError) {
        try self.session.commit()
        self.recent.remember(self.written)
    }

    func rollBack() { self.session.rollBack() }
}

/// A pool of writers wants what a pool of readers wants: a transaction around each call.
extension LedgerWriter: SnapshotReader {
    func snapshot<Value>(_ write: (LedgerWriter) throws(StoreError) -> Value) throws(StoreError) -> Value {
        let value = try self.session.transaction(.writing) { () throws(StoreError) in
            self.written = []
            return try write(self)
        }
        self.recent.remember(self.written)
        return value
    }
}
