// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Base58 with Bitcoin's alphabet: without `0`, `O`, `I` and `l`. Source: Bitcoin Core, src/base58.h.
///
/// Both directions take time in the square of the length, so both have a limit.
public enum Base58 {
    /// The longest text that is decoded, in bytes. An extended key with its checksum has 112.
    public static let textSizeMax = 256

    private static let alphabet = [UInt8]("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".utf8)
    private static let values: [UInt8: UInt8] = Dictionary(
        uniqueKeysWithValues: alphabet.enumerated().map { ($0.element, UInt8($0.offset)) }
    )

    /// The text of `bytes`: each leading zero byte is a `1`, the rest is one number.
    public static func encode(_ bytes: [UInt8]) -> String {
        let zeros = bytes.prefix { $0 == 0 }.count
        var digits: [UInt8] = []  // Least significant first.
        for byte in bytes.dropFirst(zeros) {
            var carry = Int(byte)
            for index in digits.indices {
                carry += Int(digits[index]) << 8
                digits[index] = UInt8(carry % 58)
                carry /= 58
            }
            while carry > 0 {
                digits.append(UInt8(carry % 58))
                carry /= 58
            }
        }
        let text = [UInt8](repeating: self.alphabet[0], count: zeros) + digits.reversed().map { self.alphabet[Int($0)] }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes that `text` stands for; nil with a character outside of the alphabet, and over ``textSizeMax``.
    public static func decode(_ text: some StringProtocol) -> [UInt8]? {
        let text = Array(text.utf8)
        guard text.count <= self.textSizeMax else { return nil }
        let zeros = text.prefix { $0 == self.alphabet[0] }.count
        var bytes: [UInt8] = []  // Least significant first.
        for character in text.dropFirst(zeros) {
            guard let value = self.values[character] else { return nil }
            var carry = Int(value)
            for index in bytes.indices {
                carry += Int(bytes[index]) * 58
                bytes[index] = UInt8(carry & 0xFF)
                carry >>= 8
            }
            while carry > 0 {
                bytes.append(UInt8(carry & 0xFF))
                carry >>= 8
            }
        }
        return [UInt8](repeating: 0, count: zeros) + bytes.reversed()
    }
}
