// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

/// A point of secp256k1 in its uncompressed form: x and y, 64 bytes, without the leading 0x04.
public struct PublicKey: Hashable, Sendable, CustomStringConvertible {
    /// x and y, big-endian, 32 bytes each.
    public let bytes: [UInt8]

    /// Nil unless the 64 bytes are a point of the curve.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 64, Secp256k1.shared.isValid(point: bytes) else { return nil }
        self.bytes = bytes
    }

    /// From the library, which returns points only.
    init(valid bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// `0x` and 128 lower-case digits.
    public var description: String { Hex.encodePrefixed(self.bytes) }
}
