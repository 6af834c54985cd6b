// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPayments
import TollPrimitives
import TollRuntime

/// Debts in both directions: `ledger debts`. What payers are owed, and what they were served and never paid.
struct DebtsReport {
    static let columns: [ReportColumn] = [
        ReportColumn("direction"), ReportColumn("payment"), ReportColumn("claimed_at", heading: "time"), ReportColumn("payer"),
        ReportColumn("amount", .amount), ReportColumn("left", .amount), ReportColumn("state"), .detail("network"),
        .detail("asset_address"), .detail("route"), .detail("refund_transaction"), .detail("reason"),
    ]

    private var sums: [Asset: (owed: UInt256, refunding: UInt256, unpaid: UInt256)] = [:]

    /// Prints the debts that `query` chooses; settled ones only with `all`.
    static func run(
        _ ledger: any PaymentReader, _ query: PaymentQuery, all: Bool, into writer: inout ReportWriter
    ) async throws {
        var report = DebtsReport()
        var (owed, unpaid) = (query, query)
        owed.isOwed = true
        try await ledger.forEach(owed) { record in
            guard let debt = record.debt, all || (debt.refunded == nil && debt.units > .zero) else { return }
            let reason = try await ledger.events(record.id).last { if case .owed = $0.event { true } else { false } }
            report.add(record, debt)
            writer.add(Self.row(record, debt, reason: reason.map { EventWords($0.event).detail }))
        }
        unpaid.phases = [.failed]
        try await ledger.forEach(unpaid) { record in
            guard record.isUnpaid else { return }
            report.sums[record.claim.option.asset, default: (.zero, .zero, .zero)].unpaid.increase(by: record.claim.option.amount)
            writer.add(Self.row(record))
        }
        for line in report.lines { writer.note(line) }
        writer.finish(empty: "no debts")
    }

    /// What a payer is owed.
    static func row(_ record: PaymentRecord, _ debt: Debt, reason: String?) -> [ReportValue] {
        let refund = debt.refunded?.transaction ?? debt.refund?.transaction?.hash
        let state =
            switch PaymentStanding(record) {
            case .refunding where debt.refund?.transaction == nil: "refund written"
            case .refunding: "refund sent"
            case .owed where record.claim.depositedFor != nil && debt.units == record.claim.option.amount: "deposit"
            case .owed where debt.units < record.claim.option.amount: "partly spent"
            case let standing: standing.rawValue
            }
        return self.head(record, direction: "to payer") + [
            .units(debt.units, of: record.claim.option.asset), .text(state),
        ] + self.tail(record) + [.transaction(refund), .words(reason)]
    }

    /// What a payer owes.
    static func row(_ record: PaymentRecord) -> [ReportValue] {
        self.head(record, direction: "by payer") + [
            .units(record.claim.option.amount, of: record.claim.option.asset), .text("unpaid"),
        ] + self.tail(record) + [.none, .words(record.failure.map { EventWords(.failed($0)).detail })]
    }

    private static func head(_ record: PaymentRecord, direction: String) -> [ReportValue] {
        [
            .text(direction), .payment(record.id), .time(record.claimedAt), .account(record.claim.payer),
            .units(record.claim.option.amount, of: record.claim.option.asset),
        ]
    }

    private static func tail(_ record: PaymentRecord) -> [ReportValue] {
        [
            .text(record.claim.option.network.description), .text(record.claim.option.asset.address), .text(record.claim.route),
        ]
    }

    private mutating func add(_ record: PaymentRecord, _ debt: Debt) {
        let asset = record.claim.option.asset
        if debt.isOpen { self.sums[asset, default: (.zero, .zero, .zero)].owed.increase(by: debt.units) }
        if debt.refund != nil, debt.refunded == nil {
            self.sums[asset, default: (.zero, .zero, .zero)].refunding.increase(by: debt.units)
        }
    }

    private var lines: [String] {
        self.sums.sorted { RevenueReport.precedes($0.key, $1.key) }
            .map { asset, sums in
                let text = { (units: UInt256) in "\(DecimalAmount(units: units, decimals: asset.decimals)) \(asset.symbol)" }
                return "\(asset.network): owed \(text(sums.owed)), on its way back \(text(sums.refunding)), unpaid "
                    + text(sums.unpaid)
            }
    }
}
