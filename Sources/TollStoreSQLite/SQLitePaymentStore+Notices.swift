// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments

extension SQLitePaymentStore: NoticeOutbox {
    public func subscribe(_ endpoints: [String], at time: Int64) async throws(StoreError) {
        try await self.writes.write { writer throws(StoreError) in
            for endpoint in endpoints {
                try writer.connection.run(
                    """
                    INSERT INTO webhooks (name, seen_at) VALUES (?1, ?2)
                    ON CONFLICT (name) DO UPDATE SET seen_at = max(seen_at, excluded.seen_at)
                    """, [.text(endpoint), .integer(time)])
            }
        }
    }

    public func post(name: String, kind: String, detail: String, at time: Int64) async throws(StoreError) {
        try await self.writes.write { writer throws(StoreError) in
            try writer.connection.run(
                """
                INSERT OR IGNORE INTO notices (endpoint, name, kind, time, detail, attempts, due_at)
                SELECT webhooks.name, ?1, ?2, ?4, ?3, 0, ?4 FROM webhooks
                """, [.text(name), .text(kind), .text(detail), .integer(time)])
        }
    }

    public func takeNotices(
        of endpoint: String, limit: Int, leaseSeconds: Int64, at time: Int64
    ) async throws(StoreError) -> [Notice] {
        try await self.writes.write { writer throws(StoreError) in
            let due = try writer.connection.rows(
                """
                SELECT \(Notice.columns) + 1 FROM notices WHERE endpoint = ?1 AND due_at <= ?2 ORDER BY due_at, number LIMIT ?3
                """, [.text(endpoint), .integer(time), .integer(Int64(max(0, limit)))]
            ) { row throws(StoreError) in
                try Notice { column throws(StoreError) in try row.value(column) }
            }
            for notice in due {
                try writer.connection.run(
                    "UPDATE notices SET attempts = ?2, due_at = ?3 WHERE number = ?1",
                    [.integer(notice.number), LedgerValue(notice.attempts), .integer(time + leaseSeconds)])
            }
            return due
        }
    }

    public func endNotice(_ number: Int64, at time: Int64) async throws(StoreError) {
        try await self.writes.write { writer throws(StoreError) in
            try writer.connection.run(
                "UPDATE notices SET due_at = NULL, ended_at = ?2 WHERE number = ?1", [.integer(number), .integer(time)])
        }
    }

    public func postponeNotice(_ number: Int64, until time: Int64) async throws(StoreError) {
        try await self.writes.write { writer throws(StoreError) in
            try writer.connection.run(
                "UPDATE notices SET due_at = ?2 WHERE number = ?1 AND due_at IS NOT NULL", [.integer(number), .integer(time)])
        }
    }

    public func pruneNotices(before time: Int64) async throws(StoreError) {
        try await self.writes.write { writer throws(StoreError) in
            try writer.connection.run("DELETE FROM notices WHERE ended_at < ?1", [.integer(time)])
            try writer.connection.run("DELETE FROM webhooks WHERE seen_at < ?1", [.integer(time)])
            try writer.connection.run("DELETE FROM notices WHERE endpoint NOT IN (SELECT name FROM webhooks)")
        }
    }
}
