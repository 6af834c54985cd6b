// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Percent-encoding (RFC 3986 §2.1).
public enum PercentText {
    /// The UTF-8 of a text with everything but letters, digits and `-._~` (RFC 3986 §2.3) encoded.
    public static func encode(_ text: some StringProtocol) -> String {
        text.utf8.map { byte in
            let isPlain = (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || "-._~".utf8.contains(byte)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + Hex.encode([byte]).uppercased()
        }.joined()
    }

    /// The text that ``encode(_:)`` or another encoder made: one round, so `%2525` is `%25`. Nil when a percent sign stands
    /// without two digits, and when the bytes are no UTF-8.
    public static func decode(_ text: some StringProtocol) -> String? {
        decode(utf8: Array(text.utf8)[...])
    }

    /// As ``decode(_:)``, from UTF-8.
    static func decode(utf8 text: ArraySlice<UInt8>) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(Hex.value(of:)), let low = rest.popFirst().flatMap(Hex.value(of:)) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
