// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollClient
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol

@Suite struct PurchaseTests {
    @Test func `what is free costs nothing`() async throws {
        let shop = Shop([.answer(200, [:], "hello")])
        let (report, body) = await shop.buy()
        #expect(report.exitStatus == 0 && body == "hello" && report.payment == nil)
        #expect(try shop.spentToday == Dollars(0))
    }

    @Test func `an error before payment is the answer`() async {
        let shop = Shop([.answer(404, [:], "no such page")])
        let (report, body) = await shop.buy()
        #expect(report.exitStatus == 0 && report.status == 404 && body == "no such page")
    }

    @Test func `a priced answer is paid once and counted`() async throws {
        let shop = Shop([Market.challenge([Market.option()]), Market.delivered()])
        let (report, body) = await shop.buy()
        #expect(report.failure == nil && report.exitStatus == 0 && body == "sunny")
        #expect(report.payment?.transaction == "0xabc1" && report.payment?.option.display == "0.001 USDC")
        #expect(shop.server.requests.count == 2)
        #expect(try shop.spentToday == Dollars(micros: 1_000))
    }

    @Test func `the payment gives back what the server sent, and is signed for the known domain`() async throws {
        var option = Market.option(extra: [
            "name": "USDC", "version": "2", "challenge": "00112233445566778899aabbccddeeff", "x": .number("1.0"),
        ])
        if case .object(var members) = option {
            members["unknown"] = .array([.null, 1])
            option = .object(members)
        }
        let extensions: JSON = [
            "payment-identifier": ["info": ["required": true], "schema": [:]], "other": ["info": ["a": .number("1e3")]],
        ]
        let shop = Shop([Market.challenge([option], extensions: extensions), Market.delivered()])
        _ = await shop.buy()
        let payment = try #require(shop.server.payments.first)
        #expect(JSON.object(payment.accepted.json).text == option.text)
        #expect(payment.resource?.description == "Weather")
        #expect(payment.extensions?["other"] == extensions["other"])
        let identifier = try #require(try X402V2.PaymentIdentifier(extensions: payment.extensions))
        #expect(identifier.required && identifier.id.map(X402V2.PaymentIdentifier.isValid) == true)
        let authorization = try payment.exactEVM().authorization
        #expect(authorization.from == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266" && authorization.to == Market.payTo)
        #expect(authorization.value == 1_000)
        #expect(authorization.validAfter == UInt256(Market.now - 600) && authorization.validBefore == UInt256(Market.now + 300))
    }

    @Test func `the server of version 1 is paid in version 1`() async throws {
        let requirements: JSON = [
            "scheme": "exact", "network": "base-sepolia", "maxAmountRequired": "1000", "resource": "https://api.example/weather",
            "description": "", "mimeType": "", "outputSchema": .null, "payTo": .string(Market.payTo), "maxTimeoutSeconds": 60,
            "asset": .string(Market.usdc.address), "extra": ["name": "USDC", "version": "2"],
        ]
        let body = JSON.object(["x402Version": 1, "error": "X-PAYMENT header is required", "accepts": [requirements]]).text
        let receipt = Market.receipt(network: "base-sepolia")
        let shop = Shop([.answer(402, [:], body), .answer(200, ["X-PAYMENT-RESPONSE": receipt], "sunny")])
        let (report, text) = await shop.buy()
        #expect(report.exitStatus == 0 && text == "sunny" && report.payment?.dialect == "x402-v1" && report.notices.isEmpty)
        let value = try #require(shop.server.requests[1].fields.firstText("x-payment"))
        let payment = try X402V1.PaymentPayload(headerValue: value)
        #expect(payment.network == "base-sepolia" && payment.scheme == "exact")
        #expect(try payment.exactEVM().authorization.validBefore == UInt256(Market.now + 60))
    }

    @Test func `a dry run pays nothing, counts nothing and says what it would pay`() async throws {
        let shop = Shop([Market.challenge([Market.option()])])
        let (report, _) = await shop.buy(PurchaseRequest(Market.url), PurchasePolicy(isDryRun: true))
        #expect(report.exitStatus == 10 && report.preview?.option.amount == 1_000 && report.payment == nil)
        #expect(shop.server.requests.count == 1)
        #expect(try shop.spentToday == Dollars(0))
    }

    /// The known answer was made with eth_account 0.13, whose nonces are RFC 6979's, too.
    @Test func `an authorization is signed as other wallets sign it`() throws {
        let option = PaymentOption(asset: Market.usdc, amount: 10_000, payTo: Market.payTo, maxTimeoutSeconds: 300)
        let nonce = try #require(Bytes32([UInt8](repeating: 0x11, count: 32)))
        let validity = AuthorizationValidity(validAfter: 0, validBefore: 2_000_000_000, nonce: nonce)
        let payload = try ExactEVMPayload(Market.payer.sign(option, validity))
        #expect(
            payload.signatureText == "0xbf0581d092290bf016ae3825fa212bf684d22e5a3fa9805c78b38dd5accdd84d"
                + "77e7f02d26bdbc197d3bbda8c9bae796bddb2d427212fd8073f14407e42792df1b"
        )
        #expect(payload.authorization.from == Market.payer.account && payload.authorization.value == 10_000)
    }

    @Test(arguments: [
        ("0x209693bc6afc0C5328bA36FaF03C514EF312287C", "checksum"), ("0x2096", "no address"), ("merchant", "no address"),
        ("0x0000000000000000000000000000000000000000", "zero address"),
    ])
    func `a payee that cannot be right is not paid`(payTo: String, word: String) async {
        let shop = Shop([Market.challenge([Market.option(payTo: payTo)])])
        let (report, _) = await shop.buy()
        #expect(report.exitStatus == 21 && report.failure?.message.contains(word) == true)
        #expect(shop.server.requests.count == 1)
    }
}
