// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import COpenSSLCrypto

/// Random bytes fit for keys and nonces, from OpenSSL's generator, which the kernel seeds.
public enum SecureRandom {
    /// `count` bytes. Stops the process when the generator fails: nothing safe can be done without it.
    public static func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let status = unsafe RAND_bytes(&bytes, Int32(count))
        precondition(status == 1, "The system's random generator failed.")
        return bytes
    }

    /// As ``bytes(_:)``, from the generator OpenSSL keeps apart for secrets, into memory that is erased after use.
    public static func secret(_ count: Int) -> SecureBytes {
        SecureBytes(count: count) { span in
            let status = unsafe span.withUnsafeMutableBufferPointer { unsafe RAND_priv_bytes($0.baseAddress, Int32($0.count)) }
            precondition(status == 1, "The system's random generator failed.")
        }
    }
}
