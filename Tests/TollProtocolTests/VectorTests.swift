// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TollPrimitives
import TollProtocol

@Suite struct VectorTests {
    @Test(arguments: Vectors.headers)
    func `a header's text comes back byte for byte`(vector: Vectors.Header) throws {
        let object = try PaymentHeader.decode(vector.value)
        #expect(try PaymentHeader.encode(Vectors.reread(object, as: vector.type)) == vector.value)
    }

    @Test(arguments: Vectors.examples)
    func `an object comes back verbatim, unknown members included`(example: Vectors.Example) throws {
        let object = try Sample.object(example.text)
        #expect(try JSON.object(Vectors.reread(object, as: example.type)).text == example.text)
    }

    @Test func `the manifest lists every x402 vector file`() throws {
        let listed = Vectors.array("MANIFEST.json").map { Vectors.text($0, "file") }.filter { $0.hasPrefix("x402/") }
        let there = try FileManager.default.contentsOfDirectory(atPath: Vectors.folder.appending(path: "x402").path)
        #expect(Set(listed) == Set(there.map { "x402/" + $0 }))
        #expect(Vectors.headers.count == 10 && Vectors.examples.count == 12)
    }

    @Test func `the specification's challenge is read`() throws {
        let challenge = try X402V2.PaymentRequired(headerValue: Vectors.headers[0].value)
        #expect(challenge.error == "PAYMENT-SIGNATURE header is required")
        #expect(challenge.resource?.url == "https://api.example.com/premium-data")
        #expect(challenge.resource?.description == "Access to premium market data")
        #expect(challenge.resource?.mimeType == "application/json")
        #expect(challenge.extensions == nil && challenge.unreadable.isEmpty)
        let option = try #require(challenge.accepts.first)
        #expect(option.scheme == "exact" && option.network == Sample.chain && option.amount == 10000)
        #expect(option.asset == Sample.usdc && option.payTo == Sample.payee && option.maxTimeoutSeconds == 60)
        #expect(option.extra == ["name": "USDC", "version": "2"])
    }

    @Test func `the specification's payments are read in both versions`() throws {
        let second = try X402V2.PaymentPayload(headerValue: Vectors.headers[1].value)
        let first = try X402V1.PaymentPayload(headerValue: Vectors.headers[4].value)
        #expect(second.accepted.network == Sample.chain && first.network == "base-sepolia" && first.scheme == "exact")
        #expect(second.resource?.url == "https://api.example.com/premium-data")
        for payload in [try second.exactEVM(), try first.exactEVM()] {
            #expect(payload.signature.count == 65 && payload.signatureText.hasPrefix("0x2d6a7588d6ac"))
            #expect(payload.authorization.from == Sample.payer && payload.authorization.to == Sample.payee)
            #expect(payload.authorization.value == 10000)
            #expect(payload.authorization.validAfter == 1_740_672_089 && payload.authorization.validBefore == 1_740_672_154)
            #expect(payload.authorization.nonce.description == Sample.nonce)
        }
    }

    @Test(arguments: [(2, "eip155:84532"), (5, "base-sepolia")])
    func `the specification's receipts are read`(index: Int, network: String) throws {
        let good = try SettlementResponse(headerValue: Vectors.headers[index].value)
        #expect(good.success && good.errorReason == nil && good.network == network && good.payer == Sample.payer)
        #expect(good.transaction == "0x1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdef")
        let bad = try SettlementResponse(headerValue: Vectors.headers[index + 1].value)
        #expect(!bad.success && bad.errorReason == .insufficientFunds && bad.transaction.isEmpty && bad.network == network)
    }

    @Test func `extension responses are read`() throws {
        #expect(try PaymentHeader.decode(Vectors.headers[7].value) == ["bazaar": ["status": "success"]])
        let rejected: JSONObject = ["bazaar": ["status": "rejected", "rejectedReason": "info failed schema validation"]]
        #expect(try PaymentHeader.decode(Vectors.headers[8].value) == rejected)
        #expect(PaymentHeader.encode(rejected) == Vectors.headers[8].value)
    }

    @Test func `a challenge built here is the Python SDK's byte for byte`() {
        let challenge = X402V2.PaymentRequired(
            resource: X402V2.ResourceInfo(url: "http://localhost/x"),
            accepts: [Sample.requirements()]
        )
        #expect(challenge.headerValue == Vectors.headers[9].value)
    }
}
