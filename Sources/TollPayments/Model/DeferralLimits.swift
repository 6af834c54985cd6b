// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

/// What a seller is willing to lose by serving before it is paid.
public struct DeferralLimits: Hashable, Sendable {
    /// The most that one payer may owe, in millionths of a dollar.
    public var perPayer: Int64
    /// The most that all payers together may owe, in millionths of a dollar: the most that can be lost.
    public var total: Int64

    /// Limits; by default 1 and 50 dollars.
    public init(perPayer: Int64 = 1_000_000, total: Int64 = 50_000_000) {
        self.perPayer = perPayer
        self.total = total
    }

    /// What a claim of a payer who holds `spendable` units is decided by.
    func terms(spendable: UInt256, rule: SettleRule) -> DeferralTerms {
        DeferralTerms(
            perPayer: self.perPayer, total: self.total, spendable: spendable, settledPaymentsMin: rule.settledPaymentsMin)
    }
}

extension PaymentOption {
    /// The price in millionths of a dollar, rounded up, of a token that is worth one. What is more than can be counted is the
    /// most that can be, and fits no limit.
    public var exposure: Int64 {
        var units = self.amount
        for _ in 0..<max(0, 6 - self.asset.decimals) {
            guard let product = units.multiplied(by: 10) else { return .max }
            units = product
        }
        for _ in 0..<max(0, self.asset.decimals - 6) {
            let (quotient, remainder) = units.quotientAndRemainder(dividingBy: 10)
            units = remainder == 0 ? quotient : quotient.adding(1) ?? .max
        }
        return units.uint64.flatMap(Int64.init(exactly:)) ?? .max
    }
}
