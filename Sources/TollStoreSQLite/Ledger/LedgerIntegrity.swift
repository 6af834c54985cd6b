// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments

/// What a check of the whole ledger found.
public struct LedgerIntegrity: Hashable, Sendable {
    /// The most problems that are listed; a ledger with more is beyond reading them.
    public static let problemCountMax = 100

    /// Payments that were folded from their events.
    public internal(set) var paymentCount = 0
    /// What is wrong, each with the payment it concerns. Empty when the ledger is sound.
    public internal(set) var problems: [String] = []

    /// Whether nothing is wrong.
    public var isSound: Bool { self.problems.isEmpty }
    /// Whether the check stopped because there was too much to list.
    var isFull: Bool { self.problems.count >= Self.problemCountMax }
}

extension LedgerReader {
    /// Payments checked in one snapshot. Small, because a snapshot that lasts keeps the write-ahead log from being cleared.
    static let integrityStep: Int64 = 1_000

    /// What SQLite says of the file's own structure, of foreign keys, and what belongs to no payment.
    func checkStructure() throws(StoreError) -> [String] {
        let faults = try self.connection.rows("PRAGMA quick_check(\(LedgerIntegrity.problemCountMax))") {
            row throws(StoreError) in
            try row.text(0)
        }
        let orphans = try self.connection.rows("PRAGMA foreign_key_check") { row throws(StoreError) in
            "a row of \(try row.text(0)) belongs to nothing"
        }
        return faults.filter { $0 != "ok" } + orphans
    }

    /// Folds the payments numbered above `number`, at most ``integrityStep``. Gives the last number; nil when there are no more.
    func check(after number: Int64, into integrity: inout LedgerIntegrity) throws(StoreError) -> Int64? {
        let found = try self.connection.rows(
            """
            SELECT number, answers.payment IS NOT NULL, ended_answers.payment IS NOT NULL,
                \(PaymentRow.columns.map { "payments.\($0)" }.joined(separator: ", "))
            FROM payments LEFT JOIN answers ON answers.payment = number
                LEFT JOIN ended_answers ON ended_answers.payment = number AND ended_answers.ended_at = payments.ended_at
            WHERE number > ?1 ORDER BY number LIMIT ?2
            """,
            [.integer(number), .integer(Self.integrityStep)]
        ) { row throws(StoreError) in
            (
                number: try row.integer(0), keepsAnswer: try row.integer(1) == 1, isScheduled: try row.integer(2) == 1,
                row: try PaymentRow(row, from: 3)
            )
        }
        for payment in found where !integrity.isFull {
            integrity.paymentCount += 1
            do throws(StoreError) {
                let record = try self.fold(payment.number, payment.row).record
                if payment.keepsAnswer, !record.hasAnswer { throw .corrupt("payment \(record.id) keeps an answer nobody gave") }
                if !payment.keepsAnswer, record.hasAnswer, record.endedAt == nil {
                    throw .corrupt("the answer of payment \(record.id) is gone before its end")
                }
                if payment.isScheduled != (payment.keepsAnswer && record.endedAt != nil) {
                    throw .corrupt("the answer of payment \(record.id) is not scheduled as it should be")
                }
            } catch {
                integrity.problems.append(error.reason)
            }
        }
        return integrity.isFull ? nil : found.last?.number
    }
}
