// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

/// The row of `payments` that a record makes: for queries and reports. Never read back into a record; the events are the truth,
/// and a row that says otherwise is corruption.
package struct PaymentRow: Hashable {
    /// What the claim says.
    private static let claimColumns = [
        "id", "network", "asset", "symbol", "decimals", "payer", "nonce", "scheme", "pay_to", "amount", "dialect", "policy",
        "route", "valid_before", "deposited_for",
    ]
    /// What changes from event to event.
    private static let stateColumns = [
        "phase", "attempts", "transaction_hash", "signer", "signer_nonce", "block", "log_index", "failure_reason",
        "failure_detail", "has_answer", "is_served", "is_told", "is_owed", "claimed_at", "ended_at", "identifier_hash",
        "open_exposure", "open_debt",
    ]
    /// The columns in the order of ``values``.
    package static let columns = Self.claimColumns + Self.stateColumns

    /// What stands in each column.
    package let values: [LedgerValue]

    /// The row of a record.
    package init(_ record: PaymentRecord) {
        self.values = Self.values(of: record.claim) + Self.state(of: record)
    }

    private static func values(of claim: Claim) -> [LedgerValue] {
        let option = claim.option
        return [
            .blob(claim.id.digest.bytes), .text(option.network.description), .text(option.asset.address.lowercased()),
            .text(option.asset.symbol), LedgerValue(option.asset.decimals), .text(claim.key.payer), .text(claim.key.nonce),
            .text(option.scheme), .text(option.payTo), .text(option.amount.description), .text(claim.dialect.name),
            .text(claim.policy.rawValue), .text(claim.route), .integer(claim.validBefore),
            claim.depositedFor.map { .blob($0.bytes) } ?? .null,
        ]
    }

    private static func state(of record: PaymentRecord) -> [LedgerValue] {
        [
            .text(record.phase.rawValue), LedgerValue(record.attempts),
            LedgerValue(record.settlement?.transaction ?? record.transaction?.hash), LedgerValue(record.transaction?.signer),
            LedgerValue(record.transaction.map { Int64(clamping: $0.nonce) }),
            LedgerValue(record.settlement.map { Int64(clamping: $0.block) }),
            LedgerValue(record.settlement.map { Int64(clamping: $0.logIndex) }), LedgerValue(record.failure?.reason),
            LedgerValue(record.failure?.detail), LedgerValue(record.hasAnswer), LedgerValue(record.isServed),
            LedgerValue(record.isTold), LedgerValue(record.isOwed), .integer(record.claimedAt), LedgerValue(record.endedAt),
            record.isIdentified ? record.claim.identifierHash.map { .blob($0.bytes) } ?? .null : .null,
            .integer(record.openExposure), LedgerValue(record.debt.flatMap { $0.isOpen ? $0.units.description : nil }),
        ]
    }

    /// As it stands in the ledger: the values of ``columns`` in their order.
    package init(values: [LedgerValue]) {
        self.values = values
    }

    /// The columns, and their new values, in which `new` differs. Only these are written: an index whose column does not
    /// change is not touched.
    package func changes(to new: PaymentRow) -> [(column: String, value: LedgerValue)] {
        Self.columns.indices.filter { self.values[$0] != new.values[$0] }.map { (Self.columns[$0], new.values[$0]) }
    }

    /// The same between two records of one payment.
    package static func changes(from old: PaymentRecord, to new: PaymentRecord) -> [(column: String, value: LedgerValue)] {
        guard old.claim == new.claim else { return PaymentRow(old).changes(to: PaymentRow(new)) }
        let (before, after) = (self.state(of: old), self.state(of: new))
        return self.stateColumns.indices.filter { before[$0] != after[$0] }.map { (self.stateColumns[$0], after[$0]) }
    }
}
