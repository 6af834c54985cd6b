// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollClient
import TollEVM
import TollHTTP
import TollPrimitives
import TollProtocol
import TollTestKit

/// One key, one URL, one payment.
@Suite struct IdempotencyKeyTests {
    private let offer = Market.challenge([Market.option()])
    private let request = PurchaseRequest(Market.url, idempotencyKey: "order-1")

    @Test func `the key is sent with every request`() async {
        let shop = Shop([self.offer, Market.delivered()])
        _ = await shop.buy(self.request)
        #expect(shop.server.requests.map { $0.fields.firstText("idempotency-key") } == ["order-1", "order-1"])
    }

    @Test func `the same key sends the same payment again instead of paying, whatever came of it`() async throws {
        let refused = Answer.answer(402, [:], "{}")
        for answer in [Market.delivered(), refused, .fail(HTTPError(.disconnected, "reset"))] {
            let shop = Shop([self.offer, answer, Market.delivered("kept")])
            _ = await shop.buy(self.request)
            #expect(await shop.buy(self.request).body == "kept")
            #expect(Set(try shop.server.payments.map { try $0.exactEVM().authorization.nonce }).count == 1)
            #expect(try shop.spentToday == Dollars(micros: 1_000))
        }
    }

    @Test func `another key, and none, are other purchases`() async throws {
        let shop = Shop([self.offer, Market.delivered(), self.offer, Market.delivered(), self.offer, Market.delivered()])
        _ = await shop.buy(self.request)
        _ = await shop.buy(PurchaseRequest(Market.url, idempotencyKey: "order-2"))
        _ = await shop.buy(PurchaseRequest(Market.url))
        #expect(Set(try shop.server.payments.map { try $0.exactEVM().authorization.nonce }).count == 3)
    }

    @Test func `a key that was used for another body is refused`() async throws {
        let shop = Shop([self.offer, Market.delivered()])
        _ = await shop.buy(self.request)
        let other = PurchaseRequest(Market.url, method: .post, body: [1], idempotencyKey: "order-1")
        let (report, _) = await shop.buy(other)
        #expect(report.exitStatus == 20 && report.failure?.code == .keyReused && shop.server.requests.count == 2)
    }

    @Test func `a payment that cost nothing leaves the key free`() async throws {
        let refused = Answer.fail(HTTPError(.connectFailed, "refused", isBeforeSend: true))
        let shop = Shop([self.offer, refused, self.offer, Market.delivered()])
        #expect(await shop.buy(self.request).report.exitStatus == 30)
        #expect(await shop.buy(self.request).report.exitStatus == 0)
    }

    @Test func `a transfer under a key is shown again, and not made again`() async throws {
        let stand = TransferShop([try TransferShop.challenge(), Market.delivered(), Market.delivered("kept")])
        #expect(await stand.buy(PurchasePolicy(), self.request).report.exitStatus == 0)
        #expect(await stand.buy(PurchasePolicy(), self.request).body == "kept")
        #expect(stand.chain.transactionCount == 1 && Set(stand.proofs).count == 1)
    }

    @Test(arguments: [("a", true), ("", false), ("a b", false), ("ä", false), (String(repeating: "x", count: 256), false)])
    func `a key is visible ASCII of at most 255 bytes`(key: String, isKey: Bool) {
        #expect(PurchaseRequest.isKey(key) == isKey)
    }
}
