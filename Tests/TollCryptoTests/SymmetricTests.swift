// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollPrimitives

struct SymmetricTests {
    /// FIPS 180-4's examples.
    @Test(arguments: [
        ("", "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "0x248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `SHA-256 answers as FIPS 180-4 says`(text: String, digest: String) {
        #expect(SHA256.hash(Array(text.utf8)).description == digest)
    }

    /// RFC 4231, test cases 1, 2 and 6.
    @Test(arguments: [
        (
            [UInt8](repeating: 0x0b, count: 20), "Hi There",
            "0xb0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            Array("Jefe".utf8), "what do ya want for nothing?",
            "0x5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            [UInt8](repeating: 0xaa, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
            "0x60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
    ])
    func `HMAC-SHA-256 answers as RFC 4231 says`(key: [UInt8], text: String, code: String) {
        #expect(HMACSHA256.authenticate(Array(text.utf8), key: key).description == code)
    }

    /// NIST SP 800-38A, F.5.1.
    @Test func `AES-128 in counter mode answers as SP 800-38A says`() throws {
        let key = Hex.decode("2b7e151628aed2a6abf7158809cf4f3c")!
        let counter = Hex.decode("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")!
        let plain = Hex.decode("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")!
        let cipher = "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
        let encrypted = try #require(apply(plain, key: key, counter: counter))
        #expect(Hex.encode(encrypted) == cipher)
        let decrypted = try #require(apply(Hex.decode(cipher)!, key: key, counter: counter))
        #expect(Hex.encode(decrypted) == Hex.encode(plain))
        #expect(apply(plain, key: Array(key.dropLast()), counter: counter) == nil)
        #expect(apply(plain, key: key, counter: Array(counter.dropLast())) == nil)
    }

    /// RFC 7914 §12, the vectors that need little memory.
    @Test(arguments: [
        (
            "", "", UInt64(16), UInt64(1), UInt64(1),
            "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
                + "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
        ),
        (
            "password", "NaCl", 1024, 8, 16,
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
                + "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
        ),
    ])
    func `scrypt answers as RFC 7914 says`(passphrase: String, salt: String, n: UInt64, r: UInt64, p: UInt64, key: String) throws
    {
        let derived = try KeyDerivation.scrypt(
            passphrase: Array(passphrase.utf8),
            salt: Array(salt.utf8),
            n: n,
            r: r,
            p: p,
            count: 64
        )
        #expect(hex(derived) == key)
    }

    /// RFC 7914 §11.
    @Test func `PBKDF2 answers as RFC 7914 says`() throws {
        let derived = try KeyDerivation.pbkdf2(passphrase: Array("passwd".utf8), salt: Array("salt".utf8), rounds: 1, count: 64)
        let key =
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
            + "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"
        #expect(hex(derived) == key)
    }

    @Test(arguments: [
        (UInt64(1), UInt64(8), UInt64(1), 32, "n"),
        (1000, 8, 1, 32, "n"),
        (1 << 25, 1, 1, 32, "n"),
        (1 << 16, 1, 1, 32, "n"),
        (1 << 24, 8, 1, 32, "r"),
        (1024, 0, 1, 32, "r"),
        (1024, 65, 1, 32, "r"),
        (1024, 8, 0, 32, "p"),
        (1024, 8, 17, 32, "p"),
        (1024, 8, 1, 15, "dklen"),
        (1024, 8, 1, 1025, "dklen"),
    ])
    func `scrypt refuses costs out of bounds`(n: UInt64, r: UInt64, p: UInt64, count: Int, name: String) {
        #expect(throws: KeyDerivation.Failure.parameter(name)) {
            try KeyDerivation.scrypt(passphrase: [], salt: [], n: n, r: r, p: p, count: count)
        }
    }

    @Test(arguments: [(0, 32, "c"), (10_000_001, 32, "c"), (1, 15, "dklen")])
    func `PBKDF2 refuses costs out of bounds`(rounds: Int, count: Int, name: String) {
        #expect(throws: KeyDerivation.Failure.parameter(name)) {
            try KeyDerivation.pbkdf2(passphrase: [], salt: [], rounds: rounds, count: count)
        }
    }

    @Test func `random bytes come in the count asked for and differ`() {
        #expect(SecureRandom.bytes(0) == [])
        #expect(SecureRandom.bytes(32).count == 32)
        #expect(SecureRandom.bytes(32) != SecureRandom.bytes(32))
        #expect(hex(SecureRandom.secret(32)) != hex(SecureRandom.secret(32)))
    }

    @Test func `secure bytes print nothing of themselves`() {
        var dumped = ""
        dump(SecureBytes([1, 2, 3]), to: &dumped)
        #expect("\(SecureBytes([1, 2, 3]))" == "<redacted>")
        #expect(dumped.utf8.count < 30)
    }
}

private func hex(_ bytes: SecureBytes) -> String {
    bytes.withExposed { span in Hex.encode(span.indices.map { span[$0] }) }
}

/// The macros of Swift Testing cannot capture a span.
private func apply(_ data: [UInt8], key: [UInt8], counter: [UInt8]) -> [UInt8]? {
    AES128CTR.apply(data.span, key: key.span, counter: counter)?.withExposed { span in span.indices.map { span[$0] } }
}
