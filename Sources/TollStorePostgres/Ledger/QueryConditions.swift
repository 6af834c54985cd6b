// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives

/// A query as SQL. Only what is asked for stands in it, so that each combination finds its index.
struct QueryConditions {
    private(set) var values: [PostgresParameter] = []
    private var terms: [String] = []

    /// The conditions of `query`, its order and its limit.
    init(_ query: PaymentQuery) {
        if !query.phases.isEmpty {
            self.add("phase = ANY (?)", .array(query.phases.map(\.rawValue).sorted().map(LedgerValue.text), of: .text))
        }
        if let network = query.network { self.add("network = ?", .text(network.description)) }
        if let payer = query.payer { self.add("payer = ?", .text(payer.lowercased())) }
        if let since = query.since { self.add("claimed_at >= ?", .integer(since)) }
        if let until = query.until { self.add("claimed_at < ?", .integer(until)) }
        if let ends = query.validBefore {
            self.add("valid_before >= ?", .integer(ends.lowerBound))
            self.add("valid_before < ?", .integer(ends.upperBound))
        }
        if let block = query.aboveBlock { self.add("block > ?", .integer(Int64(clamping: block))) }
        if let hash = query.depositedFor { self.add("deposited_for = ?", .blob(hash.bytes)) }
        if let isOwed = query.isOwed { self.add("is_owed = ?", .integer(isOwed ? 1 : 0)) }
        if let after = query.after {
            self.add("(claimed_at, id) > (?, ?)", .integer(after.claimedAt), .blob(after.payment.digest.bytes))
        }
        self.values.append(.integer(Int64(max(0, query.limit))))
    }

    /// From `WHERE` on.
    var text: String {
        let conditions = self.terms.isEmpty ? "" : "WHERE \(self.terms.joined(separator: " AND ")) "
        return "\(conditions)ORDER BY claimed_at, id LIMIT $\(self.values.count)"
    }

    /// A condition with a place for each of `values`.
    private mutating func add(_ term: String, _ values: PostgresParameter...) {
        var text = ""
        var number = self.values.count
        for character in term {
            if character == "?" { number += 1 }
            text += character == "?" ? "$\(number)" : String(character)
        }
        self.terms.append(text)
        self.values += values
    }
}
