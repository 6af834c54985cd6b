// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments

extension PostgresPaymentStore: NoticeOutbox {
    public func subscribe(_ endpoints: [String], at time: Int64) async throws(StoreError) {
        try await self.writers.read { writer throws(StoreError) in
            for endpoint in endpoints.sorted() {
                try writer.session.run(
                    """
                    INSERT INTO webhooks (name, seen_at) VALUES ($1, $2)
                    ON CONFLICT (name) DO UPDATE SET seen_at = greatest(webhooks.seen_at, excluded.seen_at)
                    """, [.text(endpoint), .integer(time)])
            }
        }
    }

    public func post(name: String, kind: String, detail: String, at time: Int64) async throws(StoreError) {
        try await self.writers.read { writer throws(StoreError) in
            _ = try writer.session.run(
                """
                INSERT INTO notices (endpoint, name, kind, time, detail, attempts, due_at)
                SELECT webhooks.name, $1, $2, $4, $3, 0, $4 FROM webhooks ON CONFLICT (endpoint, name) DO NOTHING
                """, [.text(name), .text(kind), .text(detail), .integer(time)])
        }
    }

    /// What another gateway is just taking is passed over, not waited for.
    public func takeNotices(
        of endpoint: String, limit: Int, leaseSeconds: Int64, at time: Int64
    ) async throws(StoreError) -> [Notice] {
        try await self.writers.read { writer throws(StoreError) in
            try writer.session.run(
                """
                WITH due AS (
                    SELECT number FROM notices WHERE endpoint = $1 AND due_at <= $2 ORDER BY due_at, number LIMIT $3
                    FOR UPDATE SKIP LOCKED
                ), taken AS (
                    UPDATE notices SET attempts = attempts + 1, due_at = $4 FROM due WHERE notices.number = due.number
                    RETURNING notices.*
                )
                SELECT \(Notice.columns) FROM taken ORDER BY number
                """,
                [
                    .text(endpoint), .integer(time), .integer(Int64(max(0, limit))),
                    .integer(LedgerWriter.end(of: leaseSeconds, from: time)),
                ]
            ).rows { row throws(StoreError) in
                try Notice { column throws(StoreError) in try row.value(column) }
            }
        }
    }

    public func endNotice(_ number: Int64, at time: Int64) async throws(StoreError) {
        try await self.writers.read { writer throws(StoreError) in
            _ = try writer.session.run(
                "UPDATE notices SET due_at = NULL, ended_at = $2 WHERE number = $1", [.integer(number), .integer(time)])
        }
    }

    public func postponeNotice(_ number: Int64, until time: Int64) async throws(StoreError) {
        try await self.writers.read { writer throws(StoreError) in
            _ = try writer.session.run(
                "UPDATE notices SET due_at = $2 WHERE number = $1 AND due_at IS NOT NULL", [.integer(number), .integer(time)])
        }
    }

    public func pruneNotices(before time: Int64) async throws(StoreError) {
        try await self.writers.read { writer throws(StoreError) in
            try writer.session.run("DELETE FROM notices WHERE ended_at < $1", [.integer(time)])
            try writer.session.run("DELETE FROM webhooks WHERE seen_at < $1", [.integer(time)])
            try writer.session.run("DELETE FROM notices WHERE NOT EXISTS (SELECT 1 FROM webhooks WHERE webhooks.name = endpoint)")
        }
    }
}
