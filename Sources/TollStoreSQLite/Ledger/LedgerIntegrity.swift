// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives

/// What a check of the whole ledger found.
public struct LedgerIntegrity: Hashable, Sendable {
    /// The most problems that are listed; a ledger with more is beyond reading them.
    public static let problemCountMax = 100

    /// Payments that were folded from their events.
    public internal(set) var paymentCount = 0
    /// What is wrong, each with the payment it concerns. Empty when the ledger is sound.
    public internal(set) var problems: [String] = []

    /// The last payment that was there when the check began.
    var lastNumber: Int64 = 0
    /// What payments were paid out of credit, and what was drawn on debts for payments.
    var credits: [PaymentID: UInt256] = [:]
    var draws: [PaymentID: UInt256] = [:]

    /// Whether nothing is wrong.
    public var isSound: Bool { self.problems.isEmpty }
    /// Whether the check stopped because there was too much to list.
    var isFull: Bool { self.problems.count >= Self.problemCountMax }
}

extension LedgerReader {
    /// Payments checked in one snapshot. Small, because a snapshot that lasts keeps the write-ahead log from being cleared.
    static let integrityStep: Int64 = 1_000

    /// What SQLite says of the file's own structure, of its indexes and of foreign keys, and what belongs to no payment.
    func checkStructure() throws(StoreError) -> LedgerIntegrity {
        var integrity = LedgerIntegrity()
        integrity.lastNumber = try self.connection.integer("SELECT coalesce(max(number), 0) FROM payments")
        let faults = try self.connection.rows("PRAGMA integrity_check(\(LedgerIntegrity.problemCountMax))") {
            row throws(StoreError) in
            try row.text(0)
        }
        let orphans = try self.connection.rows("PRAGMA foreign_key_check") { row throws(StoreError) in
            "a row of \(try row.text(0)) belongs to nothing"
        }
        integrity.problems = faults.filter { $0 != "ok" } + orphans
        integrity.problems += try self.checkNumbers() + self.checkMarks() + self.checkReferences()
        return integrity
    }

    /// A signer's next number is above all that it has signed with.
    private func checkNumbers() throws(StoreError) -> [String] {
        try self.connection.rows(
            """
            SELECT address, network FROM signers NATURAL JOIN (
                SELECT network, signer AS address, max(signer_nonce) AS last_number FROM payments
                WHERE signer IS NOT NULL GROUP BY network, signer)
            WHERE last_number >= next_number
            """
        ) { row throws(StoreError) in
            "corrupt ledger: the next number of \(try row.text(0)) on \(try row.text(1)) was signed with already"
        }
    }

    /// Every mark is one that this program sets.
    private func checkMarks() throws(StoreError) -> [String] {
        let names = try self.connection.rows("SELECT name FROM marks") { row throws(StoreError) in try row.text(0) }
        return names.filter { name in
            let parts = name.split(separator: "/", maxSplits: 1)
            guard parts.count == 2, let network = ChainID(String(parts[1])) else { return true }
            return ![LedgerMark.finalized(network), .expired(network), .watched(network)].map(\.description).contains(name)
        }.map { "corrupt ledger: a mark of unknown name \($0)" }
    }

    /// A reference that money was deposited for says so: it is not to be forgotten.
    private func checkReferences() throws(StoreError) -> [String] {
        try self.connection.rows(
            """
            SELECT payments.id FROM payment_references JOIN payments ON deposited_for = hash
            WHERE deposited_for IS NOT NULL AND is_paid = 0 LIMIT \(LedgerIntegrity.problemCountMax)
            """
        ) { row throws(StoreError) in
            "corrupt ledger: the reference that payment \(try row.payment(0)) was deposited for is not marked as paid"
        }
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
            CheckedPayment(
                number: try row.integer(0), keepsAnswer: try row.integer(1) == 1, isScheduled: try row.integer(2) == 1,
                row: try PaymentRow(row, from: 3))
        }
        for payment in found where !integrity.isFull {
            integrity.paymentCount += 1
            do throws(StoreError) { try self.check(payment, into: &integrity) } catch {
                integrity.problems.append(error.reason)
            }
        }
        return integrity.isFull ? nil : found.last?.number
    }

    private struct CheckedPayment {
        let number: Int64
        let keepsAnswer: Bool
        let isScheduled: Bool
        let row: PaymentRow
    }

    private func check(_ payment: CheckedPayment, into integrity: inout LedgerIntegrity) throws(StoreError) {
        let events = try self.events(of: payment.number)
        let record = try StoredPayment(number: payment.number, row: payment.row, folding: events).record
        if payment.keepsAnswer, !record.hasAnswer { throw .corrupt("payment \(record.id) keeps an answer nobody gave") }
        // What a reorganisation took had ended, and its answer may have been forgotten since.
        let hadEnded = events.contains { if case .vanished = $0.timed.event { true } else { false } }
        if !payment.keepsAnswer, record.hasAnswer, record.endedAt == nil, !hadEnded {
            throw .corrupt("the answer of payment \(record.id) is gone before its end")
        }
        if payment.isScheduled != (payment.keepsAnswer && record.endedAt != nil) {
            throw .corrupt("the answer of payment \(record.id) is not scheduled as it should be")
        }
        for case .drawn(let units, let other) in events.map(\.timed.event) {
            integrity.draws[other] = (integrity.draws[other] ?? .zero).adding(units) ?? .max
        }
        if record.settlement?.isCredit == true, payment.number <= integrity.lastNumber {
            integrity.credits[record.id] = record.claim.option.amount
        }
    }
}

extension LedgerIntegrity {
    /// Holds what was paid out of credit against what was drawn on debts. Only of payments that were there from the start: what
    /// was drawn for later ones may have been written behind the check.
    mutating func checkCredits() {
        for (payment, units) in self.credits where self.draws[payment] != units {
            let drawn = self.draws[payment] ?? .zero
            self.problems.append("corrupt ledger: payment \(payment) cost \(units) units of credit, \(drawn) were drawn for it")
        }
    }
}
