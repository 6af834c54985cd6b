// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollClient
import TollHTTP
import TollPrimitives
import TollProtocol

/// What the answer to a payment means, and what the next call of the same request does.
@Suite struct AnswerTests {
    private let offer = Market.challenge([Market.option()])

    @Test func `a second 402 is a refusal, with the server's reason, and is not paid again`() async throws {
        let again = Market.challenge([Market.option(amount: "2000")], error: "invalid_exact_evm_payload_signature")
        let shop = Shop([self.offer, again, Market.delivered()])
        let (report, body) = await shop.buy()
        #expect(report.exitStatus == 22 && shop.server.requests.count == 2 && body.isEmpty && report.payment == nil)
        #expect(report.failure?.message.contains("invalid_exact_evm_payload_signature") == true)
        #expect(try shop.spentToday == Dollars(micros: 1_000))
    }

    @Test func `the receipt's reason comes before the challenge's`() async {
        let receipt = Market.receipt(success: false, transaction: "", reason: "insufficient_funds")
        let shop = Shop([self.offer, .answer(402, ["PAYMENT-RESPONSE": receipt], "{}")])
        #expect(await shop.buy().report.failure?.message.hasSuffix("insufficient_funds") == true)
    }

    @Test(arguments: [400, 402, 409, 412])
    func `what the server does not take is refused`(status: Int) async {
        let fields = status == 400 ? ["PAYMENT-REQUIRED": PaymentHeader.encode(["x402Version": 2, "accepts": []])] : [:]
        let shop = Shop([self.offer, .answer(status, fields, #"{"detail":"no"}"#)])
        #expect(await shop.buy().report.exitStatus == 22)
    }

    @Test func `an error of the server after payment is told apart, with its body`() async throws {
        let failed = Shop([self.offer, .answer(502, ["PAYMENT-RESPONSE": Market.receipt()], "broken")])
        let (report, body) = await failed.buy()
        #expect(report.exitStatus == 40 && body == "broken" && report.payment?.transaction == "0xabc1")
        let missing = Shop([self.offer, .answer(404, [:], "nothing here")])
        let (other, text) = await missing.buy()
        #expect(other.exitStatus == 40 && text == "nothing here" && other.payment == nil)
        #expect(try missing.spentToday == Dollars(micros: 1_000))
    }

    static let open: [Answer] = [
        .fail(HTTPError(.disconnected, "reset")), .fail(HTTPError(.timedOut, "slow")), .answer(500, [:], ""),
        .answer(503, ["PAYMENT-RESPONSE": Market.receipt(success: false, reason: "settlement_pending")], ""),
        .answer(402, ["PAYMENT-RESPONSE": Market.receipt(success: false, reason: "settlement_pending")], ""),
        .answer(429, [:], ""), .breakOff(["PAYMENT-RESPONSE": Market.receipt()], "sun"),
    ]

    @Test(arguments: open)
    func `an open outcome is taken up by the same request with the same payment`(answer: Answer) async throws {
        let shop = Shop([self.offer, answer, Market.delivered()])
        let (first, _) = await shop.buy()
        #expect(first.exitStatus == 23 && first.failure?.isRetryable == true)
        shop.stage.advance(by: 20)
        let (second, body) = await shop.buy()
        #expect(second.exitStatus == 0 && body == "sunny" && second.payment?.transaction == "0xabc1")
        #expect(shop.server.requests.count == 3)
        let values = shop.server.requests.compactMap { $0.fields.firstText("payment-signature") }
        #expect(values.count == 2 && values[0] == values[1])
        #expect(try shop.spentToday == Dollars(micros: 1_000))
    }

    @Test func `a paid request is not taken up again`() async throws {
        let shop = Shop([self.offer, Market.delivered(), self.offer, Market.delivered("rain")])
        _ = await shop.buy()
        #expect(await shop.buy().body == "rain")
        let nonces = try shop.server.payments.map { try $0.exactEVM().authorization.nonce }
        #expect(nonces.count == 2 && nonces[0] != nonces[1])
    }

    @Test func `another method, URL or body is another purchase`() async throws {
        let shop = Shop([self.offer, Self.open[0]])
        #expect(await shop.buy().report.exitStatus == 23)
        let others = [
            PurchaseRequest(Market.url, method: .post), PurchaseRequest(Market.url, body: [1]),
            PurchaseRequest(try URLParts(parsing: "https://api.example/weather?x")),
        ]
        for request in others {
            shop.server.add(.answer(200, [:], "free"))
            #expect(await shop.buy(request).body == "free")
        }
        #expect(shop.server.payments.count == 1)
    }

    @Test func `an open outcome that ends in a refusal frees the next call to pay anew`() async throws {
        let shop = Shop([self.offer, Self.open[0], self.offer, self.offer, Market.delivered()])
        #expect(await shop.buy().report.exitStatus == 23)
        #expect(await shop.buy().report.exitStatus == 22)
        #expect(await shop.buy().report.exitStatus == 0)
        #expect(try shop.spentToday == Dollars(micros: 2_000))
    }

    @Test func `what never left is not spent`() async throws {
        let shop = Shop([self.offer, .fail(HTTPError(.connectFailed, "refused", isBeforeSend: true))])
        let (report, _) = await shop.buy()
        #expect(report.exitStatus == 30 && report.payment == nil)
        #expect(try shop.spentToday == Dollars(0))
    }

    @Test func `an open outcome stays open while the server is away`() async throws {
        let shop = Shop([
            self.offer, Self.open[0], .fail(HTTPError(.connectFailed, "refused", isBeforeSend: true)), Market.delivered(),
        ])
        #expect(await shop.buy().report.exitStatus == 23)
        #expect(await shop.buy().report.exitStatus == 23)
        #expect(await shop.buy().report.exitStatus == 0)
        #expect(Set(try shop.server.payments.map { try $0.exactEVM().authorization.nonce }).count == 1)
    }

    @Test func `no answer before payment is a network error`() async {
        let shop = Shop([.fail(HTTPError(.timedOut, "slow"))])
        let (report, _) = await shop.buy()
        #expect(report.exitStatus == 30 && report.failure?.isRetryable == true)
    }

    @Test(
        arguments: [
            nil, "%%%", Market.receipt(network: "eip155:8453"), Market.receipt(success: false, reason: "insufficient_funds"),
            PaymentHeader.encode(["success": "yes"]),
        ] as [String?]
    )
    func `a delivered answer with no receipt, or a lying one, counts as spent and says so`(receipt: String?) async throws {
        let shop = Shop([self.offer, .answer(200, receipt.map { ["PAYMENT-RESPONSE": $0] } ?? [:], "sunny")])
        let (report, body) = await shop.buy()
        #expect(report.payment?.transaction == "" && !report.notices.isEmpty)
        #expect(try shop.spentToday == Dollars(micros: 1_000))
        #expect(report.exitStatus == 0 && body == "sunny")
    }

    @Test func `a receipt that names no transaction is noticed`() async {
        let shop = Shop([self.offer, .answer(200, ["PAYMENT-RESPONSE": Market.receipt(transaction: "")], "sunny")])
        let (report, body) = await shop.buy()
        #expect(report.exitStatus == 0 && body == "sunny" && report.notices.contains { $0.contains("no transaction") })
    }
}
