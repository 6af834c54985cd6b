// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// An IPv4 or IPv6 address. One of IPv4 that is mapped into IPv6 (`::ffff:192.0.2.1`) is the IPv4 address.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// The 128 bits, IPv4 mapped into IPv6 (RFC 4291 §2.5.5.2).
    fileprivate let high: UInt64
    fileprivate let low: UInt64

    private static let mapped: UInt64 = 0xFFFF_0000_0000

    /// Nil unless the text is an address, without brackets, port or zone.
    public init?(_ text: String) { self.init(Array(text.utf8)[...]) }

    /// Nil unless the bytes are an address, without brackets, port or zone.
    public init?(_ bytes: ArraySlice<UInt8>) {
        if bytes.contains(0x3A) {
            guard let groups = Self.groups(bytes) else { return nil }
            self.high = groups[..<4].reduce(0) { $0 << 16 | UInt64($1) }
            self.low = groups[4...].reduce(0) { $0 << 16 | UInt64($1) }
        } else {
            guard let address = Self.dotted(bytes) else { return nil }
            self.high = 0
            self.low = Self.mapped | UInt64(address)
        }
    }

    fileprivate init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Whether it is one of IPv4.
    public var isIPv4: Bool { self.high == 0 && self.low >> 32 == 0xFFFF }

    /// What one subscriber usually has all of, and limits count as one: an IPv4 address, or the first 64 bits of IPv6.
    public var subscriber: String {
        self.isIPv4 ? self.description : IPAddress(high: self.high, low: 0).description + "/64"
    }

    /// `192.0.2.1`, or the one text that RFC 5952 allows: `2001:db8::1`.
    public var description: String {
        if self.isIPv4 {
            return [24, 16, 8, 0].map { (shift: UInt64) in String((self.low >> shift) & 0xFF) }.joined(separator: ".")
        }
        let shifts: [UInt64] = [48, 32, 16, 0]
        let groups: [UInt64] = shifts.map { (self.high >> $0) & 0xFFFF } + shifts.map { (self.low >> $0) & 0xFFFF }
        var zeros = 0..<0
        var start = 0
        for place in 0...8 where place == 8 || groups[place] != 0 {
            if place - start > max(1, zeros.count) { zeros = start..<place }
            start = place + 1
        }
        func text(_ part: ArraySlice<UInt64>) -> String { part.map { String($0, radix: 16) }.joined(separator: ":") }
        guard !zeros.isEmpty else { return text(groups[...]) }
        return text(groups[..<zeros.lowerBound]) + "::" + text(groups[zeros.upperBound...])
    }

    // MARK: Reading

    /// Four numbers below 256 without leading zeros, which some read as octal.
    private static func dotted(_ bytes: ArraySlice<UInt8>) -> UInt32? {
        let parts = bytes.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard 1...3 ~= part.count, part.allSatisfy(ByteGrammar.isDigit), part.count == 1 || part.first != 0x30 else {
                return nil
            }
            let number = part.reduce(0) { $0 * 10 + UInt32($1 - 0x30) }
            guard number < 256 else { return nil }
            address = address << 8 | number
        }
        return address
    }

    /// Eight groups of 16 bits (RFC 4291 §2.2).
    private static func groups(_ bytes: ArraySlice<UInt8>) -> [UInt16]? {
        guard bytes.count <= 45 else { return nil }
        let halves = Self.halves(bytes)
        guard halves.count <= 2, let first = Self.run(halves[0], endsAddress: halves.count == 1) else { return nil }
        guard halves.count == 2 else { return first.count == 8 ? first : nil }
        guard let last = Self.run(halves[1], endsAddress: true), first.count + last.count <= 7 else { return nil }
        return first + Array(repeating: 0, count: 8 - first.count - last.count) + last
    }

    /// What stands before and after each `::`.
    private static func halves(_ bytes: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var (halves, start, place) = ([ArraySlice<UInt8>](), bytes.startIndex, bytes.startIndex)
        while place + 1 < bytes.endIndex {
            if bytes[place] == 0x3A, bytes[place + 1] == 0x3A {
                halves.append(bytes[start..<place])
                place += 1
                start = place + 1
            }
            place += 1
        }
        return halves + [bytes[start...]]
    }

    private static func run(_ bytes: ArraySlice<UInt8>, endsAddress: Bool) -> [UInt16]? {
        guard !bytes.isEmpty else { return [] }
        let parts = bytes.split(separator: 0x3A, omittingEmptySubsequences: false)
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if endsAddress, index == parts.count - 1, part.contains(0x2E) {
                guard let address = Self.dotted(part) else { return nil }
                groups += [UInt16(address >> 16), UInt16(truncatingIfNeeded: address)]
            } else {
                guard 1...4 ~= part.count, let group = UInt16(String(decoding: part, as: UTF8.self), radix: 16),
                    part.first != 0x2B, part.first != 0x2D
                else { return nil }
                groups.append(group)
            }
        }
        return groups.count <= 8 ? groups : nil
    }
}

/// A block of addresses: those that share their first bits (RFC 4632 §3.1).
public struct AddressRange: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt64
    /// Of 128.
    private let bits: Int

    /// Nil unless the text is an address, or one with `/` and how many of its bits count, the others being zero.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard 1...2 ~= parts.count, let address = IPAddress(String(parts[0])) else { return nil }
        let width = address.isIPv4 && !parts[0].contains(":") ? 32 : 128
        var bits = width
        if parts.count == 2 {
            guard 1...3 ~= parts[1].utf8.count, parts[1].utf8.allSatisfy(ByteGrammar.isDigit), let count = Int(parts[1]),
                count <= width
            else { return nil }
            bits = count
        }
        self.bits = bits + 128 - width
        let (high, low) = Self.masks(self.bits)
        guard address.high & ~high == 0, address.low & ~low == 0 else { return nil }
        self.high = address.high
        self.low = address.low
    }

    /// Whether the block holds the address.
    public func contains(_ address: IPAddress) -> Bool {
        let (high, low) = Self.masks(self.bits)
        return address.high & high == self.high && address.low & low == self.low
    }

    /// Whether it holds every address there is, of IPv4 or in all.
    public var isEverything: Bool { self.bits == 0 || (self.bits == 96 && self.high == 0 && self.low >> 32 == 0xFFFF) }

    private static func masks(_ bits: Int) -> (high: UInt64, low: UInt64) {
        (bits == 0 ? 0 : .max << UInt64(max(0, 64 - bits)), bits <= 64 ? 0 : .max << UInt64(128 - bits))
    }

    /// This machine: `127.0.0.0/8` and `::1`.
    public static let loopback = ["127.0.0.0/8", "::1"].compactMap { Self($0) }
    /// Networks without a way in from outside: RFC 1918, RFC 4193, and link-local ones.
    public static let `private` = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "169.254.0.0/16", "fe80::/10"]
        .compactMap { Self($0) }
}
