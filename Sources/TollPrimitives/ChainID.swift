// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// A blockchain by its CAIP-2 identifier: `eip155:8453`, `solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp`.
public struct ChainID: Hashable, Sendable, CustomStringConvertible {
    /// `eip155`, `solana` …: three to eight of `a-z0-9-`.
    public let namespace: String
    /// The chain within it: one to thirty-two of `a-zA-Z0-9_-`.
    public let reference: String

    /// Nil when the text does not keep CAIP-2's grammar. An `eip155` reference must be a decimal number without leading zeros.
    public init?(_ text: some StringProtocol) {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let (namespace, reference) = (String(text[..<colon]), String(text[text.utf8.index(after: colon)...]))
        guard (3...8).contains(namespace.utf8.count), namespace.utf8.allSatisfy(Self.isNamespaceByte),
            (1...32).contains(reference.utf8.count), reference.utf8.allSatisfy(Self.isReferenceByte)
        else { return nil }
        if namespace == "eip155", UInt256(decimal: reference) == nil { return nil }
        self.namespace = namespace
        self.reference = reference
    }

    /// An EVM chain by its number.
    public init(eip155 number: UInt64) {
        self.namespace = "eip155"
        self.reference = String(number)
    }

    /// The number of an EVM chain; nil for other namespaces and for numbers over 64 bits.
    public var eip155: UInt64? {
        self.namespace == "eip155" ? UInt64(self.reference) : nil
    }

    /// `namespace:reference`.
    public var description: String { "\(self.namespace):\(self.reference)" }

    private static func isNamespaceByte(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2D
    }

    private static func isReferenceByte(_ byte: UInt8) -> Bool {
        isNamespaceByte(byte) || (0x41...0x5A).contains(byte) || byte == 0x5F
    }
}
