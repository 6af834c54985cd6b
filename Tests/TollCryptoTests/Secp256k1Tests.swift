// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollPrimitives

struct Secp256k1Tests {
    /// Trezor's and bitcoinjs' published vectors of RFC 6979 over secp256k1: SHA-256 of the text is signed.
    @Test(arguments: [
        (
            "0000000000000000000000000000000000000000000000000000000000000001", "Satoshi Nakamoto",
            "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8",
            "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5"
        ),
        (
            "0000000000000000000000000000000000000000000000000000000000000001",
            "All those moments will be lost in time, like tears in rain. Time to die...",
            "8600dbd41e348fe5c9465ab92d23e3db8b98b873beecd930736488696438cb6b",
            "547fe64427496db33bf66019dacbf0039c04199abb0122918601db38a72cfc21"
        ),
        (
            "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140", "Satoshi Nakamoto",
            "fd567d121db66e382991534ada77a6bd3106f0a1098c231e47993447cd6af2d0",
            "6b39cd0eb1bc8603e159ef5c20a5c8ad685a45b06ce9bebed3f153d10d93bed5"
        ),
        (
            "f8b8af8ce3c7cca5e300d33939540c10d45ce001b8f252bfbc57ba0342904181", "Alan Turing",
            "7063ae83e7f62bbb171798131b4a0564b956930092b33b07b395615d9ec7e15c",
            "58dfcc1e00a35e1572f366ffe34ba0fc47db1e7189759b9fb233c5b05ab388ea"
        ),
    ])
    func `a signature is RFC 6979's, with low s`(key: String, text: String, r: String, s: String) throws {
        let key = try #require(PrivateKey(bytes: Hex.decode(key)!))
        let digest = SHA256.hash(Array(text.utf8))
        let signature = key.sign(digest: digest)
        #expect(signature.r == Bytes32(hex: r))
        #expect(signature.s == Bytes32(hex: s))
        #expect(!signature.isHighS)
        #expect(try signature.recover(digest: digest) == key.publicKey)
    }

    @Test func `the key 1 has the generator as its public half`() throws {
        let key = try #require(PrivateKey(bytes: one.bytes))
        let generator =
            "0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
            + "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
        #expect(key.publicKey.description == generator)
        #expect(PublicKey(bytes: key.publicKey.bytes) == key.publicKey)
    }

    @Test(arguments: [
        [UInt8](repeating: 0, count: 32),
        Hex.decode("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")!,
        [UInt8](repeating: 0xFF, count: 32),
        [UInt8](repeating: 1, count: 31),
        [UInt8](repeating: 1, count: 33),
        [],
    ])
    func `a number outside of the group is no key`(bytes: [UInt8]) {
        #expect(PrivateKey(bytes: bytes) == nil)
    }

    @Test func `a point off the curve is no public key`() {
        #expect(PublicKey(bytes: [UInt8](repeating: 1, count: 64)) == nil)
        #expect(PublicKey(bytes: []) == nil)
    }

    @Test func `the high-s twin is refused as such, not as unrecoverable`() throws {
        let signature = sample.sign(digest: digest)
        let order = try #require(UInt256(hex: "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"))
        let high = try #require(order.subtracting(UInt256(signature.s))).word
        let twin = try #require(RecoverableSignature(r: signature.r, s: high, recoveryID: 1 - signature.recoveryID))
        #expect(twin.isHighS)
        #expect(throws: RecoverableSignature.RecoveryError.highS) { try twin.recover(digest: digest) }
    }

    @Test func `s may be half the order and no more`() throws {
        let half = Bytes32(hex: "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0")!
        let above = Bytes32(hex: "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1")!
        let r = sample.sign(digest: digest).r
        #expect(RecoverableSignature(r: r, s: half, recoveryID: 0)?.isHighS == false)
        #expect(RecoverableSignature(r: r, s: above, recoveryID: 0)?.isHighS == true)
    }

    @Test(arguments: [
        (Bytes32.zero, Bytes32.zero),
        (Bytes32.zero, one),
        (one, Bytes32.zero),
        (Bytes32(hex: "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")!, one),
    ])
    func `numbers outside of the group are unrecoverable`(r: Bytes32, s: Bytes32) throws {
        let signature = try #require(RecoverableSignature(r: r, s: s, recoveryID: 0))
        #expect(throws: RecoverableSignature.RecoveryError.unrecoverable) { try signature.recover(digest: digest) }
    }

    /// The four spellings of v that wallets use: x402-wire V7.
    @Test(arguments: [(UInt8(0x00), UInt8(27)), (0x01, 28), (0x1b, 27), (0x1c, 28)])
    func `v is read in either convention and written in one`(wire: UInt8, contract: UInt8) throws {
        let bytes = Array(sample.sign(digest: digest).bytes.dropLast())
        let signature = try #require(RecoverableSignature(bytes: bytes + [wire]))
        #expect(signature.v == contract)
        #expect(signature.bytes == bytes + [contract])
    }

    @Test(arguments: (UInt8(2)...255).filter { $0 != 27 && $0 != 28 })
    func `any other v is refused`(wire: UInt8) {
        let bytes = sample.sign(digest: digest).bytes.dropLast()
        #expect(RecoverableSignature(bytes: bytes + [wire]) == nil)
    }

    @Test(arguments: [0, 64, 66])
    func `a signature has 65 bytes`(count: Int) {
        #expect(RecoverableSignature(bytes: [UInt8](repeating: 1, count: count)) == nil)
    }

    @Test func `another digest or the other recovery id gives another key`() throws {
        let signature = sample.sign(digest: digest)
        let other = try #require(RecoverableSignature(r: signature.r, s: signature.s, recoveryID: 1 - signature.recoveryID))
        #expect(try signature.recover(digest: one) != sample.publicKey)
        #expect(try other.recover(digest: digest) != sample.publicKey)
    }

    @Test func `random keys differ and sign`() throws {
        let (first, second) = (PrivateKey.random(), PrivateKey.random())
        #expect(first.publicKey != second.publicKey)
        #expect(try first.sign(digest: digest).recover(digest: digest) == first.publicKey)
    }

    @Test func `a key prints nothing of itself`() {
        var dumped = ""
        dump(sample, to: &dumped)
        #expect("\(sample)" == "<redacted>")
        #expect(String(reflecting: sample) == "<redacted>")
        #expect(dumped.contains("<redacted>") && dumped.utf8.count < 20)
    }
}

private let one = Bytes32([UInt8](repeating: 0, count: 31) + [1])!
private let digest = SHA256.hash(Array("abc".utf8))
private let sample = PrivateKey(bytes: [UInt8](repeating: 0x42, count: 32))!
