// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

extension TransferProof {
    /// What one 402 is known by: 16 random bytes, 32 lower-case digits on the wire.
    ///
    /// With a proof it is the secret that a stored answer is given for, so it is not printed by accident; ``text`` is for the
    /// wire.
    public struct Reference: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
        /// The number of bytes.
        public static let size = 16

        /// The bytes.
        public let bytes: [UInt8]

        /// Nil unless `bytes` are exactly sixteen.
        public init?(bytes: some Collection<UInt8>) {
            guard bytes.count == Self.size else { return nil }
            self.bytes = Array(bytes)
        }

        /// Nil unless `text` is exactly 32 digits, letters in lower case: it is signed byte for byte.
        public init?(_ text: some StringProtocol) {
            let isLowercaseHex = text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
            guard text.utf8.count == 2 * Self.size, isLowercaseHex, let bytes = Hex.decode(text) else { return nil }
            self.bytes = bytes
        }

        /// 32 lower-case digits.
        public var text: String { Hex.encode(self.bytes) }

        /// Never the reference.
        public var description: String { "<redacted>" }
        /// No children, so that `dump` shows nothing.
        public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }

        /// Takes the same time wherever two differ.
        public static func == (left: Self, right: Self) -> Bool { constantTimeEquals(left.bytes, right.bytes) }
    }
}
