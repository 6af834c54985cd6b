// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import COpenSSLCrypto

/// AES-128 in counter mode (NIST SP 800-38A §6.5). It hides, it does not authenticate: check a MAC before decrypting.
public enum AES128CTR {
    /// Encrypts or decrypts, which are the same. Nil unless key and initial counter are 16 bytes each.
    public static func apply(_ data: Span<UInt8>, key: Span<UInt8>, counter: [UInt8]) -> SecureBytes? {
        guard key.count == 16, counter.count == 16, let context = unsafe EVP_CIPHER_CTX_new() else { return nil }
        defer { unsafe EVP_CIPHER_CTX_free(context) }
        let ready = unsafe key.withUnsafeBufferPointer {
            unsafe EVP_EncryptInit_ex(context, EVP_aes_128_ctr(), nil, $0.baseAddress, counter)
        }
        guard ready == 1 else { return nil }
        var written: Int32 = 0
        let result = SecureBytes(count: data.count) { output in
            unsafe output.withUnsafeMutableBufferPointer { output in
                unsafe data.withUnsafeBufferPointer { input in
                    let status = unsafe EVP_EncryptUpdate(
                        context,
                        output.baseAddress,
                        &written,
                        input.baseAddress,
                        Int32(input.count)
                    )
                    if status != 1 { written = -1 }
                }
            }
        }
        return Int(written) == data.count ? result : nil
    }
}
