// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// An amount that budgets count: whole millionths of a dollar.
public struct Dollars: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Millionths of a dollar.
    public let micros: UInt64

    private static let decimals = 6

    /// So many millionths.
    public init(micros: UInt64) {
        self.micros = micros
    }

    /// So many whole dollars, for constants.
    public init(_ dollars: UInt32) {
        self.micros = UInt64(dollars) * 1_000_000
    }

    /// Reads `0.05` or `$0.05`. Nil for anything else, for more than six decimals and above 2^64 − 1 millionths.
    public init?(_ text: some StringProtocol) {
        let digits = text.hasPrefix("$") ? String(text.dropFirst()) : String(text)
        guard let amount = DecimalAmount(digits), let units = try? amount.units(decimals: Self.decimals),
            let micros = units.uint64
        else { return nil }
        self.micros = micros
    }

    /// What `units` of a token with `decimals` cost when a token counts as a dollar, rounded up so that many small payments
    /// never add up to more than what was counted. Nil above 2^64 − 1 millionths, which is over any budget.
    public init?(units: UInt256, decimals: Int) {
        guard decimals > Self.decimals else {
            guard let exact = try? DecimalAmount(units: units, decimals: decimals).units(decimals: Self.decimals),
                let micros = exact.uint64
            else { return nil }
            self.micros = micros
            return
        }
        var (rest, isRounded) = (units, false)
        for _ in Self.decimals..<decimals where rest != .zero {
            let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 10)
            (rest, isRounded) = (quotient, isRounded || remainder != 0)
        }
        guard let micros = rest.adding(isRounded ? 1 : 0)?.uint64 else { return nil }
        self.micros = micros
    }

    /// The sum; the largest amount there is when it does not fit, which is over any budget.
    public func adding(_ other: Dollars) -> Dollars {
        let (sum, overflow) = self.micros.addingReportingOverflow(other.micros)
        return Dollars(micros: overflow ? .max : sum)
    }

    /// What is left after `other`; nothing when that is more.
    public func subtracting(_ other: Dollars) -> Dollars {
        Dollars(micros: self.micros - min(self.micros, other.micros))
    }

    /// `$0.05`.
    public var description: String { "$\(DecimalAmount(units: UInt256(self.micros), decimals: Self.decimals))" }

    /// By amount.
    public static func < (left: Self, right: Self) -> Bool { left.micros < right.micros }
}
