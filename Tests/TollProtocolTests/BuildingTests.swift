// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives
import TollProtocol

/// What is built from fields equals, byte for byte, the examples in which the same fields stand.
@Suite struct BuildingTests {
    static func example(_ type: String, _ name: String = "as published") throws -> String {
        try #require(Vectors.examples.first { $0.type == type && $0.name == name }).text
    }

    static func exactPayload(validAfter: UInt256, validBefore: UInt256) throws -> ExactEVMPayload {
        let published = try X402V1.PaymentPayload(headerValue: Vectors.headers[4].value).exactEVM()
        return ExactEVMPayload(
            signature: published.signature,
            authorization: ExactEVMPayload.Authorization(
                from: Sample.payer,
                to: Sample.payee,
                value: 10000,
                validAfter: validAfter,
                validBefore: validBefore,
                nonce: try #require(Bytes32(hex: Sample.nonce))
            )
        )
    }

    static func secondPayload() throws -> X402V2.PaymentPayload {
        X402V2.PaymentPayload(
            resource: X402V2.ResourceInfo(url: "https://h/x"),
            accepted: Sample.requirements(),
            payload: try exactPayload(validAfter: 0, validBefore: 1_800_000_000).json,
            extensions: [
                "payment-identifier": ["info": ["required": false, "id": "pay_0123456789abcdef0123456789abcdef"], "schema": [:]]
            ]
        )
    }

    static func firstPayload() throws -> X402V1.PaymentPayload {
        let payload = try exactPayload(validAfter: 1_740_672_089, validBefore: 1_740_672_154)
        return X402V1.PaymentPayload(scheme: "exact", network: "base-sepolia", payload: payload.json)
    }

    static let firstRequirements = X402V1.PaymentRequirements(
        scheme: "exact",
        network: "base-sepolia",
        maxAmountRequired: 10000,
        resource: "https://h/x",
        description: "d",
        mimeType: "application/json",
        outputSchema: .null,
        payTo: Sample.payee,
        maxTimeoutSeconds: 60,
        asset: Sample.usdc,
        extra: ["name": "USDC", "version": "2"]
    )

    @Test func `the v2 challenge`() throws {
        let challenge = X402V2.PaymentRequired(
            resource: X402V2.ResourceInfo(url: "https://h/x", description: "d", mimeType: "application/json"),
            accepts: [Sample.requirements()],
            extensions: ["payment-identifier": ["info": ["required": false], "schema": [:]]]
        )
        #expect(try JSON.object(challenge.json).text == Self.example("v2.PaymentRequired"))
        #expect(try X402V2.PaymentRequired(challenge.json) == challenge)
    }

    @Test func `the v2 payment`() throws {
        let payload = try Self.secondPayload()
        #expect(try JSON.object(payload.json).text == Self.example("v2.PaymentPayload"))
        #expect(try X402V2.PaymentPayload(payload.json) == payload)
    }

    @Test func `the v1 challenge`() throws {
        let challenge = X402V1.PaymentRequired(accepts: [Self.firstRequirements])
        #expect(try JSON.object(challenge.json).text == Self.example("v1.PaymentRequired"))
        #expect(try X402V1.PaymentRequired(challenge.json) == challenge)
    }

    @Test func `the v1 payment`() throws {
        let payload = try Self.firstPayload()
        #expect(try JSON.object(payload.json).text == Self.example("v1.PaymentPayload"))
        #expect(payload.headerValue == Vectors.headers[4].value)
        #expect(try X402V1.PaymentPayload(payload.json) == payload)
    }

    @Test func `the facilitator's requests`() throws {
        let second = X402V2.VerifyRequest(paymentPayload: try Self.secondPayload(), paymentRequirements: Sample.requirements())
        #expect(try String(decoding: second.body, as: UTF8.self) == Self.example("v2.FacilitatorRequest"))
        #expect(try X402V2.SettleRequest(body: second.body) == second)
        let first = X402V1.VerifyRequest(
            paymentPayload: try Self.firstPayload(),
            paymentRequirements: Self.firstRequirements
        )
        #expect(try String(decoding: first.body, as: UTF8.self) == Self.example("v1.FacilitatorRequest"))
        #expect(try X402V1.SettleRequest(body: first.body) == first)
    }

