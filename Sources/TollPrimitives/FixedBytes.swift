// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Thirty-two bytes: a hash, a nonce, a storage word.
public struct Bytes32: Hashable, Sendable, CustomStringConvertible {
    /// Big-endian words, most significant first.
    let words: (UInt64, UInt64, UInt64, UInt64)

    init(words: (UInt64, UInt64, UInt64, UInt64)) {
        self.words = words
    }

    /// All zero.
    public static let zero = Bytes32(words: (0, 0, 0, 0))

    /// Nil unless `bytes` are exactly thirty-two.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        let bytes = unsafe bytes.span.bytes
        self.words = (Self.word(bytes, at: 0), Self.word(bytes, at: 8), Self.word(bytes, at: 16), Self.word(bytes, at: 24))
    }

    /// Nil unless `bytes` are exactly thirty-two.
    public init?(_ bytes: some Collection<UInt8>) {
        self.init(Array(bytes))
    }

    private static func word(_ bytes: RawSpan, at offset: Int) -> UInt64 {
        UInt64(bigEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// From 64 hexadecimal digits, with or without `0x`.
    public init?(hex: some StringProtocol) {
        guard let words = Hex.words(hex) else { return nil }
        self.words = words
    }

    /// The byte at `index`, from 0.
    func byte(_ index: Int) -> UInt8 {
        let word =
            switch index >> 3 {
            case 0: self.words.0
            case 1: self.words.1
            case 2: self.words.2
            default: self.words.3
            }
        return UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * (index & 7)))
    }

    /// 64 lower-case digits without a prefix.
    public var hex: String { Hex.text(of: 32) { self.byte($0) } }

    /// The last `count` bytes as lower-case digits with `0x` in front: an address is the last twenty.
    public func lastBytesHex(_ count: Int) -> String { Hex.text(of: count, isPrefixed: true) { self.byte(32 - count + $0) } }

    /// The bytes in order.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        self.append(to: &bytes)
        return bytes
    }

    /// Appends the bytes in order.
    public func append(to bytes: inout [UInt8]) {
        let words = (self.words.0.bigEndian, self.words.1.bigEndian, self.words.2.bigEndian, self.words.3.bigEndian)
        unsafe withUnsafeBytes(of: words) { unsafe bytes.append(contentsOf: $0) }
    }

    /// `0x` and 64 lower-case digits.
    public var description: String { self.lastBytesHex(32) }

    /// Equality of values, not secrets: use ``constantTimeEquals(_:_:)`` for those.
    public static func == (left: Self, right: Self) -> Bool {
        left.words == right.words
    }

    /// Feeds the four words.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.words.0)
        hasher.combine(self.words.1)
        hasher.combine(self.words.2)
        hasher.combine(self.words.3)
    }
}

/// Compares secrets without telling by its duration where they differ. Lengths are not secret.
public func constantTimeEquals(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for index in left.indices { difference |= left[index] ^ right[index] }
    return difference == 0
}
