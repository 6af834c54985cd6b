// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// An unsigned integer of 256 bits: what the EVM counts tokens in.
///
/// Arithmetic reports overflow; nothing wraps silently.
public struct UInt256: Hashable, Comparable, Sendable {
    /// Limbs, least significant first.
    let limbs: (UInt64, UInt64, UInt64, UInt64)

    init(limbs: (UInt64, UInt64, UInt64, UInt64)) {
        self.limbs = limbs
    }

    /// 0.
    public static let zero = UInt256(0)
    /// 2^256 − 1.
    public static let max = UInt256(limbs: (.max, .max, .max, .max))

    /// A small number.
    public init(_ value: UInt64) {
        self.limbs = (value, 0, 0, 0)
    }

    /// Big-endian bytes, at most thirty-two; nil when there are more.
    public init?(bigEndian bytes: some Collection<UInt8>) {
        guard bytes.count <= 32, let word = Bytes32([UInt8](repeating: 0, count: 32 - bytes.count) + bytes) else { return nil }
        self.init(word)
    }

    /// The same bits as a word.
    public init(_ word: Bytes32) {
        self.limbs = (word.words.3, word.words.2, word.words.1, word.words.0)
    }

    /// Decimal digits alone: no sign, no fraction, no exponent, no space. Nil for anything else and above 2^256 − 1.
    /// Leading zeros are refused but for "0" itself, so that one number has one text.
    public init?(decimal text: some StringProtocol) {
        let digits = Array(text.utf8)
        guard let first = digits.first, digits.count <= 78, digits.count == 1 || first != 0x30 else { return nil }
        // Of nineteen digits no number is over 64 bits: nearly all are no longer.
        var small: UInt64 = 0
        for digit in digits.prefix(19) {
            guard (0x30...0x39).contains(digit) else { return nil }
            small = small * 10 + UInt64(digit - 0x30)
        }
        var value = UInt256(small)
        for digit in digits.dropFirst(19) {
            guard (0x30...0x39).contains(digit),
                let shifted = value.multiplied(by: 10),
                let next = shifted.adding(UInt256(UInt64(digit - 0x30)))
            else { return nil }
            value = next
        }
        self = value
    }

    /// Hexadecimal digits, at most 64, with or without `0x`; an odd number of them is fine ("0x1"), none is not.
    public init?(hex text: some StringProtocol) {
        let text = Array(text.utf8)
        let digits = text.dropFirst(text.starts(with: "0x".utf8) ? 2 : 0)
        guard (1...64).contains(digits.count) else { return nil }
        var limbs: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        for digit in digits {
            guard let value = Hex.value(of: digit) else { return nil }
            limbs = (
                limbs.0 << 4 | UInt64(value), limbs.1 << 4 | limbs.0 >> 60, limbs.2 << 4 | limbs.1 >> 60,
                limbs.3 << 4 | limbs.2 >> 60
            )
        }
        self.init(limbs: limbs)
    }

    /// Thirty-two bytes, most significant first.
    public var word: Bytes32 { Bytes32(words: (self.limbs.3, self.limbs.2, self.limbs.1, self.limbs.0)) }

    /// Big-endian without leading zeros; empty for 0 (RLP's form).
    public var minimalBytes: [UInt8] { Array(self.word.bytes.drop { $0 == 0 }) }

    /// The value, when it fits 64 bits.
    public var uint64: UInt64? {
        self.limbs.1 == 0 && self.limbs.2 == 0 && self.limbs.3 == 0 ? self.limbs.0 : nil
    }

    /// The sum, or nil above 2^256 − 1.
    public func adding(_ other: UInt256) -> UInt256? {
        let (a, carryA) = self.limbs.0.addingReportingOverflow(other.limbs.0)
        let (b, carryB) = Self.add(self.limbs.1, other.limbs.1, carryA)
        let (c, carryC) = Self.add(self.limbs.2, other.limbs.2, carryB)
        let (d, carryD) = Self.add(self.limbs.3, other.limbs.3, carryC)
        return carryD ? nil : UInt256(limbs: (a, b, c, d))
    }

