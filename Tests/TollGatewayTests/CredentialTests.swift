// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollEVM
import TollHTTP
import TollPayments
import TollPrimitives
import TollTestKit

/// What is presented, and is malformed, wrong, or not for sure.
@Suite struct CredentialTests {
    // MARK: - Malformed: 400 with the field, the challenge's fields, and nothing else happens

    private static func expectMalformed(
        _ bench: Bench,
        _ answer: RecordedResponse,
        _ words: String,
        field: String = "payment-signature"
    )
        async throws
    {
        #expect(answer.status == 400)
        #expect(answer["content-type"] == "application/problem+json")
        #expect(answer.code == "malformed_credential")
        let detail = answer.json["detail"]?.string ?? ""
        #expect(detail.lowercased().hasPrefix(field) && detail.contains(words), "\(detail)")
        #expect(answer["payment-required"] != nil)
        #expect(answer["cache-control"] == "no-store")
        #expect(try await bench.isUntouched())
        #expect(bench.log.holds("credential refused", "field=", words))
    }

    @Test(arguments: [
        ("%%%%", "not base64"), ("YWJj=YWJj", "not base64"), ("", "not JSON"), ("YWJj", "not JSON"), ("W10=", "is an array"),
        ("bnVsbA==", "is null"), (Base64.encode(Array(#"{"x402Version":2,"x402Version":2}"#.utf8)), "not JSON"),
        (String(repeating: "A", count: 24_000), "too large"),
    ])
    func `a header that is no object is refused`(header: String, words: String) async throws {
        let bench = try Bench()
        let answer = try await bench.ask(.get, "/paid/1", ["PAYMENT-SIGNATURE": header])
        try await Self.expectMalformed(bench, answer, words)
    }

    static let members: [(path: String, value: JSON?)] = [
        ("x402Version", nil), ("x402Version", "2"), ("accepted", nil), ("accepted", "exact"), ("accepted.scheme", nil),
        ("accepted.network", nil), ("accepted.network", "base"), ("accepted.asset", nil), ("accepted.amount", nil),
        ("accepted.amount", "-1000"), ("accepted.amount", "1000.0"), ("accepted.amount", "1e3"), ("accepted.amount", ""),
        ("accepted.amount", "115792089237316195423570985008687907853269984665640564039457584007913129639936"),
        ("accepted.payTo", nil), ("accepted.maxTimeoutSeconds", nil), ("accepted.maxTimeoutSeconds", "300"),
        ("accepted.maxTimeoutSeconds", -1), ("accepted.extra", "USDC"), ("payload", nil), ("payload", []),
        ("payload.signature", nil),
        ("payload.signature", ""), ("payload.signature", "0x"), ("payload.signature", "0x123"), ("payload.signature", "0xzz"),
        ("payload.signature", 5), ("payload.authorization", nil), ("payload.authorization.from", nil),
        ("payload.authorization.from", "0x12"), ("payload.authorization.from", "0xZZ9693Bc6afc0C5328bA36FaF03C514EF312287C"),
        ("payload.authorization.to", nil), ("payload.authorization.to", "209693Bc6afc0C5328bA36FaF03C514EF312287Cab"),
        ("payload.authorization.value", nil), ("payload.authorization.value", "-1"), ("payload.authorization.value", "1.5"),
        ("payload.authorization.value", 1_000),
        ("payload.authorization.value", "115792089237316195423570985008687907853269984665640564039457584007913129639936"),
        ("payload.authorization.validAfter", nil), ("payload.authorization.validAfter", "-1"),
        ("payload.authorization.validBefore", nil), ("payload.authorization.validBefore", "soon"),
        ("payload.authorization.nonce", nil), ("payload.authorization.nonce", "0x01"), ("payload.authorization.nonce", "0x"),
        ("resource", "https://api.example/paid/1"), ("extensions", []),
    ]

    @Test(arguments: members)
    func `a member that is missing or malformed is named`(path: String, value: JSON?) async throws {
        let bench = try Bench()
        let answer = try await bench.pay(try await bench.credential().changing(path, to: value))
        try await Self.expectMalformed(bench, answer, path)
    }

    @Test func `two credentials are one too many, of one dialect or of two`() async throws {
        let bench = try Bench()
        let credential = Base64.encode(try await bench.credential().utf8)
        let twice = try await bench.ask(.get, "/paid/1", ["PAYMENT-SIGNATURE": credential, "Payment-Signature": credential])
        try await Self.expectMalformed(bench, twice, "more than once")
        let both = try await bench.ask(
            .get,
            "/paid/1",
            ["PAYMENT-SIGNATURE": credential, "X-PAYMENT": Bench.credential1().firstText("x-payment") ?? ""]
        )
        try await Self.expectMalformed(bench, both, "beside", field: "x-payment")
    }

    @Test(arguments: ["%%%", "e30=", "W10="])
    func `version 1 is read as strictly`(header: String) async throws {
        let bench = try Bench()
        let answer = try await bench.ask(.get, "/paid/1", ["X-PAYMENT": header])
        try await Self.expectMalformed(bench, answer, "", field: "x-payment")
    }

    // MARK: - Well formed and wrong: 402, a fresh challenge, the standard reason

    private static func expectRefused(_ bench: Bench, _ answer: RecordedResponse, _ reason: String, _ logged: String...)
        async throws
    {
        #expect(answer.status == 402)
        #expect(answer.code == reason)
        #expect(answer.json["error"]?.string == reason)
        #expect(answer["payment-required"] != nil)
        #expect(answer["cache-control"] == "no-store")
        #expect(try await bench.records().isEmpty)
        #expect(bench.upstream.sent.isEmpty)
        #expect(bench.chain.transactionCount == 0)
        for words in logged { #expect(bench.log.holds("reason=\(reason)", words), "\(bench.log.lines)") }
    }

    @Test(
        arguments: [
            ("x402Version", 1, "invalid_x402_version"), ("x402Version", 3, "invalid_x402_version"),
            ("accepted.scheme", "upto", "unsupported_scheme"), ("accepted.network", "eip155:8453", "invalid_network"),
            ("accepted.network", "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "invalid_network"),
            ("accepted.asset", "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", "invalid_payment_requirements"),
            ("accepted.payTo", "0x857b06519E91e3A54538791bDbb0E22373e36b66", "invalid_payment_requirements"),
            ("accepted.amount", "999", "invalid_payment_requirements"),
            ("accepted.amount", "1001", "invalid_payment_requirements"),
            ("accepted.maxTimeoutSeconds", 301, "invalid_payment_requirements"),
            ("accepted.extra.name", "USD Coin", "invalid_payment_requirements"),
            ("accepted.extra", nil, "invalid_payment_requirements"),
        ] as [(String, JSON?, String)]
    )
    func `what was not offered is refused`(path: String, value: JSON?, reason: String) async throws {
        let bench = try Bench()
        let answer = try await bench.pay(try await bench.credential().changing(path, to: value))
        try await Self.expectRefused(bench, answer, reason)
    }

    @Test func `an authorization that is not what was accepted is refused, with both values in the log`() async throws {
        typealias Authorization = Bench.Authorization
        let (value, recipient) =
            ("invalid_exact_evm_payload_authorization_value_mismatch", "invalid_exact_evm_payload_recipient_mismatch")
        let (before, after) = (
            "invalid_exact_evm_payload_authorization_valid_before", "invalid_exact_evm_payload_authorization_valid_after"
        )
        let signature = "invalid_exact_evm_payload_signature"
        let payer = Bench.payer.address.description
        let cases: [(Authorization, reason: String, logged: [String])] = [
            (Authorization(value: 999), value, ["999", "1000"]), (Authorization(value: 1_001), value, ["1001", "1000"]),
            (
                Authorization(to: Bench.stranger.address.description), recipient,
                [Bench.stranger.address.description, Bench.payTo]
            ),
            (Authorization(validBefore: UInt64(Bench.now) - 1), before, ["\(Bench.now)"]),
            (Authorization(validBefore: UInt64(Bench.now) + 5), before, ["6 s"]),
            (Authorization(validAfter: UInt64(Bench.now) + 1), after, ["\(Bench.now + 1)"]),
            (Authorization(chainID: 8453), signature, ["expected signer \(payer), recovered 0x"]),
            (
                Authorization(key: PrivateKey(bytes: [UInt8](repeating: 3, count: 32))!),
                "invalid_exact_evm_insufficient_balance", []
            ),
        ]
        for (authorization, reason, logged) in cases {
            let bench = try Bench()
            let answer = try await bench.pay(try await bench.credential("/paid/1", authorization))
            try await Self.expectRefused(bench, answer, reason)
            for words in logged { #expect(bench.log.holds("reason=\(reason)", words), "\(reason): \(bench.log.lines)") }
        }
    }

    @Test func `six seconds before its end an authorization is still good`() async throws {
        let bench = try Bench()
        let credential = try await bench.credential("/paid/1", Bench.Authorization(validBefore: UInt64(Bench.now) + 6))
        #expect(try await bench.pay(credential).status == 200)
    }

    @Test func `a signature by another key names both addresses`() async throws {
        let bench = try Bench()
        let others = Bench.Authorization(key: Bench.stranger).payload["signature"]
        let credential = try await bench.credential().changing("payload.signature", to: others)
        // The stranger signed for its own account, so a third address is recovered.
        let answer = try await bench.pay(credential)
        try await Self.expectRefused(
            bench,
            answer,
            "invalid_exact_evm_payload_signature",
            "expected signer \(Bench.payer.address)",
            "recovered 0x"
        )
    }

    @Test func `the high twin of a signature, and one with a strange v, are refused`() async throws {
        let order = UInt256(hex: "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")!
        let bench = try Bench()
        let credential = try await bench.credential()
        let text = try #require(credential["payload"]?["signature"]?.string)
        var signature = try #require(Hex.decode(text))
        let s = try #require(UInt256(bigEndian: signature[32..<64]))
        let high = try #require(order.subtracting(s))
        let twin = Array(signature[..<32]) + high.word.bytes + [signature[64] ^ 7]  // 27 and 28 change places.
        let answer = try await bench.pay(credential.changing("payload.signature", to: .string(Hex.encodePrefixed(twin))))
        try await Self.expectRefused(
            bench,
            answer,
            "invalid_exact_evm_payload_signature",
            "expected signer \(Bench.payer.address)",
            "highS"
        )
        signature[64] = 29
        let strange = try await bench.pay(credential.changing("payload.signature", to: .string(Hex.encodePrefixed(signature))))
        try await Self.expectRefused(bench, strange, "invalid_exact_evm_payload_signature", "recovered none")
    }

    @Test func `version 1: another network, scheme and amount`() async throws {
        for (path, value, reason) in [
            ("network", "base", "invalid_network"), ("scheme", "upto", "unsupported_scheme"),
            ("x402Version", 2, "invalid_x402_version"),
        ] as [(String, JSON, String)] {
            let bench = try Bench()
            let json: JSON = [
                "x402Version": 1, "scheme": "exact", "network": "base-sepolia", "payload": Bench.Authorization().payload,
            ]
            let answer = try await bench.ask(.get, "/paid/1", ["X-PAYMENT": Base64.encode(json.changing(path, to: value).utf8)])
            try await Self.expectRefused(bench, answer, reason)
        }
        let bench = try Bench()
        let answer = try await bench.ask(.get, "/paid/1", Bench.credential1(Bench.Authorization(value: 1_001)))
        try await Self.expectRefused(bench, answer, "invalid_exact_evm_payload_authorization_value_mismatch", "1001")
    }

    // MARK: - The chain does not say: 503, never open, never invalid

    @Test(arguments: [
        SimulatedEVMChain.Weather.down, .slow, .garbage("<html>busy</html>"), .garbage("[]"),
        .garbage(#"{"jsonrpc":"2.0","id":1}"#),
        .garbage(""),
    ])
    func `a chain that does not answer closes the gate`(weather: SimulatedEVMChain.Weather) async throws {
        let bench = try Bench()
        let credential = try await bench.credential()
        bench.chain.weather = weather
        let answer = try await bench.pay(credential)
        #expect(answer.status == 503)
        #expect(answer.code == "unavailable")
        #expect(answer["retry-after"] == "5")
        #expect(!answer.text.contains("chain:"))
        #expect(try await bench.isUntouched())
        #expect(bench.log.holds("payments unavailable", "reason="))
        bench.chain.weather = .fine
        #expect(try await bench.pay(credential).status == 200)
        #expect(bench.chain.transferCount == 1)
    }
}
