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
}
