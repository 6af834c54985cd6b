// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// A decimal number of whole units as people write prices: `0.001`, exact, never floating point.
public struct DecimalAmount: Hashable, Sendable, CustomStringConvertible {
    /// Why a decimal is no amount of an asset.
    public enum ConversionError: Error, Hashable, Sendable {
        /// It has `digits` decimals where the asset has only `decimals`.
        case tooManyDecimals(digits: Int, decimals: Int)
        /// Over 2^256 − 1 of the smallest unit.
        case overflow
    }

    /// The number is `significand` × 10^−`scale`; trailing zeros of the fraction are not kept.
    public let significand: UInt256
    /// Digits after the point.
    public let scale: Int

    /// Digits with at most one point between digits (`12`, `0.50`): no sign, exponent, separator or space.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = parts.first, !whole.isEmpty, text.utf8.count <= 80 else { return nil }
        var fraction = parts.count == 2 ? parts[1] : ""
        guard parts.count == 1 || !fraction.isEmpty else { return nil }
        while fraction.last == "0" { fraction.removeLast() }
        let all = String(whole) + String(fraction)
        let digits = all.drop { $0 == "0" }
        guard all.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let value = digits.isEmpty ? UInt256.zero : UInt256(decimal: digits)
        else { return nil }
        self.significand = value
        self.scale = fraction.count
    }

    /// `units` of an asset with `decimals`.
    public init(units: UInt256, decimals: Int) {
        var value = units
        var scale = decimals
        while scale > 0 {
            let (quotient, remainder) = value.quotientAndRemainder(dividingBy: 10)
            guard remainder == 0 else { break }
            value = quotient
            scale -= 1
        }
        self.significand = value
        self.scale = scale
    }

    /// The same amount in the smallest unit of an asset with `decimals`.
    public func units(decimals: Int) throws(ConversionError) -> UInt256 {
        guard self.scale <= decimals else { throw .tooManyDecimals(digits: self.scale, decimals: decimals) }
        guard self.significand != .zero else { return .zero }
        var value = self.significand
        for _ in self.scale..<decimals {
            guard let next = value.multiplied(by: 10) else { throw .overflow }
            value = next
        }
        return value
    }

    /// The shortest exact text: `0.001`, `12`.
    public var description: String {
        guard self.scale > 0 else { return self.significand.description }
        var digits = self.significand.description
        if digits.count <= self.scale { digits = String(repeating: "0", count: self.scale - digits.count + 1) + digits }
        return digits.dropLast(self.scale) + "." + digits.suffix(self.scale)
    }
}
