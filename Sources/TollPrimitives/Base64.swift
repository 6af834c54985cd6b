// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Base64 as x402 headers carry it (RFC 4648 §4) and as JOSE carries it (§5).
public enum Base64 {
    private static let standard = [UInt8]("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let urlSafe = [UInt8]("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// Standard alphabet, padded: what every x402 header wants.
    public static func encode(_ bytes: [UInt8]) -> String {
        String(decoding: encodeUTF8(bytes), as: UTF8.self)
    }

    /// As ``encode(_:)``, as ASCII.
    public static func encodeUTF8(_ bytes: [UInt8]) -> [UInt8] {
        encode(bytes, alphabet: standard, padded: true)
    }

    /// URL-safe alphabet, unpadded: JWS parts and MPP.
    public static func encodeURL(_ bytes: [UInt8]) -> String {
        String(decoding: encode(bytes, alphabet: urlSafe, padded: false), as: UTF8.self)
    }

    private static func encode(_ bytes: [UInt8], alphabet: [UInt8], padded: Bool) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let left = bytes.count - index
            let second = left > 1 ? bytes[index + 1] : 0
            let third = left > 2 ? bytes[index + 2] : 0
            let word = UInt32(bytes[index]) << 16 | UInt32(second) << 8 | UInt32(third)
            text.append(alphabet[Int(word >> 18 & 63)])
            text.append(alphabet[Int(word >> 12 & 63)])
            if left > 1 { text.append(alphabet[Int(word >> 6 & 63)]) } else if padded { text.append(0x3D) }
            if left > 2 { text.append(alphabet[Int(word & 63)]) } else if padded { text.append(0x3D) }
            index += 3
        }
        return text
    }

    /// Decodes either alphabet, padded or not: peers send all four. Refused (nil): other characters, padding in the middle
    /// or of the wrong length, a length that no encoder makes, both alphabets mixed, and bits set beyond the last byte, so that
    /// one value has one text in each alphabet.
    public static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var text = text
        if text.count.isMultiple(of: 4), text.last == 0x3D {
            text = text.dropLast()
            if text.last == 0x3D { text = text.dropLast() }
        }
        guard text.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count * 3 / 4)
        var word: UInt32 = 0
        var bits = 0
        // Of the characters in which the alphabets differ, which were seen: bit 0 the standard one's, bit 1 the other's.
        var alphabets: UInt8 = 0
        for character in text {
            guard let value = value(of: character) else { return nil }
            if value >= 62 { alphabets |= character == 0x2D || character == 0x5F ? 2 : 1 }
            word = word << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)))
            }
        }
        guard word & (1 << UInt32(bits) - 1) == 0, alphabets != 3 else { return nil }
        return bytes
    }

    /// As the other ``decode(_:)``, from text.
    public static func decode(_ text: some StringProtocol) -> [UInt8]? {
        decode(Array(text.utf8)[...])
    }

    private static func value(of character: UInt8) -> UInt8? {
        switch character {
        case 0x41...0x5A: character - 0x41
        case 0x61...0x7A: character - 0x61 + 26
        case 0x30...0x39: character - 0x30 + 52
        case 0x2B, 0x2D: 62
        case 0x2F, 0x5F: 63
        default: nil
        }
    }
}
