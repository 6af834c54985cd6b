// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives
import TollProtocol

@Suite struct SignInTests {
    struct Answer: Sendable, CustomTestStringConvertible {
        let name, header, text, address: String
        let chain: ChainID
        var testDescription: String { self.name }
    }

    static let answers = Vectors.array("x402/extensions.json").filter { Vectors.text($0, "type") == "proof" }.map { entry in
        Answer(
            name: Vectors.text(entry, "name"), header: Vectors.text(entry, "header"), text: Vectors.text(entry, "text"),
            address: Vectors.text(entry, "address"), chain: ChainID(Vectors.text(entry, "chain")) ?? ChainID(eip155: 0))
    }

    static func schema(_ name: String) throws -> JSON {
        let entry = try #require(Vectors.array("x402/extensions.json").first { Vectors.text($0, "name") == name })
        return try JSON(parsing: Array(Vectors.text(entry, "text").utf8))
    }

    @Test(arguments: answers)
    func `a proof of the SDK is read, and its text is the SDK's byte for byte`(answer: Answer) throws {
        let proof = try X402V2.SignIn.Proof(headerValue: answer.header)
        #expect(proof.address == answer.address && proof.chain == answer.chain && proof.type == .eip191)
        #expect(proof.info.text(address: proof.address, chain: try #require(answer.chain.eip155)) == answer.text)
        // The same members in the same order; the SDK only writes spaces between them.
        #expect(try PaymentHeader.decode(answer.header).members.map(\.name) == proof.json.members.map(\.name))
        #expect(try X402V2.SignIn.Proof(headerValue: proof.headerValue) == proof)
        #expect(try PaymentHeader.decode(proof.headerValue) == PaymentHeader.decode(answer.header))
    }

    @Test func `every known answer is there`() {
        #expect(Self.answers.count == 4)
    }

    @Test func `without a statement there are two blank lines`() {
        let info = X402V2.SignIn.Info(domain: "a.example", uri: "https://a.example/", nonce: "12345678", issuedAt: "t")
        let text = info.text(address: "0xA", chain: 1)
        #expect(text.hasPrefix("a.example wants you to sign in with your Ethereum account:\n0xA\n\n\nURI: https://a.example/\n"))
        #expect(text.hasSuffix("\nIssued At: t"))
    }

    static let proof: JSONObject = [
        "domain": "api.example.com", "address": "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "uri": "https://api.example.com/x",
        "version": "1", "chainId": "eip155:8453", "type": "eip191", "nonce": "a1b2c3d4e5f67890a1b2c3d4e5f67890",
        "issuedAt": "2024-01-15T10:30:00.000Z", "signature": "0x12",
    ]

    static let malformed: [(String, JSON?, WireError.Fault)] = [
        ("domain", nil, .missing), ("domain", "", .malformed), ("domain", "a b", .malformed), ("domain", "a/b", .malformed),
        ("domain", "user@a.example", .malformed), ("domain", "a\nb", .malformed), ("domain", "é.example", .malformed),
        ("domain", .string(String(repeating: "a", count: 256)), .malformed), ("domain", 1, .wrongType),
        ("address", nil, .missing), ("address", "0x", .malformed), ("address", "0xf39Fd6e5\n", .malformed),
        ("address", .string(String(repeating: "1", count: 129)), .malformed),
        ("uri", nil, .missing), ("uri", "https://a.example/ x", .malformed), ("uri", "/x", .malformed),
        ("uri", "a:\n", .malformed),
        ("uri", .string("https://" + String(repeating: "a", count: 2048)), .malformed),
        ("version", nil, .missing), ("version", "2", .malformed), ("version", 1, .wrongType),
        ("chainId", nil, .missing), ("chainId", "8453", .malformed), ("chainId", "eip155:0x1", .malformed),
        ("type", nil, .missing), ("type", "eip1271", .malformed),
        ("nonce", nil, .missing), ("nonce", "1234567", .malformed), ("nonce", "12345678-", .malformed),
        ("nonce", "12345678\nIssued At: 2030", .malformed), ("nonce", .string(String(repeating: "a", count: 129)), .malformed),
        ("issuedAt", nil, .missing), ("issuedAt", "yesterday", .malformed), ("issuedAt", 1_705_314_600, .wrongType),
        ("statement", "", .malformed), ("statement", "a\nb", .malformed), ("statement", "é", .malformed),
        ("statement", .string(String(repeating: "a", count: 1025)), .malformed),
        ("expirationTime", "never", .malformed), ("notBefore", "2024-13-01T00:00:00Z", .malformed),
        ("requestId", "a\rb", .malformed), ("resources", "https://a.example", .wrongType), ("resources", [1], .malformed),
        ("resources", ["https://a.example\n- https://b.example"], .malformed),
        ("resources", .array(Array(repeating: "a:b", count: 17)), .malformed),
        ("signature", nil, .missing), ("signature", "", .malformed), ("signature", 1, .wrongType),
    ]

    @Test(arguments: malformed)
    func `a member that is wrong is named`(name: String, value: JSON?, fault: WireError.Fault) {
        var json = Self.proof
        json[name] = value
        let error = Sample.error { () throws(WireError) in _ = try X402V2.SignIn.Proof(json) }
        #expect(error?.path == name && error?.fault == fault)
    }

    @Test(arguments: [
        ("", WireError.Fault.notJSON), ("%%", .notBase64), ("W10=", .notObject),
        (String(repeating: "A", count: 10_926), .tooLarge),
    ])
    func `a field that is no object is an error`(text: String, fault: WireError.Fault) {
        #expect(Sample.error { () throws(WireError) in _ = try X402V2.SignIn.Proof(headerValue: text) }?.fault == fault)
    }

