// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// The character classes of RFC 9110 and RFC 9112, as bit masks: one shift and one test per byte.
public enum ByteGrammar {
    /// `tchar` of RFC 9110 §5.6.2: letters, digits and `!#$%&'*+-.^_`|~`.
    @inlinable
    public static func isToken(_ byte: UInt8) -> Bool {
        self.test(byte, low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE)
    }

    /// A byte of a request target: visible ASCII without `#`, since a fragment is never sent (RFC 9110 §4.2.5).
    @inlinable
    public static func isTarget(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7F && byte != 0x23 }

    /// A byte of a field value (RFC 9110 §5.5): visible ASCII, SP, HTAB, obs-text; no other control.
    @inlinable
    public static func isValue(_ byte: UInt8) -> Bool { byte >= 0x20 ? byte != 0x7F : byte == 0x09 }

    /// ASCII lower case; other bytes unchanged.
    @inlinable
    public static func lowercased(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

    /// True for `0`–`9`.
    @inlinable
    public static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    @inlinable
    @inline(__always)
    static func test(_ byte: UInt8, low: UInt64, high: UInt64) -> Bool {
        byte < 128 && ((byte < 64 ? low : high) >> UInt64(byte & 63)) & 1 == 1
    }
}
