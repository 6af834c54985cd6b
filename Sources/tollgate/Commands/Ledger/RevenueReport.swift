// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPayments
import TollPrimitives
import TollRuntime

/// What was sold: `ledger revenue`. Whole numbers of each asset, never summed over assets.
///
/// A sale stands on the day on which it was bought, in UTC, and all that became of it stands in its row: what is owed or was paid
/// back is taken from the day of the sale.
struct RevenueReport {
    /// What rows are made of, beside asset and network.
    enum Dimension: String, CaseIterable {
        case day, route, payer
    }

    /// Sums of one row, in the asset's smallest unit.
    struct Sums: Hashable {
        /// Sales: what somebody sent for a reference is sold for when its call is bought.
        var payments = 0
        /// Moved to us on chain.
        var settled = UInt256.zero
        /// Sold for credit: no money moved, it had before.
        var credit = UInt256.zero
        /// Paid back.
        var refunded = UInt256.zero
        /// Still owed to payers, what is on its way back among it.
        var owed = UInt256.zero

        /// What is ours: settled, less what was paid back and what is owed.
        var net: UInt256 { self.settled.subtracting(self.refunded)?.subtracting(self.owed) ?? .zero }

        mutating func add(_ record: PaymentRecord) {
            let amount = record.claim.option.amount
            if !record.claim.key.isDeposit { self.payments += 1 }
            if record.settlement?.isCredit == true {
                self.credit.increase(by: amount)
            } else {
                self.settled.increase(by: amount)
            }
            guard let debt = record.debt else { return }
            if debt.refunded != nil {
                self.refunded.increase(by: debt.refund?.units ?? .zero)
            } else {
                self.owed.increase(by: debt.units)
            }
        }
    }

    private struct Row: Hashable {
        let parts: [String]
        let asset: Asset
    }

    private let dimensions: [Dimension]
    private var rows: [Row: Sums] = [:]

    /// A report by `dimensions`, in this order.
    init(by dimensions: [Dimension]) {
        self.dimensions = dimensions
    }

    /// Reads what `--by day,route` says.
    static func dimensions(_ text: String) throws -> [Dimension] {
        try text.split(separator: ",").map { part in
            guard let dimension = Dimension(rawValue: String(part)) else {
                let known = Dimension.allCases.map(\.rawValue).joined(separator: ", ")
                throw UsageError("--by \(part) is not known; write some of \(known), with commas")
            }
            return dimension
        }
    }

    /// Adds a payment; one that did not settle sold nothing.
    mutating func add(_ record: PaymentRecord) {
        guard record.phase == .settled else { return }
        let parts = self.dimensions.map { dimension in
            switch dimension {
            case .day: CalendarTime.day(seconds: record.claimedAt)
            case .route: record.claim.route.isEmpty ? "(\(record.claim.dialect))" : record.claim.route
            case .payer: record.claim.payer
            }
        }
        self.rows[Row(parts: parts, asset: record.claim.option.asset), default: Sums()].add(record)
    }

    /// Assets in the order of reports.
    static func precedes(_ left: Asset, _ right: Asset) -> Bool {
        (left.network.description, left.symbol, left.address) < (right.network.description, right.symbol, right.address)
    }

    var columns: [ReportColumn] {
        self.dimensions.map { ReportColumn($0.rawValue) } + [
            ReportColumn("network"), .detail("asset"), .detail("asset_address"), ReportColumn("payments", .number),
            ReportColumn("settled", .amount), ReportColumn("credit", .amount), ReportColumn("refunded", .amount),
            ReportColumn("owed", .amount), ReportColumn("net", .amount),
        ]
    }

    /// Prints the rows, and below them the sum of each asset.
    func print(into writer: inout ReportWriter) {
        var totals: [Asset: Sums] = [:]
        let sorted = self.rows.sorted { left, right in
            let (a, b) = (left.key, right.key)
            return a.parts == b.parts ? Self.precedes(a.asset, b.asset) : a.parts.lexicographicallyPrecedes(b.parts)
        }
        for (row, sums) in sorted {
            let asset = row.asset
            let parts = zip(self.dimensions, row.parts).map { dimension, text -> ReportValue in
                switch dimension {
                case .day: .text(text)
                case .route: .route(text)
                case .payer: .account(text)
                }
            }
            writer.add(
                parts + [
                    .text(asset.network.description), .text(asset.symbol), .text(asset.address), .number(Int64(sums.payments)),
                    .units(sums.settled, of: asset), .units(sums.credit, of: asset), .units(sums.refunded, of: asset),
                    .units(sums.owed, of: asset), .units(sums.net, of: asset),
                ])
            totals[asset, default: Sums()].merge(sums)
        }
        for asset in totals.keys.sorted(by: Self.precedes) {
            let sums = totals[asset, default: Sums()]
            let net = DecimalAmount(units: sums.net, decimals: asset.decimals)
            writer.note("\(asset.network): \(sums.payments) payments, net \(net) \(asset.symbol)")
        }
        writer.finish(empty: "nothing was sold")
    }
}

extension RevenueReport.Sums {
    fileprivate mutating func merge(_ other: Self) {
        self.payments += other.payments
        self.settled.increase(by: other.settled)
        self.credit.increase(by: other.credit)
        self.refunded.increase(by: other.refunded)
        self.owed.increase(by: other.owed)
    }
}

extension UInt256 {
    /// Adds; no token has more units than fit.
    mutating func increase(by units: UInt256) {
        self = self.adding(units) ?? .max
    }
}
