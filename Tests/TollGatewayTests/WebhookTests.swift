// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollHTTP
import TollPayments
import TollPrimitives
import TollRuntime
import TollTestKit

@testable import TollGateway

/// Notices on their way to endpoints. The receiver of Standard Webhooks reads them in the interop matrix, group `webhooks`.
@Suite struct WebhookTests {
    static let now: Int64 = 1_800_000_000

    /// An endpoint that answers as it is told, one status a call, the last for good.
    final class Stand: Sendable {
        let store = MemoryPaymentStore()
        let time = ManualTime(start: .seconds(WebhookTests.now))
        let receiver: ScriptedHTTPClient
        let log = Bench.Log()
        let metrics = MetricsRegistry()
        let endpoint: WebhookEndpoint
        let delivery: WebhookDelivery

        init(statuses: [Int], events: Set<WebhookEvent> = Set(WebhookEvent.allCases), keys: [[UInt8]] = [[1, 2, 3]]) throws {
            let calls = Counter()
            self.receiver = ScriptedHTTPClient { _ throws(HTTPError) in
                let status = statuses[min(calls.next(), statuses.count - 1)]
                guard status > 0 else { throw HTTPError(.timedOut, "no answer") }
                return ClientResponse(head: ResponseHead(status: status))
            }
            self.endpoint = WebhookEndpoint(
                name: "a", url: try URLParts(parsing: "https://hooks.example/in?key=s"), events: events,
                authenticate: { message in keys.map { HMACSHA256.authenticate(message, key: $0).bytes } })
            self.delivery = WebhookDelivery(
                [self.endpoint], outbox: self.store, payments: self.store, client: self.receiver,
                environment: self.time.environment, jitter: { 0 }, metrics: self.metrics, log: self.log.logger)
        }

        /// How many attempts to tell of settled payments ended so.
        func count(_ result: String) -> UInt64 {
            self.metrics.counter("tollgate_webhooks_total", "", ["event": "payment.settled", "result": result]).value
        }

        func settle(_ number: Int = 1) async throws {
            let claim = SamplePayment.claim(number)
            _ = try await self.store.claim(claim, at: WebhookTests.now)
            try await self.store.append([.settled(SamplePayment.settlement(number))], to: claim.id, at: WebhookTests.now)
        }
    }

    @Test func `a settled payment is told with its signature, as Standard Webhooks writes it`() async throws {
        let stand = try Stand(statuses: [204], keys: [[1, 2, 3], [4]])
        try await stand.delivery.subscribe()
        try await stand.settle()
        #expect(await stand.delivery.deliver(to: stand.endpoint) == 1)
        let sent = try #require(stand.receiver.sent.first)
        #expect(sent.method == .post && sent.url == "https://hooks.example/in?key=s")
        let id = SamplePayment.claim(1).id
        #expect(sent.fields.firstText("webhook-id") == "msg_\(id)_2")
        #expect(sent.fields.firstText("webhook-timestamp") == "\(Self.now)")
        let signed = Array("msg_\(id)_2.\(Self.now).\(sent.text)".utf8)
        let signatures = [[1, 2, 3], [4]].map { "v1," + Base64.encode(HMACSHA256.authenticate(signed, key: $0).bytes) }
        #expect(sent.fields.firstText("webhook-signature") == signatures.joined(separator: " "))
        let json = try JSON(parsing: sent.body)
        #expect(json["type"] == "payment.settled" && json["timestamp"] == "2027-01-15T08:00:00Z")
        #expect(json["data"]?["payment"] == .string("\(id)") && json["data"]?["amount"] == "1000")
        #expect(json["data"]?["transaction"] == .string(SamplePayment.hash(1)) && json["data"]?["isCredit"] == false)
        #expect(await stand.delivery.deliver(to: stand.endpoint) == 0)
        #expect(stand.count("delivered") == 1)
    }

