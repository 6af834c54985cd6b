// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import CSecp256k1
internal import TollPrimitives

/// The C library behind the key types, and the one context all of them share.
///
/// The context is blinded with fresh randomness when it is made and only read afterwards, which the library allows from any
/// number of threads.
@safe
struct Secp256k1: Sendable {
    static let shared = Secp256k1()

    private nonisolated(unsafe) let context: OpaquePointer

    private init() {
        guard let context = unsafe secp256k1_context_create(UInt32(SECP256K1_CONTEXT_NONE)) else {
            preconditionFailure("No memory for the secp256k1 context.")
        }
        let blinded = SecureRandom.secret(32).withExposed { seed in
            unsafe seed.withUnsafeBufferPointer { unsafe secp256k1_context_randomize(context, $0.baseAddress!) }
        }
        precondition(blinded == 1, "The secp256k1 context could not be blinded.")
        unsafe self.context = context
    }

    /// Whether `key` is a number from 1 to the group order less 1.
    func isValid(key: Span<UInt8>) -> Bool {
        guard key.count == 32 else { return false }
        return unsafe key.withUnsafeBufferPointer { unsafe secp256k1_ec_seckey_verify(self.context, $0.baseAddress!) } == 1
    }

    /// Whether x and y are the coordinates of a point of the curve.
    func isValid(point: [UInt8]) -> Bool {
        self.parse([0x04] + point) != nil
    }

    /// The 64 bytes of the public key; `key` was found valid.
    func publicKey(of key: Span<UInt8>) -> [UInt8] {
        var point = secp256k1_pubkey()
        let status = unsafe key.withUnsafeBufferPointer {
            unsafe secp256k1_ec_pubkey_create(self.context, &point, $0.baseAddress!)
        }
        precondition(status == 1, "A private key was used that was never checked.")
        return self.serialize(&point)
    }

    /// r and s in 64 bytes, s low, and the recovery id. The nonce is RFC 6979's. `key` was found valid.
    func sign(_ digest: Bytes32, key: Span<UInt8>) -> (compact: [UInt8], recoveryID: Int32) {
        var signature = secp256k1_ecdsa_recoverable_signature()
        let message = digest.bytes
        let status = unsafe key.withUnsafeBufferPointer {
            unsafe secp256k1_ecdsa_sign_recoverable(self.context, &signature, message, $0.baseAddress!, nil, nil)
        }
        precondition(status == 1, "A private key was used that was never checked.")
        var compact = [UInt8](repeating: 0, count: 64)
        var recoveryID: Int32 = 0
        _ = unsafe secp256k1_ecdsa_recoverable_signature_serialize_compact(self.context, &compact, &recoveryID, &signature)
        return (compact, recoveryID)
    }

    /// The 64 bytes of the public key that made the signature; nil when there is none.
    func recover(_ digest: Bytes32, compact: [UInt8], recoveryID: Int32) -> [UInt8]? {
        var signature = secp256k1_ecdsa_recoverable_signature()
        var point = secp256k1_pubkey()
        guard
            unsafe secp256k1_ecdsa_recoverable_signature_parse_compact(self.context, &signature, compact, recoveryID) == 1,
            unsafe secp256k1_ecdsa_recover(self.context, &point, &signature, digest.bytes) == 1
        else { return nil }
        return self.serialize(&point)
    }

    /// The 64 bytes of point + tweak × G; nil when the tweak is not below the group order, or the sum is the point at infinity.
    /// `point` was found valid.
    func sum(of point: [UInt8], tweak: Bytes32) -> [UInt8]? {
        guard var sum = self.parse([0x04] + point), unsafe secp256k1_ec_pubkey_tweak_add(self.context, &sum, tweak.bytes) == 1
        else { return nil }
        return self.serialize(&sum)
    }

    /// The 64 bytes of a point in its compressed form, 33 bytes; nil when it is none.
    func decompress(_ compressed: [UInt8]) -> [UInt8]? {
        guard compressed.count == 33, var point = self.parse(compressed) else { return nil }
        return self.serialize(&point)
    }

    private func parse(_ bytes: [UInt8]) -> secp256k1_pubkey? {
        var point = secp256k1_pubkey()
        return unsafe secp256k1_ec_pubkey_parse(self.context, &point, bytes, bytes.count) == 1 ? point : nil
    }

    /// Without the 0x04 that tells the uncompressed form.
    private func serialize(_ point: inout secp256k1_pubkey) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 65)
        var count = bytes.count
        _ = unsafe secp256k1_ec_pubkey_serialize(self.context, &bytes, &count, &point, UInt32(SECP256K1_EC_UNCOMPRESSED))
        return Array(bytes[1...])
    }
}
