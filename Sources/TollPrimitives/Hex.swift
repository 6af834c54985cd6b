// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Hexadecimal text, lower case on output, either case on input.
public enum Hex {
    private static let prefix = [UInt8]("0x".utf8)

    /// Two lower-case digits a byte, without a prefix.
    public static func encode(_ bytes: some Sequence<UInt8>) -> String {
        let bytes = Array(bytes)
        return text(of: bytes.count) { bytes[$0] }
    }

    /// The same with `0x` in front, as Ethereum writes byte strings.
    public static func encodePrefixed(_ bytes: some Sequence<UInt8>) -> String {
        let bytes = Array(bytes)
        return text(of: bytes.count, isPrefixed: true) { bytes[$0] }
    }

    /// The digits of `count` bytes.
    static func text(of count: Int, isPrefixed: Bool = false, _ byte: (Int) -> UInt8) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(2 * count + 2)
        if isPrefixed { text.append(contentsOf: prefix) }
        for index in 0..<count {
            let byte = byte(index)
            text.append(digit(byte >> 4))
            text.append(digit(byte & 15))
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends the digits of `bytes` as ASCII.
    public static func append(_ bytes: [UInt8], to text: inout [UInt8]) {
        text.reserveCapacity(text.count + bytes.count * 2)
        for byte in bytes {
            text.append(digit(byte >> 4))
            text.append(digit(byte & 15))
        }
    }

    /// Appends the digits of `bytes` as ASCII.
    public static func append(_ bytes: some Sequence<UInt8>, to text: inout [UInt8]) {
        append(Array(bytes), to: &text)
    }

    /// The bytes that `text` stands for, or nil when it has an odd length or a character that is no digit.
    /// A leading `0x` is skipped.
    public static func decode(_ text: some StringProtocol) -> [UInt8]? {
        decode(utf8: Array(text.utf8)[...])
    }

    /// As ``decode(_:)``, from ASCII.
    public static func decode(utf8 text: ArraySlice<UInt8>) -> [UInt8]? {
        let hasPrefix = text.count >= 2 && text[text.startIndex] == 0x30 && text[text.startIndex + 1] == 0x78
        let digits = hasPrefix ? text.dropFirst(2) : text
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        var index = digits.startIndex
        while index < digits.endIndex {
            guard let high = value(of: digits[index]), let low = value(of: digits[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
            index += 2
        }
        return bytes
    }

    /// Whether ``decode(_:)`` reads `text`.
    public static func isValid(_ text: String) -> Bool {
        text.utf8.count.isMultiple(of: 2)
            && text.utf8.dropFirst(text.utf8.starts(with: prefix) ? 2 : 0).allSatisfy { value(of: $0) != nil }
    }

    /// The 64-bit words that 64 digits stand for, most significant first, with or without `0x`; nil for any other text.
    static func words(_ text: some StringProtocol) -> (UInt64, UInt64, UInt64, UInt64)? {
        var digits = Array(text.utf8)[...]
        if digits.count == 66, digits.starts(with: prefix) { digits = digits.dropFirst(2) }
        guard digits.count == 64 else { return nil }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        for digit in digits {
            guard let value = value(of: digit) else { return nil }
            words = (
                words.0 << 4 | words.1 >> 60, words.1 << 4 | words.2 >> 60, words.2 << 4 | words.3 >> 60,
                words.3 << 4 | UInt64(value)
            )
        }
        return words
    }

    /// The value of one digit, 0 to 15.
    public static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x41 + 10
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
