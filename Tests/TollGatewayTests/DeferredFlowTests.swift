// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollEVM
import TollGateway
import TollHTTP
import TollPayments
import TollPrimitives
import TollTestKit

/// Served first, settled later: who is, what it costs when it goes wrong, and what is told.
@Suite struct DeferredFlowTests {
    /// A gateway that defers, and a payer with one settled payment.
    private static func bench(
        _ settle: SettleRule = SettleRule(.deferred), limits: DeferralLimits = DeferralLimits(),
        upstream: @escaping @Sendable (ScriptedHTTPClient.Sent) async throws(HTTPError) -> ClientResponse = { _ in
            .text(#"{"ok":true}"#)
        }
    ) async throws -> Bench {
        let bench = try Bench(
            routes: [try Bench.route("/later/*", settle: settle), try Bench.route("/paid/*")], deferral: limits,
            upstream: upstream)
        let first = SamplePayment.claim(1_000_001, payer: Bench.payer.address.description)
        _ = try await bench.store.claim(first, at: Bench.now - 100)
        try await bench.store.append([.settled(SamplePayment.settlement(1)), .served], to: first.id, at: Bench.now - 100)
        return bench
    }

    private static func record(_ bench: Bench) async throws -> PaymentRecord {
        try #require(try await bench.records().last)
    }

    private static func events(_ bench: Bench) async throws -> [String] {
        try await bench.store.events(try await self.record(bench).id).map(\.event.name)
    }

    // MARK: - Who is deferred

    @Test func `served on the signature, without a transaction, and queued`() async throws {
        let bench = try await Self.bench()
        let answer = try await bench.pay(.get, "/later/1", try await bench.credential("/later/1"))
        #expect(answer.status == 200 && answer.text == #"{"ok":true}"#)
        #expect(answer.receipt["success"] == true && answer.receipt["transaction"] == "")
        #expect(answer["cache-control"] == "private")
        #expect(try await Self.events(bench) == ["claimed", "queued", "served"])
        #expect(bench.chain.transactionCount == 0)
        #expect(try await Self.record(bench).openExposure == 1_000)
    }

    @Test func `a payer without a settled payment is settled in the same request, and deferred the next time`() async throws {
        let bench = try Bench(routes: [try Bench.route("/later/*", settle: SettleRule(.deferred))])
        let first = try await bench.pay(.get, "/later/1", try await bench.credential("/later/1"))
        #expect(first.status == 200 && first.receipt["transaction"]?.string?.hasPrefix("0x") == true)
        #expect(try await Self.events(bench) == ["claimed", "answered", "signed", "broadcast", "settled", "served"])
        #expect(bench.log.holds("not deferred", "0 settled payments"))
        let next = try await bench.pay(.get, "/later/1", try await bench.credential("/later/1", .init(nonce: 2)))
        #expect(next.status == 200 && next.receipt["transaction"] == "")
        #expect(bench.chain.transferCount == 1)
    }

    @Test(arguments: [
        DeferralLimits(perPayer: 999), DeferralLimits(total: 999),
    ])
    func `over an exposure, a payment is settled in the same request`(limits: DeferralLimits) async throws {
        let bench = try await Self.bench(limits: limits)
        let answer = try await bench.pay(.get, "/later/1", try await bench.credential("/later/1"))
        #expect(answer.status == 200 && answer.receipt["transaction"]?.string?.hasPrefix("0x") == true)
        #expect(bench.chain.transferCount == 1)
    }

    @Test func `what the payer owes already counts against what it holds`() async throws {
        let bench = try await Self.bench()
        bench.chain.mint(1_500, to: Bench.payer.address)
        #expect(try await bench.pay(.get, "/later/1", try await bench.credential("/later/1")).receipt["transaction"] == "")
        let second = try await bench.pay(.get, "/later/1", try await bench.credential("/later/1", .init(nonce: 2)))
        #expect(second.receipt["transaction"]?.string?.hasPrefix("0x") == true)
        #expect(bench.log.holds("not deferred", "holds 1500 units, owes 1000"))
    }

    @Test func `as many at once as the exposure holds, and no more`() async throws {
        let bench = try await Self.bench(limits: DeferralLimits(perPayer: 5_500))
        var credentials: [JSON] = []
        for nonce in 1...40 { credentials.append(try await bench.credential("/later/1", .init(nonce: nonce))) }
        let answers = try await withThrowingTaskGroup(of: RecordedResponse.self) { group in
            for credential in credentials { group.addTask { try await bench.pay(.get, "/later/1", credential) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.allSatisfy { $0.status == 200 })
        #expect(answers.filter { $0.receipt["transaction"] == "" }.count == 5)
        #expect(bench.chain.transferCount == 35)
    }

    @Test func `otherwise before: settled, then called`() async throws {
        let bench = try await Self.bench(SettleRule(.deferred, otherwise: .before), limits: DeferralLimits(perPayer: 1))
        let answer = try await bench.pay(.get, "/later/1", try await bench.credential("/later/1"))
        #expect(answer.status == 200)
        #expect(try await Self.events(bench) == ["claimed", "signed", "broadcast", "settled", "answered", "served"])
    }

    @Test func `only what strangers pay first is upfront on the wire`() async throws {
        for (rule, flow) in [
            (SettleRule(.deferred), nil), (SettleRule(.deferred, otherwise: .before), "upfront"),
            (SettleRule(.before), "upfront"), (SettleRule(.after), nil),
            (SettleRule(.after, settledPaymentsMin: 2, otherwise: .before), "upfront"),
        ] as [(SettleRule, String?)] {
            let bench = try await Self.bench(rule)
            let credential = try await bench.credential("/later/1")
            #expect(credential["accepted"]?["extra"]?["paymentFlow"]?.string == flow)
            #expect(try await bench.pay(.get, "/later/1", credential).status == 200)
        }
    }

    @Test func `by history: who has paid often enough pays after the answer`() async throws {
        let rule = SettleRule(.after, settledPaymentsMin: 2, otherwise: .before)
        let bench = try await Self.bench(rule)
        let calls = ["claimed", "signed", "broadcast", "settled", "answered", "served"]
        #expect(try await bench.pay(.get, "/later/1", try await bench.credential("/later/1")).status == 200)
        #expect(try await Self.events(bench) == calls)
        bench.time.advance(by: .seconds(1))
        #expect(try await bench.pay(.get, "/later/1", try await bench.credential("/later/1", .init(nonce: 2))).status == 200)
        #expect(try await Self.events(bench) == ["claimed", "answered", "signed", "broadcast", "settled", "served"])
    }

    // MARK: - What goes wrong

    @Test(arguments: [304, 404, 500])
    func `a call that fails costs nothing`(status: Int) async throws {
        let bench = try await Self.bench { _ in .text("", status: status) }
        let answer = try await bench.pay(.get, "/later/1", try await bench.credential("/later/1"))
        #expect(answer.status == status && answer["payment-response"] == nil)
        #expect(try await Self.events(bench) == ["claimed", "released"])
        #expect(try await Self.record(bench).openExposure == 0)
    }

    @Test func `who hangs up pays all the same, and it is known that nothing arrived`() async throws {
        let bench = try await Self.bench()
        let credential = try await bench.credential("/later/1")
        var fields: Fields = ["Host": "api.example"]
        fields.append("PAYMENT-SIGNATURE", Base64.encode(credential.utf8))
        let head = RequestHead(method: .get, target: "/later/1", fields: fields)
        await bench.gateway.handle(Request(head: head, peer: Bench.peer), Responder(RecordingResponseChannel.disconnected()))
        #expect(try await Self.events(bench) == ["claimed", "queued"])
        #expect(try await bench.pay(.get, "/later/1", credential).status == 200)
        #expect(try await Self.events(bench) == ["claimed", "queued", "served"])
    }

    @Test func `what was served and will not be paid bars its payer, until it has paid as much again`() async throws {
        let bench = try await Self.bench()
        #expect(try await bench.pay(.get, "/later/1", try await bench.credential("/later/1")).receipt["transaction"] == "")
        let unpaid = try await Self.record(bench)
        try await bench.store.append([.failed(PaymentRefusal("transaction_failed"))], to: unpaid.id, at: Bench.now)
        bench.time.advance(by: .seconds(1))
        let barred = try await bench.pay(.get, "/later/1", try await bench.credential("/later/1", .init(nonce: 2)))
        #expect(barred.status == 200 && barred.receipt["transaction"]?.string?.hasPrefix("0x") == true)
        let free = try await bench.pay(.get, "/later/1", try await bench.credential("/later/1", .init(nonce: 3)))
        #expect(free.receipt["transaction"] == "")
    }

    // MARK: - Again

    @Test func `again by the claimant: a GET is called again, a POST is refused, and so is everybody else`() async throws {
        let bench = try await Self.bench()
        let credential = try await bench.credential("/later/1")
        #expect(try await bench.pay(.get, "/later/1", credential).status == 200)
        let again = try await bench.pay(.get, "/later/1", credential)
        #expect(again.status == 200 && again.receipt["success"] == true && again.receipt["transaction"] == "")
        #expect(bench.upstream.sent.count == 2)
        let stranger = try await bench.pay(.get, "/later/1", credential.changing("accepted.extra.challenge", to: nil))
        #expect(stranger.status == 409 && stranger.code == "already_used")
        let posted = try await bench.credential("/later/1", .init(nonce: 2))
        #expect(try await bench.pay(.post, "/later/1", posted).status == 200)
        #expect(try await bench.pay(.post, "/later/1", posted).code == "already_used")
        #expect(bench.upstream.sent.count == 3 && bench.chain.transactionCount == 0)
        #expect(try await bench.records().filter { $0.claim.policy == .deferred }.map(\.phase) == [.queued, .queued])
    }

    @Test func `interrupted between claim and queue: a GET is served after all`() async throws {
        let bench = try await Self.bench()
        let credential = try await bench.credential("/later/1")
        let store = ForgetfulStore(wrapped: bench.store)
        let crashed = try Bench(
            store: store, chain: bench.chain, time: bench.time,
            routes: [try Bench.route("/later/*", settle: SettleRule(.deferred))])
        #expect(try await crashed.pay(.get, "/later/1", credential).status == 200)
        #expect(try await Self.events(bench) == ["claimed"])
        #expect(try await bench.pay(.get, "/later/1", credential).status == 200)
        #expect(try await Self.events(bench) == ["claimed", "taken_over", "queued", "served"])
    }
}

/// A ledger that loses what follows a claim, as a crash does.
private struct ForgetfulStore: WrappingPaymentStore {
    let wrapped: any PaymentStore

    func append(_ entries: [LedgerEntry], at time: Int64) async throws(StoreError) -> [PaymentRecord] {
        throw .unavailable("the process is gone")
    }
}
