// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives

/// Reads payments over one session. Every record is folded from its events and compared with its row.
struct LedgerReader: SnapshotReader {
    /// Payments that one statement reads with all their events, so that no answer of the server's is large.
    private static let pageSize = 256

    let session: PostgresSession

    func snapshot<Value>(_ read: (LedgerReader) throws(StoreError) -> Value) throws(StoreError) -> Value {
        try self.session.transaction(.reading) { () throws(StoreError) in try read(self) }
    }

    /// The payment with this name; nil when there is none.
    func payment(_ id: PaymentID) throws(StoreError) -> StoredPayment? {
        try self.payments("WHERE id = $1", [.blob(id.digest.bytes)]).first
    }

    /// Everything that happened to a payment.
    func events(_ id: PaymentID) throws(StoreError) -> [TimedEvent] {
        let rows = try self.session.run(
            """
            SELECT payment, sequence, time, kind, detail, raw FROM events
            WHERE payment = (SELECT number FROM payments WHERE id = $1) ORDER BY sequence
            """, [.blob(id.digest.bytes)])
        return try rows.rows { row throws(StoreError) in try EventRow(row).timed }
    }

    /// The answer that is kept for a payment.
    func answer(_ id: PaymentID) throws(StoreError) -> StoredAnswer? {
        try self.session.run(
            "SELECT head, body FROM answers WHERE payment = (SELECT number FROM payments WHERE id = $1)",
            [.blob(id.digest.bytes)]
        ).first { row throws(StoreError) in
            try StoredAnswer(storedHead: try row.text(0), body: try row.blob(1))
        }
    }

    /// The payments that a query asks for, page by page inside the snapshot.
    func records(_ query: PaymentQuery) throws(StoreError) -> [PaymentRecord] {
        var page = query
        var records: [PaymentRecord] = []
        while records.count < query.limit {
            page.limit = min(Self.pageSize, query.limit - records.count)
            let conditions = QueryConditions(page)
            let found = try self.payments(conditions.text, conditions.values)
            records += found.map(\.record)
            guard found.count == page.limit, let last = found.last else { break }
            page.after = PaymentQuery.Cursor(last.record)
        }
        return records
    }

    /// When the payments that a query asks for are to be settled, from their rows alone.
    func terms(_ query: PaymentQuery) throws(StoreError) -> [PaymentTerms] {
        guard query.limit > 0 else { return [] }
        let conditions = QueryConditions(query)
        return try self.session.run("SELECT id, claimed_at, valid_before FROM payments \(conditions.text)", conditions.values)
            .rows {
                row throws(StoreError) in
                guard let digest = Bytes32(try row.blob(0)) else { throw .corrupt("a payment's name is none") }
                return PaymentTerms(PaymentID(digest), claimedAt: try row.integer(1), validBefore: try row.integer(2))
            }
    }

    /// The payment that holds an identifier.
    func payment(identifiedBy identifierHash: Bytes32) throws(StoreError) -> PaymentRecord? {
        try self.payments("WHERE identifier_hash = $1 ORDER BY claimed_at DESC, id DESC LIMIT 1", [.blob(identifierHash.bytes)])
            .first?.record
    }

    /// How far a mark has come.
    func mark(_ mark: LedgerMark) throws(StoreError) -> Int64? {
        try self.session.run("SELECT value FROM marks WHERE name = $1", [.text(mark.description)]).first {
            row throws(StoreError) in try row.integer(0)
        }
    }

    /// How a payer stands: what deferral depends on. No more settled payments are counted than `settledCountMax`.
    func standing(of payer: String, for asset: Asset, settledCountMax: Int) throws(StoreError) -> PayerStanding {
        let history = try self.session.run(
            """
            SELECT (SELECT count(*) FROM (SELECT 1 FROM payments WHERE payer = $1 AND phase = 'settled' LIMIT $2) AS settled),
                (SELECT count(*) FROM payments AS lost
                    WHERE payer = $1 AND phase = 'failed' AND policy = 'deferred' AND is_served = 1 AND NOT EXISTS (
                        SELECT FROM payments AS paid WHERE paid.payer = $1 AND paid.phase = 'settled'
                            AND paid.policy <> 'deferred' AND paid.transaction_hash <> '' AND paid.claimed_at >= lost.ended_at
                            AND paid.network = lost.network AND paid.asset = lost.asset
                            AND paid.amount::numeric >= lost.amount::numeric))
            """, [.text(payer), .integer(Int64(max(0, settledCountMax)))]
        ).first { row throws(StoreError) in (settled: try row.integer(0), unpaid: try row.integer(1)) }
        let open = try self.session.run(
            """
            SELECT coalesce(sum(open_exposure), 0)::bigint,
                coalesce(sum(amount::numeric) FILTER (WHERE network = $2 AND asset = $3), 0)::text
            FROM payments WHERE payer = $1 AND policy = 'deferred' AND open_exposure > 0
            """, [.text(payer), .text(asset.network.description), .text(asset.address.lowercased())]
        ).first { row throws(StoreError) in (exposure: try row.integer(0), owed: UInt256(decimal: try row.text(1)) ?? .max) }
        guard let history, let open else { throw .corrupt("a count without a number") }
        return PayerStanding(
            settledPayments: Int(history.settled), hasUnpaid: history.unpaid > 0, exposure: open.exposure, owed: open.owed)
    }

