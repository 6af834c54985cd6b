// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// A host with an optional port, as in `Host` (RFC 9110 §7.2), read strictly.
public struct Authority: Hashable, Sendable {
    /// The host in lower case, an IPv6 address without its brackets.
    public let host: String
    /// The port, 1–65535; nil when not given.
    public let port: UInt16?

    /// Nil unless the bytes are a name, an IPv4 address or a bracketed IPv6 address, and perhaps a port.
    public init?(_ bytes: ArraySlice<UInt8>) {
        let bytes = Array(bytes)
        guard let split = Self.split(bytes.span) else { return nil }
        self.host = String(decoding: bytes[split.host].map(ByteGrammar.lowercased), as: UTF8.self)
        guard let digits = split.port else {
            self.port = nil
            return
        }
        guard let port = UInt16(String(decoding: bytes[digits], as: UTF8.self)), port > 0 else { return nil }
        self.port = port
    }

    /// Whether the bytes are an authority, without building one.
    public static func isValid(_ bytes: ArraySlice<UInt8>) -> Bool { self.isValid(bytes.span) }

    /// Whether the bytes are an authority, without building one.
    public static func isValid(_ bytes: Span<UInt8>) -> Bool { self.split(bytes) != nil }

    private static func split(_ bytes: Span<UInt8>) -> (host: Range<Int>, port: Range<Int>?)? {
        var end = 0
        let host: Range<Int>
        if !bytes.isEmpty, bytes[0] == UInt8(ascii: "[") {
            end = 1
            var colons = 0
            while end < bytes.count, Self.isIPv6(bytes[end]) {
                colons += bytes[end] == UInt8(ascii: ":") ? 1 : 0
                end += 1
            }
            guard end < bytes.count, bytes[end] == UInt8(ascii: "]"), 2...7 ~= colons else { return nil }
            host = 1..<end
            end += 1
        } else {
            while end < bytes.count, Self.isName(bytes[end]) { end += 1 }
            guard end > 0 else { return nil }
            host = 0..<end
        }
        guard end < bytes.count else { return (host, nil) }
        let digits = (end + 1)..<bytes.count
        guard bytes[end] == UInt8(ascii: ":"), 1...5 ~= digits.count else { return nil }
        for place in digits where !ByteGrammar.isDigit(bytes[place]) { return nil }
        return (host, digits)
    }

    /// Letters, digits, `-`, `.`, `_`: what names in use are made of. RFC 3986 allows more, DNS does not.
    private static func isName(_ byte: UInt8) -> Bool {
        ByteGrammar.isDigit(byte) || ByteGrammar.lowercased(byte) &- 0x61 < 26 || byte == 0x2D || byte == 0x2E || byte == 0x5F
    }

    private static func isIPv6(_ byte: UInt8) -> Bool {
        ByteGrammar.isDigit(byte) || ByteGrammar.lowercased(byte) &- 0x61 < 6 || byte == 0x3A || byte == 0x2E
    }
}
