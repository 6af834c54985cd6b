// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives

/// The row of `payments` that a record makes: for queries and reports. Never read back into a record; the events are the truth,
/// and a row that says otherwise is corruption.
struct PaymentRow: Hashable {
    /// The columns in the order of ``values``.
    static let columns = [
        "id", "phase", "network", "asset", "symbol", "decimals", "payer", "nonce", "scheme", "pay_to", "amount", "dialect",
        "policy",
        "route", "valid_before", "attempts", "transaction_hash", "signer", "signer_nonce", "block", "log_index", "failure_reason",
        "failure_detail", "has_answer", "is_served", "is_told", "is_owed", "claimed_at", "ended_at",
    ]

    /// What stands in each column.
    let values: [SQLiteValue]

    /// The row of a record.
    init(_ record: PaymentRecord) {
        let claim = record.claim
        let option = claim.option
        self.values = [
            .blob(record.id.digest.bytes), .text(record.phase.rawValue), .text(option.network.description),
            .text(claim.key.asset),
            .text(option.asset.symbol), SQLiteValue(option.asset.decimals), .text(claim.key.payer), .text(claim.key.nonce),
            .text(option.scheme), .text(option.payTo), .text(option.amount.description), .text(claim.dialect.name),
            .text(claim.policy.rawValue), .text(claim.route), .integer(claim.validBefore), SQLiteValue(record.attempts),
            SQLiteValue(record.settlement?.transaction ?? record.transaction?.hash), SQLiteValue(record.transaction?.signer),
            SQLiteValue(record.transaction.map { Int64(clamping: $0.nonce) }),
            SQLiteValue(record.settlement.map { Int64(clamping: $0.block) }),
            SQLiteValue(record.settlement.map { Int64(clamping: $0.logIndex) }), SQLiteValue(record.failure?.reason),
            SQLiteValue(record.failure?.detail), SQLiteValue(record.hasAnswer), SQLiteValue(record.isServed),
            SQLiteValue(record.isTold), SQLiteValue(record.isOwed), .integer(record.claimedAt), SQLiteValue(record.endedAt),
        ]
    }

    /// As it stands in the ledger, its columns from `first` on.
    init(_ row: SQLiteRow, from first: Int) throws(StoreError) {
        var values: [SQLiteValue] = []
        for column in Self.columns.indices { values.append(try row.value(first + column)) }
        self.values = values
    }

    /// The columns, and their new values, in which `new` differs. Only these are written: an index whose column does not
    /// change is not touched.
    func changes(to new: PaymentRow) -> [(column: String, value: SQLiteValue)] {
        Self.columns.indices.filter { self.values[$0] != new.values[$0] }.map { (Self.columns[$0], new.values[$0]) }
    }
}
