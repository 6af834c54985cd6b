// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollEVM
import TollGateway
import TollHTTP
import TollPayments
import TollPrimitives
import TollTestKit

/// What a payer is owed buys: a request without a payment, by a payer who has signed in.
@Suite struct CreditTests {
    /// An upstream that fails until it is told not to.
    private static func failing(_ times: Int) -> @Sendable (ScriptedHTTPClient.Sent) async throws(HTTPError) -> ClientResponse {
        let calls = Counter()
        return { _ in .text("made", status: calls.next() < times ? 503 : 200) }
    }

    /// A bench whose payer is owed `debts` payments of 0.001 USDC.
    private static func owing(
        _ debts: Int = 1, failing times: Int? = nil, more routes: [Route] = [], store: any PaymentStore = MemoryPaymentStore(),
        sleepPasses: Bool = true
    ) async throws -> Bench {
        let bench = try SignInFlowTests.bench(
            store: store, sleepPasses: sleepPasses, more: routes, upstream: Self.failing(times ?? debts))
        for nonce in 1...max(1, debts) where debts > 0 {
            let credential = try await bench.credential("/first/1", Bench.Authorization(nonce: nonce))
            let answer = try await bench.pay(.get, "/first/1", credential)
            #expect(answer.status == 502 && answer["tollgate-debt"] != nil)
        }
        return bench
    }

    private static func debt(_ bench: Bench) async throws -> UInt256 {
        try await bench.records().compactMap(\.debt).filter(\.isOpen).reduce(0) { $0.adding($1.units) ?? .max }
    }

    @Test func `a debt buys a call, with a receipt and no transaction`() async throws {
        let bench = try await Self.owing()
        let answer = try await bench.ask(.get, "/paid/1", SignInFlowTests.signIn(bench))
        #expect(answer.status == 200 && answer.text == "made")
        #expect(answer.receipt["success"] == true && answer.receipt["transaction"] == "")
        #expect(answer.receipt["payer"]?.string?.lowercased() == Bench.payer.address.lowercaseHex)
        #expect(answer["cache-control"] == "private")
        let sent = try #require(bench.upstream.sent.last)
        #expect(sent.fields.firstText("tollgate-amount") == "1000" && sent.fields.firstText("sign-in-with-x") == nil)
        #expect(sent.fields.firstText("tollgate-payer")?.lowercased() == Bench.payer.address.lowercaseHex)
        #expect(bench.chain.transferCount == 1)
        let bought = try #require(try await bench.records().first { $0.settlement?.isCredit == true })
        #expect(bought.claim.dialect == .credit && bought.isServed && bought.claim.policy == .before)
        #expect(try await Self.debt(bench) == 0)
        #expect(bench.log.holds("paid", bought.id.description))
    }

