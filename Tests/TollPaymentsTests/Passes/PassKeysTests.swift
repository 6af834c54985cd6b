// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollPayments
import TollPrimitives

/// Tokens: what they say, and that nobody else can make one.
@Suite struct PassKeysTests {
    /// A code that only needs to depend on key and message.
    private static func key(_ number: UInt8) -> PassKeys.Authenticate {
        { message in Keccak256.hash([UInt8](repeating: number, count: 32) + message) }
    }

    private static func sample(
        _ payer: String = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C", expires: Int64 = 1_800_000_060
    ) throws -> Pass {
        try #require(
            Pass(
                route: Pass.tag(ofRoute: "GET /weather/*"), expires: expires, payment: PaymentID(Keccak256.hash(text: "payment")),
                network: ChainID(eip155: 84_532), payer: payer))
    }

    private static func read(_ token: String, _ keys: PassKeys) -> Pass? { keys.pass(of: Array(token.utf8)[...]) }

    @Test func `a token says what its pass says, and is the same each time`() throws {
        let keys = PassKeys(Self.key(1))
        for pass in [
            try Self.sample(), try Self.sample("p", expires: 0), try Self.sample(expires: 1 << 40 - 1),
            try Self.sample(String(repeating: "ü", count: 64)),
        ] {
            let token = keys.token(for: pass)
            #expect(token.hasPrefix("tgp_") && token == keys.token(for: pass))
            #expect(token.utf8.count <= PassKeys.tokenByteCountMax)
            #expect(Self.read(token, keys) == pass)
        }
    }

    @Test func `the longest pass has room in a token`() throws {
        let network = try #require(ChainID("abcdefgh:" + String(repeating: "A", count: 32)))
        let payer = String(repeating: "x", count: 128)
        let pass = try #require(
            Pass(route: .max, expires: 1 << 40 - 1, payment: PaymentID(.zero), network: network, payer: payer))
        let keys = PassKeys(Self.key(1))
        let token = keys.token(for: pass)
        #expect(token.utf8.count < PassKeys.tokenByteCountMax && Self.read(token, keys) == pass)
    }

    @Test(arguments: ["", String(repeating: "x", count: 129)])
    func `a payer that a token has no room for gets no pass`(payer: String) {
        #expect(Pass(route: 1, expires: 1, payment: PaymentID(.zero), network: ChainID(eip155: 1), payer: payer) == nil)
    }

    @Test(arguments: [-1, 1 << 40, Int64.max]) func `an end that is no time has no pass`(expires: Int64) {
        #expect(Pass(route: 1, expires: expires, payment: PaymentID(.zero), network: ChainID(eip155: 1), payer: "p") == nil)
    }

    @Test func `every byte of a token counts`() throws {
        let keys = PassKeys(Self.key(1))
        let token = Array(keys.token(for: try Self.sample()).utf8)
        for place in token.indices {
            for change: UInt8 in [1, 2, 4, 8, 16, 32, 64, 128] {
                var changed = token
                changed[place] ^= change
                #expect(keys.pass(of: changed[...]) == nil, "byte \(place) changed by \(change)")
            }
        }
    }

    @Test func `a token that is shorter, longer, padded or in the other alphabet is none`() throws {
        let keys = PassKeys(Self.key(1))
        let token = keys.token(for: try Self.sample())
        for count in 0..<token.utf8.count { #expect(Self.read(String(token.prefix(count)), keys) == nil, "\(count) bytes") }
        for tail in ["A", "AA", "AAA", "AAAA", "=", "==", " ", ".", "\u{0}"] { #expect(Self.read(token + tail, keys) == nil) }
        for text in ["", "tgp_", "tgp_A", "TGP_" + token.dropFirst(4), String(token.dropFirst(4)), "tgp_" + token] {
            #expect(Self.read(text, keys) == nil)
        }
        let body = try #require(Base64.decode(token.dropFirst(4)))
        let pass = Self.read("tgp_" + Base64.encodeURL(body), keys)
        #expect(pass != nil)
        // Whatever the bytes are: with `+`, `/` or `=` in it a text is another one.
        for _ in 0..<64 {
            let other = try Self.sample("payer-\(UInt64.random(in: 0 ... .max))")
            let standard = "tgp_" + Base64.encode(try #require(Base64.decode(keys.token(for: other).dropFirst(4))))
            guard standard.contains(where: { "+/=".contains($0) }) else { continue }
            #expect(Self.read(standard, keys) == nil)
        }
    }

    @Test func `for what cannot be a token of ours no code is made`() throws {
        let count = Mutex(0)
        let key: PassKeys.Authenticate = { message in
            count.withLock { $0 += 1 }
            return Self.key(1)(message)
        }
        let keys = PassKeys(key)
        let token = keys.token(for: try Self.sample())
        let before = count.withLock { $0 }
        for text in [
            PassKeys(Self.key(2)).token(for: try Self.sample()), token + String(repeating: "A", count: 512), "tgp_AQ", "other",
        ] {
            #expect(Self.read(text, keys) == nil)
        }
        #expect(count.withLock { $0 } == before)
        #expect(Self.read(token, keys) != nil && count.withLock { $0 } == before + 1)
    }

    @Test func `under another key a token is none, and a key that is kept still knows its own`() throws {
        let (old, new) = (Self.key(1), Self.key(2))
        let pass = try Self.sample()
        let token = PassKeys(old).token(for: pass)
        #expect(Self.read(token, PassKeys(new)) == nil)
        let rotated = PassKeys(new, [old])
        #expect(Self.read(token, rotated) == pass)
        #expect(Self.read(rotated.token(for: pass), PassKeys(new)) == pass, "the first signs")
        #expect(Self.read(rotated.token(for: pass), PassKeys(old)) == nil)
        #expect(Self.read(PassKeys(Self.key(3)).token(for: pass), rotated) == nil)
    }

    @Test func `keys with the same name do not take each other's tokens`() throws {
        // The names of these are alike, and their codes are not.
        let keys: [PassKeys.Authenticate] = (1...3).map { number in
            { message in
                message.starts(with: Array("the name".utf8)) ? .zero : Keccak256.hash([UInt8(number)] + message)
            }
        }
        let pass = try Self.sample()
        #expect(Self.read(PassKeys(keys[1]).token(for: pass), PassKeys(keys[0])) == nil)
        #expect(Self.read(PassKeys(keys[1]).token(for: pass), PassKeys(keys[2], [keys[1]])) == pass)
        #expect(Self.read(PassKeys(keys[1]).token(for: pass), PassKeys(Self.key(9), [keys[0], keys[1]])) == pass)
    }

    @Test func `routes have tags of their own`() {
        let patterns = ["/a", "GET /a", "POST /a", "/a/", "/a/*", "/a/{b}", "/A"]
        #expect(Set(patterns.map { Pass.tag(ofRoute: $0) }).count == patterns.count)
    }
}