    @Test func `the facilitator's answers`() throws {
        let transaction = "0x1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdef"
        let answers: [(any WireObject, String, String)] = [
            (VerifyResponse(isValid: true, payer: Sample.payer), "VerifyResponse", "valid"),
            (
                VerifyResponse(
                    isValid: false,
                    invalidReason: .insufficientFunds,
                    invalidMessage: "balance 0, needs 10000",
                    payer: Sample.payer
                ),
                "VerifyResponse", "invalid"
            ),
            (
                SettlementResponse(success: true, payer: Sample.payer, transaction: transaction, network: "eip155:84532"),
                "SettlementResponse", "success"
            ),
            (
                SettlementResponse(
                    success: false,
                    errorReason: .settlementPending,
                    payer: Sample.payer,
                    transaction: transaction,
                    network: "eip155:84532"
                ),
                "SettlementResponse", "pending"
            ),
        ]
        for (answer, type, name) in answers {
            #expect(try JSON.object(answer.json).text == Self.example(type, name))
        }
    }

    @Test func `what a facilitator supports`() throws {
        let published = try Self.example("SupportedResponse")
        let feePayer = "9hSR6S7WPtxmTojgo6GG3k4yDPecgJY292j7xrsUGWBu"
        let supported = SupportedResponse(
            kinds: [
                .init(version: .v2, scheme: "exact", network: "eip155:84532"),
                .init(
                    version: .v2,
                    scheme: "upto",
                    network: "eip155:84532",
                    extra: ["facilitatorAddress": .string(Sample.payer)]
                ),
                .init(
                    version: .v2,
                    scheme: "exact",
                    network: "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1",
                    extra: ["feePayer": .string(feePayer)]
                ),
                .init(version: .v1, scheme: "exact", network: "base-sepolia"),
            ],
            extensions: ["bazaar", "eip2612GasSponsoring"],
            signers: ["solana:*": [feePayer], "eip155:*": [Sample.payer]]
        )
        #expect(JSON.object(supported.json).text == published)
        #expect(try SupportedResponse(Sample.object(published)) == supported)
    }

    @Test func `every optional member has its place`() throws {
        let resource = X402V2.ResourceInfo(
            url: "u",
            description: "🍕",
            mimeType: "m",
            serviceName: "s",
            tags: ["a", "b"],
            iconURL: "https://i"
        )
        #expect(
            JSON.object(resource.json).text
                == #"{"url":"u","description":"🍕","mimeType":"m","serviceName":"s","tags":["a","b"],"iconUrl":"https://i"}"#
        )
        #expect(try X402V2.ResourceInfo(resource.json) == resource)
        let receipt = SettlementResponse(
            success: false,
            errorReason: ErrorReason(rawValue: "other"),
            errorMessage: "m",
            payer: "p",
            transaction: "",
            network: "n",
            amount: "7",
            extensions: ["x": [:]],
            extra: ["y": 1]
        )
        #expect(try SettlementResponse(receipt.json) == receipt)
        #expect(
            receipt.json.members.map(\.name) == [
                "success", "errorReason", "errorMessage", "payer", "transaction", "network", "amount", "extensions", "extra",
            ]
        )
        let verdict = VerifyResponse(isValid: true, payer: "p", extensions: ["x": [:]], extra: ["y": 1])
        #expect(try VerifyResponse(verdict.json) == verdict)
        #expect(X402V1.PaymentRequired(accepts: []).json["error"] == "X-PAYMENT header is required")
        #expect(
            X402V2.PaymentRequired(error: nil, resource: nil, accepts: []).json.members.map(\.name) == ["x402Version", "accepts"]
        )
    }
}
