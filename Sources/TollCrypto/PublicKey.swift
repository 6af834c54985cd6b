// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// A point of secp256k1 in its uncompressed form: x and y, 64 bytes, without the leading 0x04.
public struct PublicKey: Hashable, Sendable, CustomStringConvertible {
    /// x and y, big-endian, 32 bytes each.
    public let bytes: [UInt8]

    /// Nil unless the 64 bytes are a point of the curve.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 64, Secp256k1.shared.isValid(point: bytes) else { return nil }
        self.bytes = bytes
    }

    /// From the compressed form (SEC 1 §2.3.3): 0x02 or 0x03 for the parity of y, then x. Nil unless these 33 bytes are a point.
    public init?(compressed: [UInt8]) {
        guard let bytes = Secp256k1.shared.decompress(compressed) else { return nil }
        self.bytes = bytes
    }

    /// The compressed form (SEC 1 §2.3.3), 33 bytes.
    public var compressed: [UInt8] { [0x02 | self.bytes[63] & 1] + self.bytes[..<32] }

    /// This point + `tweak` × G. Nil when the tweak is not below the group order, or the sum is the point at infinity: one
    /// tweak in 2^127 at most.
    public func adding(tweak: Bytes32) -> PublicKey? {
        Secp256k1.shared.sum(of: self.bytes, tweak: tweak).map(PublicKey.init(valid:))
    }

    /// From the library, which returns points only.
    init(valid bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// `0x` and 128 lower-case digits.
    public var description: String { Hex.encodePrefixed(self.bytes) }
}
