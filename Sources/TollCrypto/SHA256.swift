// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import COpenSSLCrypto
public import TollPrimitives

/// SHA-256 (FIPS 180-4).
public enum SHA256 {
    /// The digest of `message`.
    public static func hash(_ message: [UInt8]) -> Bytes32 {
        var digest = [UInt8](repeating: 0, count: 32)
        let status = unsafe EVP_Digest(message, message.count, &digest, nil, MessageDigest.sha256.algorithm, nil)
        guard status == 1, let digest = Bytes32(digest) else { preconditionFailure("SHA-256 is missing from OpenSSL.") }
        return digest
    }
}

/// HMAC (RFC 2104) with SHA-256.
public enum HMACSHA256 {
    /// The authentication code of `message`. Compare it with ``constantTimeEquals(_:_:)``.
    public static func authenticate(_ message: [UInt8], key: [UInt8]) -> Bytes32 {
        var code = [UInt8](repeating: 0, count: 32)
        let result = unsafe HMAC(
            MessageDigest.sha256.algorithm,
            key,
            Int32(key.count),
            message,
            message.count,
            &code,
            nil
        )
        guard unsafe result != nil, let code = Bytes32(code) else { preconditionFailure("HMAC failed in OpenSSL.") }
        return code
    }
}

/// HMAC (RFC 2104) with SHA-512.
public enum HMACSHA512 {
    /// The authentication code of `message`, 64 bytes. Compare it with ``constantTimeEquals(_:_:)``.
    public static func authenticate(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: 64)
        let result = unsafe HMAC(
            MessageDigest.sha512.algorithm,
            key,
            Int32(key.count),
            message,
            message.count,
            &code,
            nil
        )
        guard unsafe result != nil else { preconditionFailure("HMAC failed in OpenSSL.") }
        return code
    }
}

/// A digest algorithm, looked up once: OpenSSL 3 takes longer to find SHA-256 by name than to hash a short message.
@safe
private struct MessageDigest: Sendable {
    nonisolated(unsafe) let algorithm: OpaquePointer?

    static let sha256 = unsafe MessageDigest(algorithm: EVP_MD_fetch(nil, "SHA256", nil))
    static let sha512 = unsafe MessageDigest(algorithm: EVP_MD_fetch(nil, "SHA512", nil))
}