    /// The difference, or nil below 0.
    public func subtracting(_ other: UInt256) -> UInt256? {
        let (a, borrowA) = self.limbs.0.subtractingReportingOverflow(other.limbs.0)
        let (b, borrowB) = Self.subtract(self.limbs.1, other.limbs.1, borrowA)
        let (c, borrowC) = Self.subtract(self.limbs.2, other.limbs.2, borrowB)
        let (d, borrowD) = Self.subtract(self.limbs.3, other.limbs.3, borrowC)
        return borrowD ? nil : UInt256(limbs: (a, b, c, d))
    }

    /// The product with a small number, or nil above 2^256 − 1.
    public func multiplied(by factor: UInt64) -> UInt256? {
        let a = self.limbs.0.multipliedFullWidth(by: factor)
        let b = self.limbs.1.multipliedFullWidth(by: factor)
        let c = self.limbs.2.multipliedFullWidth(by: factor)
        let d = self.limbs.3.multipliedFullWidth(by: factor)
        let (second, carryB) = b.low.addingReportingOverflow(a.high)
        let (third, carryC) = Self.add(c.low, b.high, carryB)
        let (fourth, carryD) = Self.add(d.low, c.high, carryC)
        return d.high == 0 && !carryD ? UInt256(limbs: (a.low, second, third, fourth)) : nil
    }

    /// Quotient and remainder by a small number.
    public func quotientAndRemainder(dividingBy divisor: UInt64) -> (quotient: UInt256, remainder: UInt64) {
        precondition(divisor != 0, "Division by zero.")
        var remainder: UInt64 = 0
        func divide(_ limb: UInt64) -> UInt64 {
            let (quotient, rest) = divisor.dividingFullWidth((remainder, limb))
            remainder = rest
            return quotient
        }
        let d = divide(self.limbs.3)
        let c = divide(self.limbs.2)
        let b = divide(self.limbs.1)
        let a = divide(self.limbs.0)
        return (UInt256(limbs: (a, b, c, d)), remainder)
    }

    private static func add(_ left: UInt64, _ right: UInt64, _ carry: Bool) -> (UInt64, Bool) {
        let (sum, first) = left.addingReportingOverflow(right)
        let (total, second) = sum.addingReportingOverflow(carry ? 1 : 0)
        return (total, first || second)
    }

    private static func subtract(_ left: UInt64, _ right: UInt64, _ borrow: Bool) -> (UInt64, Bool) {
        let (difference, first) = left.subtractingReportingOverflow(right)
        let (total, second) = difference.subtractingReportingOverflow(borrow ? 1 : 0)
        return (total, first || second)
    }

    /// Numeric equality.
    public static func == (left: Self, right: Self) -> Bool {
        left.limbs == right.limbs
    }

    /// Numeric order.
    public static func < (left: Self, right: Self) -> Bool {
        (left.limbs.3, left.limbs.2, left.limbs.1, left.limbs.0) < (right.limbs.3, right.limbs.2, right.limbs.1, right.limbs.0)
    }

    /// Feeds the four limbs.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.limbs.0)
        hasher.combine(self.limbs.1)
        hasher.combine(self.limbs.2)
        hasher.combine(self.limbs.3)
    }
}

extension UInt256: CustomStringConvertible, ExpressibleByIntegerLiteral {
    /// A literal of at most 64 bits.
    public init(integerLiteral value: UInt64) {
        self.init(value)
    }

    /// Decimal digits.
    public var description: String {
        if let small = self.uint64 { return String(small) }
        var rest = self
        var groups: [String] = []
        let group: UInt64 = 10_000_000_000_000_000_000  // Nineteen zeros: the largest power of ten in 64 bits.
        while true {
            let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: group)
            guard quotient != .zero else {
                groups.append(String(remainder))
                break
            }
            let digits = String(remainder)
            groups.append(String(repeating: "0", count: 19 - digits.count) + digits)
            rest = quotient
        }
        return groups.reversed().joined()
    }

    /// `0x` and the fewest digits, as JSON-RPC writes quantities.
    public var hexQuantity: String {
        let digits = Hex.encode(self.minimalBytes).drop { $0 == "0" }
        return "0x" + (digits.isEmpty ? "0" : digits)
    }
}
