// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPayments
import TollPrimitives

/// What the payout wallet may pay in a day, by the ledger's own count.
///
/// A refund counts from when it is signed, so that one which was never sent keeps its place. The count is taken before a refund
/// is signed and again before it is sent: two commands at once may both sign, and then both wait.
struct PayoutLimit {
    static let daySeconds: Int64 = 86_400

    /// In millionths of a dollar.
    let maxPerDay: Int64
    /// Assets of which one unit of 10^decimals is a dollar.
    let dollarAssets: Set<String>

    init(_ payouts: Configuration.Payouts, networks: [Configuration.Network]) {
        self.maxPerDay = payouts.maxPerDay
        self.dollarAssets = Set(
            networks.flatMap { network in
                network.assets.filter(\.token.isDollarPegged).map { "\(network.id)/\($0.token.address.lowercased())" }
            })
    }

    /// What a refund is worth, in millionths of a dollar, rounded up; nil of an asset that is not known to be worth a dollar.
    func dollars(_ units: UInt256, of asset: Asset) -> Int64? {
        guard self.dollarAssets.contains("\(asset.network)/\(asset.address.lowercased())") else { return nil }
        return Self.millionths(units, decimals: asset.decimals)
    }

    /// What was signed in the day before `now`.
    func signed(in ledger: any PaymentReader, now: Int64) async throws -> Int64 {
        var query = PaymentQuery(limit: PaymentQuery.pageSize)
        query.isOwed = true
        var sum: Int64 = 0
        try await ledger.forEach(query) { record in
            guard let refund = record.debt?.refund, refund.transaction != nil else { return }
            let signedAt = try await ledger.events(record.id).last { event in
                if case .refunding(let written) = event.event { written.transaction != nil } else { false }
            }?.time
            guard let signedAt, signedAt > now - Self.daySeconds else { return }
            sum = Self.sum(sum, self.dollars(refund.units, of: record.claim.option.asset) ?? .max)
        }
        return sum
    }

    /// Why a refund of `units` may not be signed now; nil when it may.
    func objection(to units: UInt256, of asset: Asset, signed: Int64) -> String? {
        guard let dollars = self.dollars(units, of: asset) else {
            return "\(asset.symbol) on \(asset.network) is not known to be worth a dollar, so that `payouts.max_per_day` cannot "
                + "be kept; write the refund with `--unsigned`"
        }
        guard Self.sum(signed, dollars) > self.maxPerDay else { return nil }
        return "`payouts.max_per_day` is \(Self.text(self.maxPerDay)), \(Self.text(signed)) were paid out in the last 24 hours, "
            + "and this is \(Self.text(dollars)); wait, or write it with `--unsigned`"
    }

    static func text(_ millionths: Int64) -> String {
        "$\(DecimalAmount(units: UInt256(UInt64(max(0, millionths))), decimals: 6))"
    }

    static func millionths(_ units: UInt256, decimals: Int) -> Int64 {
        var (value, isCut) = (units, false)
        for _ in stride(from: decimals, to: 6, by: -1) {
            let (quotient, remainder) = value.quotientAndRemainder(dividingBy: 10)
            (value, isCut) = (quotient, isCut || remainder > 0)
        }
        for _ in stride(from: decimals, to: 6, by: 1) { value = value.multiplied(by: 10) ?? .max }
        let whole = value.uint64.flatMap { Int64(exactly: $0) } ?? .max
        return isCut ? self.sum(whole, 1) : whole
    }

    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }
}