    @Test func `one sign-in buys once: again it gets the same answer`() async throws {
        let bench = try await Self.owing(2)
        let fields = try await SignInFlowTests.signIn(bench)
        for _ in 0..<3 { #expect(try await bench.ask(.get, "/paid/1", fields).text == "made") }
        #expect(try await bench.ask(.get, "/paid/2", fields).code == "already_used")
        #expect(bench.upstream.sent.count == 3)
        #expect(try await Self.debt(bench) == 1_000)
        #expect(try await bench.ask(.get, "/paid/2", SignInFlowTests.signIn(bench, nonce: "aaaaaaaa2")).status == 200)
        #expect(try await Self.debt(bench) == 0)
    }

    @Test func `without enough credit it is the ordinary 402`() async throws {
        let dear = PaymentOption(asset: Bench.asset, amount: 1_001, payTo: Bench.payTo, maxTimeoutSeconds: 300)
        let bench = try await Self.owing(more: [try SignInFlowTests.route("/dearer/*", options: [dear])])
        let answer = try await bench.ask(.get, "/dearer/1", SignInFlowTests.signIn(bench, "/dearer/1"))
        #expect(answer.status == 402 && answer.code == "payment_required" && answer["payment-required"] != nil)
        #expect(answer["content-type"] == "application/json")
        #expect(try await Self.debt(bench) == 1_000)
        #expect(bench.upstream.sent.count == 1)
        let none = try await Self.owing(0)
        #expect(try await none.ask(.get, "/paid/1", SignInFlowTests.signIn(none)).status == 402)
        #expect(try await none.isUntouched())
    }

    @Test func `another's debts are not a stranger's credit`() async throws {
        let bench = try await Self.owing()
        let fields = try await SignInFlowTests.signIn(bench, key: Bench.stranger)
        #expect(try await bench.ask(.get, "/paid/1", fields).status == 402)
        #expect(try await Self.debt(bench) == 1_000)
    }

    @Test func `a purchase that fails is owed again, and a 4xx is the buyer's`() async throws {
        let bench = try await Self.owing(1, failing: 2)
        let answer = try await bench.ask(.get, "/paid/1", SignInFlowTests.signIn(bench))
        #expect(answer.status == 502 && answer.code == "upstream_failed")
        #expect(answer.receipt["success"] == true && answer["tollgate-debt"] != nil)
        #expect(try await Self.debt(bench) == 1_000)
        #expect(try await bench.ask(.get, "/paid/1", SignInFlowTests.signIn(bench, nonce: "aaaaaaaa2")).status == 200)
        #expect(try await Self.debt(bench) == 0)
        #expect(bench.chain.transferCount == 1)
    }

    @Test func `the first asset in which the credit suffices is taken, and a repeat takes no other`() async throws {
        let other = Asset(
            network: Bench.asset.network, address: "0x1111111111111111111111111111111111111111", symbol: "EURC", decimals: 6,
            domainName: "EURC", domainVersion: "2")
        let options = [
            PaymentOption(asset: other, amount: 900, payTo: Bench.payTo, maxTimeoutSeconds: 300), Bench.option,
        ]
        let bench = try await Self.owing(2, more: [try SignInFlowTests.route("/many/*", options: options)])
        let fields = try await SignInFlowTests.signIn(bench, "/many/1")
        for _ in 0..<2 { #expect(try await bench.ask(.get, "/many/1", fields).status == 200) }
        #expect(try await Self.debt(bench) == 1_000)
        #expect(bench.upstream.sent.count == 3)
    }

    @Test func `a hundred at once with one sign-in and one debt buy once`() async throws {
        let bench = try await Self.owing(sleepPasses: false)
        let fields = try await SignInFlowTests.signIn(bench)
        let answers = try await withThrowingTaskGroup(of: RecordedResponse.self) { group in
            for _ in 0..<100 { group.addTask { try await bench.ask(.get, "/paid/1", fields) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.allSatisfy { $0.status == 200 && $0.text == "made" })
        #expect(bench.upstream.sent.count == 2)
        #expect(try await Self.debt(bench) == 0)
    }

    @Test func `fifty sign-ins over ten debts buy ten calls`() async throws {
        let bench = try await Self.owing(10, sleepPasses: false)
        var signIns: [Fields] = []
        for number in 0..<50 { signIns.append(try await SignInFlowTests.signIn(bench, nonce: "aaaaaaaa\(number)")) }
        let answers = try await withThrowingTaskGroup(of: RecordedResponse.self) { group in
            for fields in signIns { group.addTask { try await bench.ask(.get, "/paid/1", fields) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.filter { $0.status == 200 }.count == 10)
        #expect(answers.filter { $0.status == 402 }.count == 40)
        #expect(try await Self.debt(bench) == 0)
        #expect(bench.upstream.sent.count == 20 && bench.chain.transferCount == 10)
    }

    @Test func `a sign-in under the nonce of a payment does not take that payment`() async throws {
        let bench = try await Self.owing()
        let nonce = UInt256(1).word.description  // What the payment on `/first/1` was signed with.
        let answer = try await bench.ask(.get, "/first/1", SignInFlowTests.signIn(bench, nonce: nonce))
        #expect(answer.status == 200 && answer.text == "made")
        #expect(try await bench.records().count == 2)
    }

    @Test func `a ledger that does not answer sells nothing`() async throws {
        let bench = try SignInFlowTests.bench(store: BrokenPaymentStore("down"))
        #expect(try await bench.ask(.get, "/paid/1", SignInFlowTests.signIn(bench)).status == 503)
        #expect(bench.upstream.sent.isEmpty)
    }

    @Test func `the body of a purchase goes upstream whole`() async throws {
        let bench = try await Self.owing()
        let body = [UInt8](repeating: 7, count: (1 << 20) + 1)
        let fields = try await SignInFlowTests.signIn(bench)
        #expect(try await bench.ask(.post, "/paid/1", fields, body: BodyStream(body)).status == 200)
        #expect(bench.upstream.sent.last?.body.count == body.count)
    }
}