    // MARK: - Challenges

    static let challenge = X402V2.SignIn.Challenge(
        X402V2.SignIn.Info(
            domain: "h:4020", uri: "https://h:4020/x", nonce: String(repeating: "0", count: 32),
            issuedAt: "1970-01-01T00:00:00.000Z"),
        chains: [X402V2.SignIn.SupportedChain(Sample.chain, .eip191)])

    @Test func `a challenge is read as it was written, with the SDK's schema`() throws {
        let extensions: JSONObject = ["sign-in-with-x": Self.challenge.json]
        #expect(try X402V2.SignIn.Challenge(extensions: extensions) == Self.challenge)
        #expect(Self.challenge.json["schema"] == (try Self.schema("sign-in-with-x")))
        #expect(try X402V2.SignIn.Challenge(extensions: ["other": [:]]) == nil)
        #expect(try X402V2.SignIn.Challenge(extensions: nil) == nil)
    }

    @Test func `chains of unknown kinds are left out, and a challenge without chains is an error`() throws {
        var entry = try #require(Self.challenge.json.object)
        entry["supportedChains"] = [
            ["chainId": "eip155:1", "type": "eip191"], ["chainId": "eip155:1", "type": "other"],
            ["chainId": "x", "type": "eip191"], 1,
            ["chainId": "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "type": "ed25519", "signatureScheme": "siws"],
        ]
        let chains = try X402V2.SignIn.Challenge(extensions: ["sign-in-with-x": .object(entry)])?.chains
        #expect(chains?.map(\.id.description) == ["eip155:1", "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"])
        entry["supportedChains"] = nil
        let extensions: JSONObject = ["sign-in-with-x": .object(entry)]
        let error = Sample.error { () throws(WireError) in _ = try X402V2.SignIn.Challenge(extensions: extensions) }
        #expect(error?.path == "extensions.sign-in-with-x.supportedChains")
    }

    @Test(arguments: 0..<9)
    func `a template has slots for the nonce and the time of a sign-in`(shape: Int) throws {
        let required = X402V2.PaymentRequired(
            resource: X402V2.ResourceInfo(url: "https://h/" + String(repeating: "x", count: shape)),
            accepts: [Sample.requirements()],
            extensions: [
                "payment-identifier": X402V2.PaymentIdentifier.declaration(required: false),
                "sign-in-with-x": Self.challenge.json,
                "e": ["info": ["nonce": "kept", "issuedAt": "kept"]],
            ])
        let template = X402V2.ChallengeTemplate(required)
        for (time, text) in [
            (Int64(0), "1970-01-01T00:00:00.000Z"), (1_772_366_399, "2026-03-01T11:59:59.000Z"),
            (4_107_542_399, "2100-02-28T23:59:59.000Z"), (253_402_300_799, "9999-12-31T23:59:59.000Z"),
        ] {
            let prefix = Array("PAYMENT-REQUIRED: ".utf8)
            var buffer = prefix + template.base64 + [13, 10]
            template.fill(high: 1, low: 2, into: &buffer, at: prefix.count)
            template.fillSignIn(high: 0x0123_4567_89AB_CDEF, low: .max, time: time, into: &buffer, at: prefix.count)
            #expect(buffer.suffix(2) == [13, 10] && buffer.starts(with: prefix))
            let value = String(decoding: buffer.dropFirst(prefix.count).dropLast(2), as: UTF8.self)
            let filled = try X402V2.PaymentRequired(headerValue: value)
            let signIn = try #require(try X402V2.SignIn.Challenge(extensions: filled.extensions))
            #expect(signIn.info.nonce == "0123456789abcdefffffffffffffffff" && signIn.info.issuedAt == text)
            #expect(signIn.info.domain == "h:4020" && signIn.chains == Self.challenge.chains)
            #expect(filled.extensions?["e"]?["info"]?["nonce"] == "kept")
            #expect(filled.accepts.first?.challenge == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2])
        }
    }

    @Test func `a challenge that invites to no sign-in has no slots for one`() {
        let template = X402V2.ChallengeTemplate(X402V2.PaymentRequired(resource: nil, accepts: [Sample.requirements()]))
        var text = template.base64
        template.fillSignIn(high: 1, low: 1, time: 1, into: &text, at: 0)
        #expect(template.signInSlots == nil && text == template.base64)
    }

    // MARK: - Payment identifiers

    @Test func `a declaration is the SDK's, and a client only adds its identifier`() throws {
        let declaration = X402V2.PaymentIdentifier.declaration(required: true)
        #expect(declaration == ["info": ["required": true], "schema": try Self.schema("payment-identifier")])
        let offered: JSONObject = ["a": 1, "payment-identifier": declaration, "b": ["info": [:]]]
        let id = X402V2.PaymentIdentifier.make((0..<16).map { $0 })
        #expect(id == "pay_000102030405060708090a0b0c0d0e0f" && X402V2.PaymentIdentifier.isValid(id))
        let added = try #require(X402V2.PaymentIdentifier.adding(id, to: offered))
        #expect(try X402V2.PaymentIdentifier(extensions: added)?.id == id)
        #expect(JSON.object(added)["payment-identifier"]?["info"] == ["required": true, "id": .string(id)])
        #expect(added["a"] == 1 && added["b"] == offered["b"])
        #expect(X402V2.PaymentIdentifier.adding(id, to: ["a": 1]) == ["a": 1])
        #expect(X402V2.PaymentIdentifier.adding(id, to: nil) == nil)
    }
}
