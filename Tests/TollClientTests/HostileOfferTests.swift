// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollClient
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol

/// Offers that were tampered with, or are made to be misread. None is ever paid beyond the policy.
@Suite struct HostileOfferTests {
    private func refusal(
        _ accepts: [JSON],
        _ policy: PurchasePolicy = PurchasePolicy()
    ) async throws -> PurchaseFailure? {
        let shop = Shop([Market.challenge(accepts), Market.delivered()])
        let (report, _) = await shop.buy(PurchaseRequest(Market.url), policy)
        if report.failure != nil {
            #expect(shop.server.requests.count == 1)
            #expect(try shop.spentToday == Dollars(0))
        }
        return report.failure
    }

    @Test(arguments: ["1000001", "115792089237316195423570985008687907853269984665640564039457584007913129639935"])
    func `an amount over the limit is not paid`(amount: String) async throws {
        #expect(try await self.refusal([Market.option(amount: amount)])?.code == .overLimit)
    }

    @Test(arguments: ["-1", "1e3", "01000", " 1000", "1000.0", "0x3e8", "", "１０００"])
    func `an amount that is no plain number is not paid`(amount: String) async throws {
        #expect(try await self.refusal([Market.option(amount: amount)])?.code == .noAcceptableOffer)
    }

    @Test func `exactly the limit is paid`() async throws {
        #expect(try await self.refusal([Market.option(amount: "1000000")]) == nil)
        #expect(try await self.refusal([Market.option(amount: "50000")], PurchasePolicy(limit: Dollars("0.05"))) == nil)
        #expect(
            try await self.refusal([Market.option(amount: "50001")], PurchasePolicy(limit: Dollars("0.05")))?.exitStatus == 20
        )
    }

    @Test func `another token under the same symbol is not paid`() async throws {
        let fake = Market.option(address: "0x2222222222222222222222222222222222222222")
        #expect(try await self.refusal([fake])?.code == .noAcceptableOffer)
        #expect(try await self.refusal([fake], PurchasePolicy(asset: "USDC"))?.code == .noAcceptableOffer)
    }

    static let otherExtras: [(JSONObject, String)] = [
        (["name": "USD Coin", "version": "2"], "extra.name"),
        (["name": "USDC", "version": "1"], "extra.version"),
        (["name": 7, "version": "2"], "extra.name"),
        (["name": "USDC", "version": "2", "paymentFlow": "subscription"], "extra.paymentFlow"),
        (["name": "USDC", "version": "2", "paymentFlow": true], "extra.paymentFlow"),
        (["name": "USDC", "version": "2", "assetTransferMethod": "permit2"], "permit2"),
        (["name": "USDC", "version": "2", "assetTransferMethod": ["eip3009"]], "assetTransferMethod"),
    ]

    @Test(arguments: otherExtras)
    func `a domain, flow or transfer of another kind is not signed`(extra: JSONObject, word: String) async throws {
        let failure = try await self.refusal([Market.option(extra: extra)])
        #expect(failure?.code == .noAcceptableOffer && failure?.message.contains(word) == true)
    }

    @Test(arguments: ["upto", "batch-settlement", "EXACT", ""])
    func `a scheme other than exact is not paid`(scheme: String) async throws {
        #expect(try await self.refusal([Market.option(scheme: scheme)])?.code == .noAcceptableOffer)
    }

    @Test(arguments: ["eip155:1", "base-sepolia", "eip155:084532", "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1"])
    func `a network that is unknown or misspelt is not paid`(network: String) async throws {
        #expect(try await self.refusal([Market.option(network: network)])?.code == .noAcceptableOffer)
    }

    @Test(arguments: [0, 9])
    func `too short a time is not paid`(timeout: Int) async throws {
        #expect(try await self.refusal([Market.option(timeout: timeout)])?.code == .noAcceptableOffer)
    }

    @Test func `an authorization never lives over an hour`() async throws {
        let shop = Shop([Market.challenge([Market.option(timeout: 31_536_000)]), Market.delivered()])
        _ = await shop.buy()
        #expect(try shop.server.payments.first?.exactEVM().authorization.validBefore == UInt256(Market.now + 3_600))
    }

    @Test func `a token with eighteen decimals costs what it is worth, rounded up`() async throws {
        let million = "1000000000000000000000000"
        #expect(try await self.refusal([Market.option(Market.wide, amount: million)])?.code == .overLimit)
        let shop = Shop([Market.challenge([Market.option(Market.wide, amount: "1000000000000001")]), Market.delivered()])
        let (report, _) = await shop.buy()
        #expect(report.exitStatus == 0 && report.payment?.option.display == "0.001000000000000001 WIDE")
        #expect(try shop.spentToday == Dollars(micros: 1_001))
    }

    @Test func `the limit holds for the option that is signed, in any order`() async throws {
        let options = [
            Market.option(amount: "900000000"), Market.option(amount: "2000"), Market.option(Market.baseUSDC, amount: "1000"),
            Market.option(amount: "10", extra: ["name": "USD Coin", "version": "2"]),
            Market.option(amount: "500", extra: ["name": "USDC", "version": "2", "paymentFlow": "upfront"]),
        ]
        for turn in options.indices {
            let shop = Shop([Market.challenge(Array(options[turn...] + options[..<turn])), Market.delivered()])
            _ = await shop.buy()
            let payment = try #require(shop.server.payments.first)
            #expect(try payment.exactEVM().authorization.value == 1_000)
            #expect(payment.accepted.network == Market.base)
            #expect(try shop.spentToday == Dollars(micros: 1_000))
        }
    }

    @Test func `payment in advance is made when nothing else is offered`() async throws {
        let upfront = Market.option(extra: ["name": "USDC", "version": "2", "paymentFlow": "upfront"])
        #expect(try await self.refusal([upfront]) == nil)
    }

    @Test func `the caller's network and token are kept to`() async throws {
        let both = [Market.option(amount: "1"), Market.option(Market.baseUSDC, amount: "2")]
        let shop = Shop([Market.challenge(both), Market.delivered()])
        _ = await shop.buy(PurchaseRequest(Market.url), PurchasePolicy(network: Market.base))
        #expect(shop.server.payments.first?.accepted.network == Market.base)
        #expect(try await self.refusal(both, PurchasePolicy(asset: "EURC"))?.code == .noAcceptableOffer)
        let other = PurchasePolicy(asset: Market.baseUSDC.address.lowercased())
        #expect(try await self.refusal(both, other) == nil)
    }

    @Test func `a token that is no dollar is only paid when named and limited`() async throws {
        let euros = [Market.option(Market.eurc, amount: "1000")]
        #expect(try await self.refusal(euros)?.code == .noAcceptableOffer)
        #expect(try await self.refusal(euros, PurchasePolicy(limit: Dollars(1)))?.code == .noAcceptableOffer)
        #expect(try await self.refusal(euros, PurchasePolicy(asset: "EURC"))?.code == .noAcceptableOffer)
        #expect(try await self.refusal(euros, PurchasePolicy(limit: Dollars(1), asset: "EURC")) == nil)
        let over = PurchasePolicy(limit: Dollars(micros: 999), asset: Market.eurc.address)
        #expect(try await self.refusal(euros, over)?.code == .overLimit)
    }

    @Test func `without a key nothing is paid`() async {
        let shop = Shop([Market.challenge([Market.option()])])
        shop.signers = []
        #expect(await shop.buy().report.exitStatus == 21)
    }

    @Test func `a member that is there twice makes the offer unreadable`() async {
        let text = #"{"x402Version":2,"accepts":[],"accepts":[]}"#
        let shop = Shop([.answer(402, ["PAYMENT-REQUIRED": Base64.encode(Array(text.utf8))], "{}")])
        let (report, _) = await shop.buy()
        #expect(report.exitStatus == 21 && report.failure?.message.contains("repeated") == true)
    }

    @Test(arguments: ["", "{}", "[]", "not json", #"{"x402Version":2,"accepts":[]}"#, #"{"x402Version":1,"accepts":[]}"#])
    func `a 402 without an offer is said to have none`(body: String) async {
        let shop = Shop([.answer(402, [:], body)])
        #expect(await shop.buy().report.exitStatus == 21)
    }

    @Test func `a header that cannot be read does not make the body believed`() async {
        let body = #"{"x402Version":1,"error":"","accepts":[]}"#
        let shop = Shop([.answer(402, ["PAYMENT-REQUIRED": "%%%"], body)])
        #expect(await shop.buy().report.failure?.message.contains("PAYMENT-REQUIRED cannot be read") == true)
    }

    @Test func `an account with too little is named with what is missing, and the next option is tried`() async {
        let shop = Shop([Market.challenge([Market.option(amount: "1000")])])
        shop.chain.balances = [Market.baseSepolia: 400]
        let (report, _) = await shop.buy()
        #expect(report.exitStatus == 21 && report.failure?.code == .insufficientFunds)
        for word in [Market.payer.account, "eip155:84532", "0.0004 USDC", "0.0006 USDC"] {
            #expect(report.failure?.message.contains(word) == true)
        }
        let options = [Market.option(amount: "1000"), Market.option(Market.baseUSDC, amount: "2000")]
        let other = Shop([Market.challenge(options), Market.delivered()])
        other.chain.balances = [Market.baseSepolia: 999, Market.base: 2_000]
        _ = await other.buy()
        #expect(other.server.payments.first?.accepted.network == Market.base)
    }
}
