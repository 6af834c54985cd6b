// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// A secp256k1 private key: erased when the last copy goes, never printed.
public struct PrivateKey: Sendable, CustomStringConvertible, CustomReflectable {
    private let secret: SecureBytes

    /// Nil unless `bytes` are thirty-two and a number from 1 to the group order less 1. The original is not erased.
    public init?(bytes: some Collection<UInt8>) {
        self.init(SecureBytes(bytes))
    }

    /// As ``init(bytes:)``, without another copy.
    public init?(_ secret: SecureBytes) {
        guard secret.withExposed({ Secp256k1.shared.isValid(key: $0) }) else { return nil }
        self.secret = secret
    }

    /// A new key from the system's random generator.
    public static func random() -> PrivateKey {
        while true {
            // One in 2^128 tries falls outside of the group.
            if let key = PrivateKey(SecureRandom.secret(32)) { return key }
        }
    }

    /// The public half.
    public var publicKey: PublicKey {
        PublicKey(valid: self.secret.withExposed { Secp256k1.shared.publicKey(of: $0) })
    }

    /// Signs a digest exactly as given, with the nonce of RFC 6979 and low s (EIP-2).
    ///
    /// - Warning: Nothing is hashed or prefixed. Whoever chooses the digest may have chosen the digest of a transfer.
    public func sign(digest: Bytes32) -> RecoverableSignature {
        let (compact, recoveryID) = self.secret.withExposed { Secp256k1.shared.sign(digest, key: $0) }
        guard let signature = RecoverableSignature(compact: compact[...], recoveryID: UInt8(recoveryID)) else {
            preconditionFailure("A signature's r lay above the group order, which one in 2^127 does.")
        }
        return signature
    }

    /// Lends the thirty-two bytes to `body`, for a key store to encrypt.
    public func withExposed<Result, Failure: Error>(_ body: (Span<UInt8>) throws(Failure) -> Result) throws(Failure) -> Result {
        try self.secret.withExposed(body)
    }

    /// Never the key.
    public var description: String { "<redacted>" }
    /// No children, so that `dump` shows nothing.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
