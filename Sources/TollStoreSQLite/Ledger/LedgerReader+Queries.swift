// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives

/// Payments chosen by a query. SQLite uses a partial index only where the query says its condition; so a query is put together
/// of parts that do.
extension LedgerReader {
    /// The payments that `query` asks for, oldest claim first.
    func records(_ query: PaymentQuery) throws(StoreError) -> [PaymentRecord] {
        let columns = "number, \(PaymentRow.columns.joined(separator: ", "))"
        let found = try self.select(columns, query) { row throws(StoreError) in
            (number: try row.integer(0), row: try PaymentRow(row, from: 1))
        }
        var records: [PaymentRecord] = []
        for payment in found { records.append(try self.fold(payment.number, payment.row).record) }
        return records
    }

    /// The same from the rows alone.
    func terms(_ query: PaymentQuery) throws(StoreError) -> [PaymentTerms] {
        try self.select("id, claimed_at, valid_before", query) { row throws(StoreError) in
            PaymentTerms(try row.payment(0), claimedAt: try row.integer(1), validBefore: try row.integer(2))
        }
    }

    private func select<Element>(
        _ columns: String, _ query: PaymentQuery, _ read: (SQLiteRow) throws(StoreError) -> Element
    ) throws(StoreError) -> [Element] {
        guard query.limit > 0, let conditions = Conditions(query) else { return [] }
        let selects = conditions.parts.map { part in "SELECT \(columns) FROM payments WHERE \(part)" }
        return try self.connection.rows(
            "\(selects.joined(separator: " UNION ALL ")) ORDER BY claimed_at, id LIMIT \(query.limit)", conditions.values, read)
    }

    /// Phases as SQL lists them.
    static func list(_ phases: Set<PaymentRecord.Phase>) -> String {
        phases.map { "'\($0.rawValue)'" }.sorted().joined(separator: ", ")
    }

    /// A query as conditions of SQL.
    private struct Conditions {
        /// Each chooses a part of what is asked for, none what another does.
        private(set) var parts: [String] = []
        private(set) var values: [LedgerValue] = []
        private var common: [String] = []

        /// Nil when nothing can be found.
        init?(_ query: PaymentQuery) {
            if let aboveBlock = query.aboveBlock {
                guard let block = Int64(exactly: aboveBlock) else { return nil }
                self.add("block >", .integer(block))
            }
            if let network = query.network { self.add("network =", .text(network.description)) }
            if let payer = query.payer { self.add("payer =", .text(payer.lowercased())) }
            if let since = query.since { self.add("claimed_at >=", .integer(since)) }
            if let until = query.until { self.add("claimed_at <", .integer(until)) }
            if let ends = query.validBefore {
                self.add("valid_before >=", .integer(ends.lowerBound))
                self.add("valid_before <", .integer(ends.upperBound))
            }
            if let hash = query.depositedFor { self.add("deposited_for =", .blob(hash.bytes)) }
            if let isOwed = query.isOwed { self.common.append("is_owed = \(isOwed ? 1 : 0)") }
            if let cursor = query.after {
                let (time, payment) = (self.values.count + 1, self.values.count + 2)
                self.common.append("(claimed_at, id) > (?\(time), ?\(payment))")
                self.values += [.integer(cursor.claimedAt), .blob(cursor.payment.digest.bytes)]
            }
            self.split(query)
        }

        private mutating func add(_ comparison: String, _ value: LedgerValue) {
            self.values.append(value)
            self.common.append("\(comparison) ?\(self.values.count)")
        }

        /// By payer, by the end of authorizations, and where nothing settled is wanted, the indexes of open and of ended payments
        /// lead to a few rows each. Otherwise one index does, and that on time gives the order too.
        private mutating func split(_ query: PaymentQuery) {
            let phases = query.phases.isEmpty ? Set(PaymentRecord.Phase.allCases) : query.phases
            let isSelective = query.payer != nil || query.validBefore != nil || !phases.contains(.settled)
            guard isSelective, query.aboveBlock == nil, query.isOwed != true, query.depositedFor == nil else {
                let all = phases.count == PaymentRecord.Phase.allCases.count
                self.parts = [self.part(all ? [] : ["phase IN (\(LedgerReader.list(phases)))"])]
                return
            }
            let ended = query.payer == nil ? LedgerSchema.isDropped : LedgerSchema.isEnded
            let groups: [(phases: Set<PaymentRecord.Phase>, condition: String?)] =
                query.payer == nil
                ? [
                    (phases.filter(\.isOpen), LedgerSchema.isOpen), (phases.filter(\.isDropped), ended),
                    (phases.filter { $0 == .settled }, nil),
                ]
                : [(phases.filter(\.isOpen), LedgerSchema.isOpen), (phases.filter { !$0.isOpen }, ended)]
            self.parts = groups.filter { !$0.phases.isEmpty }.map { group in
                self.part(["phase IN (\(LedgerReader.list(group.phases)))"] + (group.condition.map { [$0] } ?? []))
            }
        }

        private func part(_ own: [String]) -> String {
            let all = self.common + own
            return all.isEmpty ? "true" : all.joined(separator: " AND ")
        }
    }
}

extension PaymentRecord.Phase {
    /// Whether a settlement is still to be done or found: ``LedgerSchema/isOpen``.
    var isOpen: Bool {
        switch self {
        case .claimed, .queued, .signed, .broadcast, .unknown: true
        case .settled, .failed, .released: false
        }
    }

    /// Whether the money did not move: ``LedgerSchema/isDropped``.
    var isDropped: Bool { self == .failed || self == .released }
}

extension SQLiteRow {
    /// A payment's name; anything else is corruption.
    func payment(_ column: Int) throws(StoreError) -> PaymentID {
        guard let digest = Bytes32(try self.blob(column)) else { throw .corrupt("column \(column) holds no payment's name") }
        return PaymentID(digest)
    }

    /// A number of atomic units; anything else is corruption.
    func units(_ column: Int) throws(StoreError) -> UInt256 {
        guard let units = UInt256(decimal: try self.text(column)) else { throw .corrupt("column \(column) holds no units") }
        return units
    }
}
