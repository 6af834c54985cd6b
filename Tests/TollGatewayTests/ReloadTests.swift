// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollGateway
import TollHTTP
import TollPayments
import TollPrimitives
import TollProtocol
import TollTestKit

@Suite struct ReloadTests {
    /// `/paid/*` for twice as much.
    private static func dearer(_ bench: Bench, dialects: [DialectID] = ["x402", "x402-v1"]) throws -> GatewayConfiguration {
        let option = PaymentOption(
            asset: Bench.asset, amount: 2_000, payTo: Bench.payTo, maxTimeoutSeconds: Bench.option.maxTimeoutSeconds)
        return try self.configuration(Terms(options: [option], description: "A sample", dialects: dialects))
    }

    private static func configuration(_ terms: Terms?) throws -> GatewayConfiguration {
        GatewayConfiguration(
            publicURL: Origin(scheme: .https, host: "api.example"),
            routes: [Route(pattern: try RoutePattern("/paid/*"), upstream: Bench.upstreamServer(), terms: terms)])
    }

    private static func amount(_ answer: RecordedResponse) throws -> String? {
        try PaymentHeader.decode(#require(answer["payment-required"]))["accepts"]?.array?.first?["amount"]?.string
    }

    @Test func `a new price is asked at once, and what was offered before is honoured for its max_timeout`() async throws {
        let bench = try Bench()
        let old = try await bench.credential("/paid/1", .init(validBefore: UInt64(Bench.now + 900)))
        let after = bench.with(bench.gateway.reconfigured(try Self.dearer(bench)))
        #expect(try Self.amount(try await after.ask()) == "2000")
        bench.time.advance(by: .seconds(Bench.option.maxTimeoutSeconds - 1))
        #expect(try await after.pay(old).status == 200)
    }

    @Test func `past its max_timeout an offer is refused, and its payments are only taken up again`() async throws {
        let bench = try Bench()
        let paid = try await bench.credential("/paid/1", .init(validBefore: UInt64(Bench.now + 900)))
        let unpaid = try await bench.credential("/paid/1", .init(validBefore: UInt64(Bench.now + 900), nonce: 2))
        #expect(try await bench.pay(paid).status == 200)
        let after = bench.with(bench.gateway.reconfigured(try Self.dearer(bench)))
        bench.time.advance(by: .seconds(Bench.option.maxTimeoutSeconds))
        let refused = try await after.pay(unpaid)
        #expect(refused.status == 402 && refused.code == "invalid_payment_requirements")
        let again = try await after.pay(paid)
        #expect(again.status == 200 && again.text == #"{"ok":true}"#)
        #expect(bench.upstream.sent.count == 1)
    }

    @Test func `an offer in a dialect that is no longer offered is honoured too`() async throws {
        let bench = try Bench()
        let after = bench.with(bench.gateway.reconfigured(try Self.dearer(bench, dialects: ["x402"])))
        #expect(try await after.ask(.get, "/paid/1", Bench.credential1()).status == 200)
    }

    @Test func `a credential of a dialect that was not offered is no payment: a price is asked, not of a person`() async throws {
        let bench = try Bench(routes: [
            Route(
                pattern: try RoutePattern("/paid/*"), upstream: Bench.upstreamServer(),
                terms: Terms(options: [Bench.option], dialects: ["x402"]))
        ])
        let answer = try await bench.ask(.get, "/paid/1", Bench.credential1())
        #expect(answer.status == 402 && answer["content-type"] == "application/json" && answer.code == "payment_required")
    }

    @Test func `it is settled as it was offered: upfront`() async throws {
        let bench = try Bench(routes: [try Bench.route("/paid/*", .before)])
        let old = try await bench.credential()
        let after = bench.with(bench.gateway.reconfigured(try Self.dearer(bench)))
        #expect(try await after.pay(old).status == 200)
        #expect(try await bench.records().map(\.claim.policy) == [.before])
    }

    @Test func `prices that go to and fro leave no trail`() async throws {
        let bench = try Bench()
        let old = try await bench.credential("/paid/1", .init(nonce: 1))
        var gateway = bench.gateway
        for _ in 0..<100 {
            gateway = gateway.reconfigured(try Self.dearer(bench))
            gateway = gateway.reconfigured(
                try Self.configuration(
                    Terms(options: [Bench.option], description: "A sample", dialects: ["x402", "x402-v1"])))
        }
        let between = bench.with(gateway)
        #expect(try Self.amount(try await between.ask()) == "1000")
        #expect(try await between.pay(old).status == 200)
    }

    @Test func `a route that is free now is free for whoever brings a payment`() async throws {
        let bench = try Bench()
        let old = try await bench.credential()
        let after = bench.with(bench.gateway.reconfigured(try Self.configuration(nil)))
        let answer = try await after.pay(old)
        #expect(answer.status == 200 && answer["payment-response"] == nil)
        #expect(try await bench.records().isEmpty)
    }

    @Test func `a request of before and one of after do not serve one payment twice`() async throws {
        let bench = try Bench()
        let credential = try await bench.credential()
        let after = bench.with(bench.gateway.reconfigured(try Self.dearer(bench)))
        async let first = bench.pay(credential)
        async let second = after.pay(credential)
        #expect(try await [first.status, second.status] == [200, 200])
        #expect(bench.upstream.sent.count == 1)
        #expect(try await bench.records().count == 1)
    }
}