    @Test func `whoever does not hear is told the same again, later and later, for about three days`() async throws {
        let stand = try Stand(statuses: [500, 0, 302, 404])
        try await stand.delivery.subscribe()
        try await stand.settle()
        var pauses: [Int64] = []
        for _ in 0..<9 {
            #expect(await stand.delivery.deliver(to: stand.endpoint) == 1)
            #expect(await stand.delivery.deliver(to: stand.endpoint) == 0)
            let pause = try #require(WebhookSchedule.pause(afterAttempt: pauses.count + 1, jitter: 0))
            stand.time.advance(by: .seconds(pause - 1))
            #expect(await stand.delivery.deliver(to: stand.endpoint) == 0)
            stand.time.advance(by: .seconds(1))
            pauses.append(pause)
        }
        #expect(await stand.delivery.deliver(to: stand.endpoint) == 1)
        stand.time.advance(by: .seconds(1_000_000))
        #expect(await stand.delivery.deliver(to: stand.endpoint) == 0)
        #expect(stand.count("failed") == 9 && stand.count("given_up") == 1 && stand.count("delivered") == 0)
        #expect((2 * 86_400...4 * 86_400).contains(pauses.reduce(0, +)))
        let sent = stand.receiver.sent
        #expect(sent.count == 10 && Set(sent.map(\.body)).count == 1)
        #expect(Set(sent.compactMap { $0.fields.firstText("webhook-id") }).count == 1)
        #expect(Set(sent.compactMap { $0.fields.firstText("webhook-timestamp") }).count == 10)
        #expect(stand.log.holds("webhook given up"))
        #expect(!stand.log.holds("key=s"))
    }

    @Test func `an endpoint that is gone is not told again`() async throws {
        let stand = try Stand(statuses: [410])
        try await stand.delivery.subscribe()
        try await stand.settle()
        #expect(await stand.delivery.deliver(to: stand.endpoint) == 1)
        stand.time.advance(by: .seconds(86_400))
        #expect(await stand.delivery.deliver(to: stand.endpoint) == 0)
        #expect(stand.count("given_up") == 1)
    }

    @Test func `only what an endpoint asked for is told`() async throws {
        let stand = try Stand(statuses: [200], events: [.debtCreated])
        try await stand.delivery.subscribe()
        try await stand.settle()
        let claim = SamplePayment.claim(1)
        try await stand.store.append([.owed(reason: "never served")], to: claim.id, at: Self.now)
        try await stand.store.post(name: "x", kind: "low_gas", detail: "{}", at: Self.now)
        #expect(await stand.delivery.deliver(to: stand.endpoint) == 3)
        #expect(stand.receiver.sent.count == 1)
        let json = try JSON(parsing: try #require(stand.receiver.sent.first).body)
        #expect(json["type"] == "debt.created" && json["data"]?["reason"] == "never served")
    }

    @Test func `a payment that failed, and gas that runs out, are told`() async throws {
        let stand = try Stand(statuses: [200])
        try await stand.delivery.subscribe()
        let claim = SamplePayment.claim(2)
        _ = try await stand.store.claim(claim, at: Self.now)
        try await stand.store.append([.failed(PaymentRefusal("expired", detail: "late"))], to: claim.id, at: Self.now)
        try await stand.store.post(name: "x", kind: "low_gas", detail: #"{"signer":"0x1"}"#, at: Self.now)
        #expect(await stand.delivery.deliver(to: stand.endpoint) == 2)
        let told = try stand.receiver.sent.map { try JSON(parsing: $0.body) }
        let failed = try #require(told.first { $0["type"] == "payment.failed" })
        #expect(failed["data"]?["reason"] == "expired" && failed["data"]?["detail"] == "late")
        #expect(told.contains { $0["type"] == "signer.low_gas" && $0["data"] == ["signer": "0x1"] })
    }

    @Test func `jitter adds a fifth at most`() {
        #expect(WebhookSchedule.pause(afterAttempt: 2, jitter: 0) == 300)
        #expect(WebhookSchedule.pause(afterAttempt: 2, jitter: 100) == 360)
        #expect(WebhookSchedule.pause(afterAttempt: 2, jitter: 1_000) == 360)
        #expect(
            WebhookSchedule.pause(afterAttempt: 10, jitter: 0) == nil && WebhookSchedule.pause(afterAttempt: 0, jitter: 0) == nil)
    }
}