    /// What all payers together have been served and not paid, in millionths of a dollar.
    func totalExposure() throws(StoreError) -> Int64 {
        try self.session.run("SELECT coalesce(sum(open_exposure), 0)::bigint FROM payments WHERE open_exposure > 0").first {
            row throws(StoreError) in try row.integer(0)
        } ?? 0
    }

    /// Folds the payments numbered above `number`, a page of them; `last` is nil when there are no more.
    func check(after number: Int64) throws(StoreError) -> (last: Int64?, paymentCount: Int, problems: [String]) {
        let numbers = try self.session.run(
            "SELECT number FROM payments WHERE number > $1 ORDER BY number LIMIT $2",
            [.integer(number), .integer(Int64(Self.pageSize))]
        ).rows { row throws(StoreError) in try row.integer(0) }
        var problems: [String] = []
        for number in numbers {
            do throws(StoreError) { _ = try self.payments("WHERE number = $1", [.integer(number)]) } catch {
                // In what a failed statement left behind, nothing can be read any more.
                guard self.session.isInTransaction, error.reason.hasPrefix("corrupt ledger") else { throw error }
                problems.append(error.reason)
            }
        }
        return (numbers.count < Self.pageSize ? nil : numbers.last, numbers.count, problems)
    }

    /// The payments whose rows `conditions` choose, in their order; `known` may know one without its events.
    func payments(
        _ conditions: String, _ values: [PostgresParameter],
        known: (PaymentID, _ eventCount: Int64) -> PaymentRecord? = { _, _ in nil }
    ) throws(StoreError) -> [StoredPayment] {
        let found = try self.session.run("SELECT \(Self.columns) FROM payments \(conditions)", values).rows {
            row throws(StoreError) in try StoredRow(row)
        }
        var records: [Int64: PaymentRecord] = [:]
        for row in found { records[row.number] = row.id.flatMap { known($0, row.eventCount) } }
        let unknown = found.filter { records[$0.number] == nil }
        let events = unknown.isEmpty ? [:] : try self.events(of: unknown.map(\.number))
        var payments: [StoredPayment] = []
        for row in found {
            if let record = records[row.number] {
                payments.append(StoredPayment(number: row.number, eventCount: row.eventCount, record: record))
                continue
            }
            let payment = try StoredPayment(number: row.number, row: row.row, folding: events[row.number] ?? [])
            guard payment.eventCount == row.eventCount else {
                throw .corrupt(
                    "payment \(payment.record.id) has \(payment.eventCount) events, and \(row.eventCount) were written")
            }
            payments.append(payment)
        }
        return payments
    }

    private func events(of numbers: [Int64]) throws(StoreError) -> [Int64: [(sequence: Int64, timed: TimedEvent)]] {
        let rows = try self.session.run(
            """
            SELECT payment, sequence, time, kind, detail, raw FROM events WHERE payment = ANY ($1) ORDER BY payment, sequence
            """, [.array(numbers.map(LedgerValue.integer), of: .integer)]
        ).rows { row throws(StoreError) in try EventRow(row) }
        return Dictionary(grouping: rows, by: \.payment).mapValues { $0.map { ($0.sequence, $0.timed) } }
    }

    private static let columns = (["number", "event_count"] + PaymentRow.columns).joined(separator: ", ")

    /// A row of `payments`.
    private struct StoredRow {
        let number: Int64
        let eventCount: Int64
        let row: PaymentRow

        init(_ row: PostgresRow) throws(StoreError) {
            self.number = try row.integer(0)
            self.eventCount = try row.integer(1)
            var values: [LedgerValue] = []
            for column in PaymentRow.columns.indices { values.append(try row.value(2 + column)) }
            self.row = PaymentRow(values: values)
        }

        /// The payment's name: the first column.
        var id: PaymentID? {
            guard case .blob(let bytes)? = self.row.values.first else { return nil }
            return Bytes32(bytes).map(PaymentID.init)
        }
    }

    /// A row of `events`.
    private struct EventRow {
        let payment: Int64
        let sequence: Int64
        let timed: TimedEvent

        init(_ row: PostgresRow) throws(StoreError) {
            self.payment = try row.integer(0)
            self.sequence = try row.integer(1)
            let event = try PaymentEvent(kind: try row.text(3), detail: try row.text(4), raw: try row.blobIfAny(5))
            self.timed = TimedEvent(time: try row.integer(2), event: event)
        }
    }
}
