// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TollCrypto
import TollPrimitives

struct ExtendedPublicKeyTests {
    /// An entry of Tests/Vectors/bip32/keys.json.
    struct Entry: Sendable, Decodable, CustomTestStringConvertible {
        let type, name: String
        let `public`, `private`, parent, child, text, key: String?
        let index: UInt32?
        var testDescription: String { self.name }
    }

    static let entries: [Entry] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Vectors/bip32/keys.json")
        guard let bytes = try? Data(contentsOf: file), let entries = try? JSONDecoder().decode([Entry].self, from: bytes) else {
            preconditionFailure("Tests/Vectors/bip32/keys.json cannot be read.")
        }
        return entries
    }()

    static func entries(_ type: String) -> [Entry] { self.entries.filter { $0.type == type } }

    static func error(_ text: String) -> ExtendedPublicKey.ParseError? {
        do {
            _ = try ExtendedPublicKey(parsing: text)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: entries("pair"))
    func `the public half is read and the private half is refused as such`(pair: Entry) throws {
        let key = try ExtendedPublicKey(parsing: try #require(pair.public))
        let steps = pair.name.split(separator: "/").dropFirst()
        #expect(Int(key.depth) == steps.count)
        let last = steps.last.map {
            $0.hasSuffix("'") ? (UInt32($0.dropLast()) ?? 0) + ExtendedPublicKey.hardenedIndex : UInt32($0) ?? 0
        }
        #expect(key.childNumber == last ?? 0)
        #expect(Self.error(try #require(pair.private)) == .privateKey)
    }

    @Test(arguments: entries("derivation"))
    func `a child is BIP-32's`(derivation: Entry) throws {
        let parent = try ExtendedPublicKey(parsing: try #require(derivation.parent))
        let index = try #require(derivation.index)
        #expect(try parent.child(index) == ExtendedPublicKey(parsing: try #require(derivation.child)))
        #expect(try parent.child(index ^ 1).publicKey != parent.child(index).publicKey)
    }

    @Test(arguments: entries("account"))
    func `a child is the one that another library derives`(account: Entry) throws {
        let parent = try ExtendedPublicKey(parsing: try #require(account.parent))
        let child = try parent.child(try #require(account.index))
        #expect(Hex.encode(child.publicKey.compressed) == account.key)
        #expect(child.depth == parent.depth + 1)
    }

    static let invalid: [String: ExtendedPublicKey.ParseError] = [
        "pubkey version / prvkey mismatch": .malformedKey, "invalid pubkey prefix 04": .malformedKey,
        "invalid pubkey prefix 01": .malformedKey, "zero depth with non-zero parent fingerprint": .malformedRoot,
        "zero depth with non-zero index": .malformedRoot, "unknown extended key version": .unknownVersion,
        "invalid pubkey 020000000000000000000000000000000000000000000000000000000000000007": .malformedKey,
        "unknown extended key version (ypub)": .unknownVersion, "unknown extended key version (zpub)": .unknownVersion,
    ]

    @Test(arguments: entries("invalid"))
    func `an invalid key is refused for what is wrong with it`(entry: Entry) throws {
        let text = try #require(entry.text)
        #expect(Self.error(text) == (text.hasPrefix("xprv") ? .privateKey : try #require(Self.invalid[entry.name])))
    }

    @Test(arguments: entries("private"))
    func `a private key of any version is refused as such, also when it is mistyped`(entry: Entry) throws {
        let text = try #require(entry.text)
        #expect(Self.error(text) == .privateKey)
        #expect(Self.error(String(text.dropLast()) + (text.hasSuffix("a") ? "b" : "a")) == .privateKey)
    }

    @Test func `one wrong character is noticed`() throws {
        let text = try #require(Self.entries("pair").first?.public)
        for offset in [10, 50, 110] {
            let index = text.index(text.startIndex, offsetBy: offset)
            let mistyped = text.replacingCharacters(in: index...index, with: text[index] == "A" ? "B" : "A")
            #expect(Self.error(mistyped) == .wrongChecksum)
        }
    }

    @Test(arguments: ["", "xpub", "xpub0", "0x1234", String(repeating: "1", count: 111), String(repeating: "x", count: 10_000)])
    func `what is no key at all is refused`(text: String) {
        #expect(Self.error(text) == .notBase58)
        #expect(Self.error(text + " ") == .notBase58)
    }

    @Test func `a hardened index needs the private key, and there is nothing below depth 255`() throws {
        var key = try ExtendedPublicKey(parsing: try #require(Self.entries("pair").first?.public))
        #expect(throws: ExtendedPublicKey.DerivationError.hardened) { try key.child(ExtendedPublicKey.hardenedIndex) }
        #expect(throws: ExtendedPublicKey.DerivationError.hardened) { try key.child(.max) }
        #expect(try key.descendant([0, 7]) == key.child(0).child(7))
        for _ in 0..<255 { key = try key.child(0) }
        #expect(key.depth == 255)
        #expect(throws: ExtendedPublicKey.DerivationError.tooDeep) { try key.child(0) }
    }

    @Test func `a tweak outside of the group gives no key, nor does one that leads to infinity`() throws {
        // BIP-32: such an index is skipped. The generator's own key is 1, so the order less 1 added to it is infinity.
        let generator = try #require(PrivateKey(bytes: [UInt8](repeating: 0, count: 31) + [1])).publicKey
        let order = try #require(Bytes32(hex: "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"))
        let orderLess1 = try #require(Bytes32(hex: "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140"))
        #expect(generator.adding(tweak: order) == nil)
        #expect(generator.adding(tweak: Bytes32(order.bytes.map { $0 | 1 })!) == nil)
        #expect(generator.adding(tweak: orderLess1) == nil)
        let two = try #require(PrivateKey(bytes: [UInt8](repeating: 0, count: 31) + [2])).publicKey
        #expect(generator.adding(tweak: UInt256(1).word) == two)
        #expect(generator.adding(tweak: .zero) == generator)
    }

    @Test func `a compressed point is 33 bytes and the same point`() throws {
        let key = PrivateKey.random().publicKey
        #expect(key.compressed.count == 33)
        #expect(PublicKey(compressed: key.compressed) == key)
        #expect(PublicKey(compressed: Array(key.compressed.dropLast())) == nil)
        #expect(PublicKey(compressed: [0x04] + key.bytes) == nil)
        #expect(PublicKey(compressed: [0x06] + key.bytes) == nil)
    }

    @Test func `it does not print what others could be derived from`() throws {
        let key = try ExtendedPublicKey(parsing: try #require(Self.entries("account").first?.parent))
        #expect("\(key)" == "<extended public key at depth 4>")
        var dumped = ""
        dump(key, to: &dumped)
        #expect(!dumped.contains(key.chainCode.hex))
    }

    @Test func `every known answer is there`() {
        #expect(Self.entries.count == 67)
        #expect(Self.entries("pair").count == 17 && Self.entries("derivation").count == 6 && Self.entries("account").count == 21)
    }

    /// RFC 4231, test cases 1, 2 and 6.
    @Test(arguments: [
        (
            [UInt8](repeating: 0x0b, count: 20), "Hi There",
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
                + "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"
        ),
        (
            Array("Jefe".utf8), "what do ya want for nothing?",
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                + "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
        ),
        (
            [UInt8](repeating: 0xaa, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
            "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
                + "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"
        ),
    ])
    func `HMAC-SHA-512 answers as RFC 4231 says`(key: [UInt8], text: String, code: String) {
        #expect(Hex.encode(HMACSHA512.authenticate(Array(text.utf8), key: key)) == code)
    }
}
