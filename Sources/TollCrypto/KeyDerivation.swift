// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import COpenSSLCrypto

/// Keys from passphrases. The costs come out of files that others write, so each is bounded before any work is done.
public enum KeyDerivation {
    /// Why no key was derived.
    public enum Failure: Error, Hashable, Sendable {
        /// A parameter outside of what is sensible or safe; the name is the one of the algorithm's definition.
        case parameter(String)
        /// OpenSSL refused, for want of memory.
        case refused
    }

    /// The most memory scrypt may ask for: 1 GiB, four times what wallets use (n = 262144, r = 8).
    public static let memoryMax: UInt64 = 1 << 30
    /// The most rounds of PBKDF2: ten million take some seconds.
    public static let roundsMax = 10_000_000

    /// scrypt (RFC 7914): memory is 128 × `n` × `r` bytes, time that × `p`. §2 wants n below 2^(16 × r).
    public static func scrypt(
        passphrase: [UInt8],
        salt: [UInt8],
        n: UInt64,
        r: UInt64,
        p: UInt64,
        count: Int
    ) throws(Failure) -> SecureBytes {
        guard n >= 2, n <= 1 << 24, n.nonzeroBitCount == 1 else { throw .parameter("n") }
        guard (1...64).contains(r), 128 * n * r <= memoryMax else { throw .parameter("r") }
        guard r >= 4 || n < 1 << (16 * r) else { throw .parameter("n") }
        guard (1...16).contains(p) else { throw .parameter("p") }
        guard (16...1024).contains(count) else { throw .parameter("dklen") }
        return try SecureBytes(count: count) { (key: inout MutableSpan<UInt8>) throws(Failure) in
            let status = unsafe key.withUnsafeMutableBufferPointer { key in
                unsafe passphrase.withUnsafeBytes { passphrase in
                    unsafe EVP_PBE_scrypt(
                        passphrase.baseAddress?.assumingMemoryBound(to: CChar.self),
                        passphrase.count,
                        salt,
                        salt.count,
                        n,
                        r,
                        p,
                        memoryMax + (1 << 20),  // OpenSSL counts its scratch space too.
                        key.baseAddress,
                        key.count
                    )
                }
            }
            guard status == 1 else { throw .refused }
        }
    }

    /// PBKDF2 (RFC 8018 §5.2) with HMAC-SHA-256.
    public static func pbkdf2(passphrase: [UInt8], salt: [UInt8], rounds: Int, count: Int) throws(Failure) -> SecureBytes {
        guard (1...roundsMax).contains(rounds) else { throw .parameter("c") }
        guard (16...1024).contains(count) else { throw .parameter("dklen") }
        return try SecureBytes(count: count) { (key: inout MutableSpan<UInt8>) throws(Failure) in
            let status = unsafe key.withUnsafeMutableBufferPointer { key in
                unsafe passphrase.withUnsafeBytes { passphrase in
                    unsafe PKCS5_PBKDF2_HMAC(
                        passphrase.baseAddress?.assumingMemoryBound(to: CChar.self),
                        Int32(passphrase.count),
                        salt,
                        Int32(salt.count),
                        Int32(rounds),
                        EVP_sha256(),
                        Int32(key.count),
                        key.baseAddress
                    )
                }
            }
            guard status == 1 else { throw .refused }
        }
    }
}
