// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

extension X402V2 {
    /// The extension `sign-in-with-x`: a client proves that an account is its own by signing a text (CAIP-122) that names the
    /// server. Source: x402 specs/extensions/sign-in-with-x.md; the text for EVM accounts is EIP-4361's.
    public enum SignIn {
        /// The key in `extensions`.
        public static let name = "sign-in-with-x"
        /// The field of a request that carries a ``Proof``.
        public static let header = "SIGN-IN-WITH-X"
        /// Decoded bytes of the field: a proof is well below 1 KiB, a wallet's signature that carries its deployment a few.
        public static let sizeMax = 8 * 1024

        /// How an account signs.
        public enum SignatureType: String, Hashable, Sendable {
            /// EIP-191 text by an EVM account; contracts included (ERC-1271).
            case eip191
            /// Ed25519 by a Solana account.
            case ed25519
        }

        /// Bytes of the longest text member.
        static let textSizeMax = 1024
        /// Bytes of the longest URI.
        static let uriSizeMax = 2048
        /// Resources that one sign-in names.
        static let resourceCountMax = 16
    }
}

/// What the members of a sign-in may hold. Each of them becomes a line of the signed text, so none may hold a line break: one
/// that did could forge the lines after it.
enum SignInGrammar {
    /// RFC 3986 authority without user information: no space, nothing that would begin a path, query or fragment.
    static func domain(_ text: String) -> String? {
        let isAuthority = text.utf8.allSatisfy { Self.isGraphic($0) && !Self.delimiters.contains($0) }
        return (1...255).contains(text.utf8.count) && isAuthority ? text : nil
    }

    private static let delimiters = Set("/?#@\\".utf8)

    /// Printable ASCII without spaces and without what RFC 3986 has no place for.
    static func uri(_ text: String) -> String? {
        let isURI = text.utf8.allSatisfy { Self.isGraphic($0) && !Self.excluded.contains($0) } && text.contains(":")
        return text.utf8.count <= X402V2.SignIn.uriSizeMax && isURI ? text : nil
    }

    private static let excluded = Set("\"<>\\^`{|}".utf8)

    /// EIP-4361: at least eight letters and digits.
    static func nonce(_ text: String) -> String? {
        let isAlphanumeric = text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: false
            }
        }
        return (8...128).contains(text.utf8.count) && isAlphanumeric ? text : nil
    }

    /// A line of printable ASCII.
    static func line(_ text: String) -> String? {
        let isLine = text.utf8.allSatisfy { Self.isGraphic($0) || $0 == 0x20 }
        return (1...X402V2.SignIn.textSizeMax).contains(text.utf8.count) && isLine ? text : nil
    }

    /// RFC 3339.
    static func time(_ text: String) -> String? {
        CalendarTime.parse(rfc3339: text) == nil ? nil : text
    }

    private static func isGraphic(_ byte: UInt8) -> Bool { (0x21...0x7E).contains(byte) }
}
