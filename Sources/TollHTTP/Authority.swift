// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// A host with an optional port, as in `Host` (RFC 9110 §7.2), read strictly.
public struct Authority: Hashable, Sendable {
    /// The host in lower case, an IPv6 address without its brackets.
    public let host: String
    /// The port, 1–65535; nil when not given.
    public let port: UInt16?

    /// Nil unless the bytes are a name, an IPv4 address or a bracketed IPv6 address, and perhaps a port.
    public init?(_ bytes: ArraySlice<UInt8>) {
        guard let split = Self.split(bytes) else { return nil }
        self.host = String(decoding: split.host.map(ByteGrammar.lowercased), as: UTF8.self)
        guard let digits = split.port else {
            self.port = nil
            return
        }
        guard let port = UInt16(String(decoding: digits, as: UTF8.self)), port > 0 else { return nil }
        self.port = port
    }

    /// Whether the bytes could be an authority, without building one.
    public static func isValid(_ bytes: ArraySlice<UInt8>) -> Bool { self.split(bytes) != nil }

    private static func split(_ bytes: ArraySlice<UInt8>) -> (host: ArraySlice<UInt8>, port: ArraySlice<UInt8>?)? {
        let host: ArraySlice<UInt8>
        var rest: ArraySlice<UInt8>
        if bytes.first == 0x5B {
            guard let close = bytes.firstIndex(of: 0x5D) else { return nil }
            host = bytes[(bytes.startIndex + 1)..<close]
            rest = bytes[(close + 1)...]
            guard host.contains(0x3A), host.allSatisfy(Self.isIPv6) else { return nil }
        } else {
            let colon = bytes.firstIndex(of: 0x3A) ?? bytes.endIndex
            host = bytes[..<colon]
            rest = bytes[colon...]
            guard !host.isEmpty, host.allSatisfy(Self.isName) else { return nil }
        }
        guard rest.popFirst() != nil else { return (host, nil) }
        let startsWithColon = bytes[rest.startIndex - 1] == 0x3A
        guard startsWithColon, 1...5 ~= rest.count, rest.allSatisfy(ByteGrammar.isDigit) else { return nil }
        return (host, rest)
    }

    /// Letters, digits, `-`, `.`, `_`: what names in use are made of. RFC 3986 allows more, DNS does not.
    private static func isName(_ byte: UInt8) -> Bool {
        ByteGrammar.isDigit(byte) || ByteGrammar.lowercased(byte) &- 0x61 < 26 || byte == 0x2D || byte == 0x2E || byte == 0x5F
    }

    private static func isIPv6(_ byte: UInt8) -> Bool {
        ByteGrammar.isDigit(byte) || ByteGrammar.lowercased(byte) &- 0x61 < 6 || byte == 0x3A || byte == 0x2E
    }
}
