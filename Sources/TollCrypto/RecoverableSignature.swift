// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// An ECDSA signature over secp256k1 from which the signer's key can be computed.
public struct RecoverableSignature: Hashable, Sendable, CustomStringConvertible {
    /// Why no key was recovered.
    public enum RecoveryError: Error, Hashable, Sendable {
        /// s is above half the group order: valid mathematics, refused by EIP-2 and by tokens, since with it every signature
        /// would have a twin.
        case highS
        /// No key could have made it.
        case unrecoverable
    }

    /// The signature's r, big-endian.
    public let r: Bytes32
    /// The signature's s, big-endian.
    public let s: Bytes32
    /// Which of two keys: 0 or 1, the parity of the nonce point's y. Called `v` with 27 added.
    public let recoveryID: UInt8

    /// Nil unless `recoveryID` is 0 or 1. Whether r and s lie in the group shows only when recovering.
    public init?(r: Bytes32, s: Bytes32, recoveryID: UInt8) {
        guard recoveryID < 2 else { return nil }
        self.r = r
        self.s = s
        self.recoveryID = recoveryID
    }

    /// From r, s and v in 65 bytes. v may be 0, 1, 27 or 28; anything else, like EIP-155's, is no signature of a message.
    public init?(bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count == 65 else { return nil }
        switch bytes[64] {
        case 0, 1: self.init(compact: bytes[..<64], recoveryID: bytes[64])
        case 27, 28: self.init(compact: bytes[..<64], recoveryID: bytes[64] - 27)
        default: return nil
        }
    }

    init?(compact: ArraySlice<UInt8>, recoveryID: UInt8) {
        guard let r = Bytes32(Array(compact.prefix(32))), let s = Bytes32(Array(compact.dropFirst(32))) else { return nil }
        self.init(r: r, s: s, recoveryID: recoveryID)
    }

    /// 27 or 28, as contracts want it.
    public var v: UInt8 { self.recoveryID + 27 }

    /// r, s and v (27 or 28): 65 bytes.
    public var bytes: [UInt8] { self.r.bytes + self.s.bytes + [self.v] }

    /// Whether s is above half the group order.
    public var isHighS: Bool { UInt256(self.s) > Self.halfOrder }

    /// The key that signed `digest`.
    public func recover(digest: Bytes32) throws(RecoveryError) -> PublicKey {
        guard !self.isHighS else { throw .highS }
        let compact = self.r.bytes + self.s.bytes
        guard let point = Secp256k1.shared.recover(digest, compact: compact, recoveryID: Int32(self.recoveryID)) else {
            throw .unrecoverable
        }
        return PublicKey(valid: point)
    }

    /// `0x` and 130 lower-case digits.
    public var description: String { Hex.encodePrefixed(self.bytes) }

    /// The order of the group less one, halved (SEC 2 §2.4.1).
    private static let halfOrder = UInt256(hex: "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0")!
}
