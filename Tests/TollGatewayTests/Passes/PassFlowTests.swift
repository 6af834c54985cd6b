// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollEVM
import TollGateway
import TollHTTP
import TollPayments
import TollPrimitives
import TollTestKit

/// What was paid for once may be asked for again, for a while.
@Suite struct PassFlowTests {
    // MARK: - Getting one

    @Test(arguments: ["/paid/1", "/first/1"])
    func `a paid answer brings a pass and says when it ends`(target: String) async throws {
        let bench = try Bench.opening()
        let answer = try await bench.pay(.get, target, try await bench.credential(target))
        #expect(answer.status == 200 && answer["tollgate-pass"]?.hasPrefix("tgp_") == true)
        #expect(answer["tollgate-pass-expires"] == "\(Bench.now + 60)" && answer["set-cookie"] == nil)
        #expect(answer["cache-control"] == "private" && answer.receipt["success"] == true)
        let varying = answer.head.fields.values(of: "vary").map { String(decoding: $0, as: UTF8.self) }.joined(separator: ", ")
        for name in ["authorization", "cookie", "tollgate-pass", "payment-signature"] {
            #expect(varying.lowercased().contains(name), "\(name)")
        }
    }

    @Test func `so does one that was paid for in version 1`() async throws {
        let bench = try Bench.opening()
        let answer = try await bench.ask(.get, "/paid/1", Bench.credential1())
        let token = try #require(answer["tollgate-pass"])
        #expect(try await bench.ask(.get, "/paid/1", PassBench.bearer(token)).status == 200)
    }

    @Test func `so does one that is settled later, from the claim on`() async throws {
        var routes = try [Bench.route("/later/*", settle: SettleRule(.deferred))]
        routes[0].terms?.accessSeconds = 60
        let bench = try Bench.opening(routes: routes)
        let first = SamplePayment.claim(1_000_001, payer: Bench.payer.address.description)
        _ = try await bench.store.claim(first, at: Bench.now - 100)
        try await bench.store.append([.settled(SamplePayment.settlement(1)), .served], to: first.id, at: Bench.now - 100)
        let credential = try await bench.credential("/later/1")
        let answer = try await bench.pay(.get, "/later/1", credential)
        #expect(answer.receipt["transaction"] == "" && answer["tollgate-pass-expires"] == "\(Bench.now + 60)")
        bench.time.advance(by: .seconds(30))
        let record = try #require(try await bench.records().last)
        try await bench.store.append([.settled(SamplePayment.settlement(2))], to: record.id, at: Bench.now + 30)
        let again = try await bench.pay(.get, "/later/1", credential)
        #expect(again["tollgate-pass"] == answer["tollgate-pass"] || again.status == 409)
        #expect(try await bench.ask(.get, "/later/2", PassBench.bearer(try #require(answer["tollgate-pass"]))).status == 200)
    }

    @Test func `so does one that was bought with credit`() async throws {
        let counter = Counter()
        var routes = try [SignInFlowTests.route("/paid/*"), SignInFlowTests.route("/first/*", .before)]
        routes[0].terms?.accessSeconds = 60
        let bench = try Bench.opening(routes: routes) { _ in .text("made", status: counter.next() < 1 ? 503 : 200) }
        #expect(try await bench.pay(.get, "/first/1", try await bench.credential("/first/1")).status == 502)
        let answer = try await bench.ask(.get, "/paid/1", SignInFlowTests.signIn(bench))
        let token = try #require(answer["tollgate-pass"])
        #expect(answer.status == 200 && answer["tollgate-pass-expires"] == "\(Bench.now + 60)")
        #expect(try await bench.ask(.get, "/paid/2", PassBench.bearer(token)).text == "made")
        #expect(bench.chain.transferCount == 1)
    }

    @Test func `the answer again brings the same pass, and none when its time is over`() async throws {
        let bench = try Bench.opening()
        let credential = try await bench.credential()
        let first = try await bench.pay(credential)
        bench.time.advance(by: .seconds(59))
        let again = try await bench.pay(credential)
        #expect(again.status == 200 && again["tollgate-pass"] == first["tollgate-pass"] && first["tollgate-pass"] != nil)
        #expect(again["tollgate-pass-expires"] == first["tollgate-pass-expires"])
        bench.time.advance(by: .seconds(1))
        let late = try await bench.pay(credential)
        #expect(late.status == 200 && late["tollgate-pass"] == nil && late["tollgate-pass-expires"] == nil)
        #expect(bench.upstream.sent.count == 1)
    }

    @Test func `what was not charged, or is sold by the answer, brings none`() async throws {
        let failing = try Bench.opening { _ in .text("no", status: 500) }
        let answer = try await failing.pay(try await failing.credential())
        #expect(answer.status == 500 && answer["tollgate-pass"] == nil)
        let debt = try await failing.pay(.get, "/first/1", try await failing.credential("/first/1"))
        #expect(debt.status == 502 && debt["tollgate-pass"] == nil && debt["tollgate-debt"] != nil)
        let bench = try Bench.opening()
        #expect(try await bench.pay(.get, "/brief/1", try await bench.credential("/brief/1"))["tollgate-pass"] == nil)
        #expect(try await bench.ask(.get, "/free/1")["tollgate-pass"] == nil)
        #expect(try await bench.ask(.get, "/paid/1")["tollgate-pass"] == nil)
        let without = try Bench(routes: PassBench.routes())
        #expect(try await without.pay(try await without.credential())["tollgate-pass"] == nil, "nobody has a key")
    }

    // MARK: - Using it

    @Test(arguments: ["Authorization", "authorization", "Tollgate-Pass"])
    func `a pass opens its route without ledger or chain`(field: String) async throws {
        let paying = try Bench.opening()
        let token = try await paying.buyPass()
        let bench = try paying.withoutLedgerAndChain()
        for (method, target) in [(Method.get, "/paid/1"), (.get, "/paid/2?q=1"), (.head, "/paid/1"), (.post, "/paid/3")] {
            var fields: Fields = [:]
            fields.append(field, field == "Tollgate-Pass" ? token : "Bearer \(token)")
            let answer = try await bench.ask(method, target, fields)
            #expect(answer.status == 200 && answer["payment-response"] == nil && answer["tollgate-pass"] == nil)
            #expect(answer["tollgate-pass-expires"] == "\(Bench.now + 60)")
            #expect(answer["cache-control"] == "private" && answer["vary"]?.contains("Tollgate-Pass") == true)
        }
        #expect(bench.upstream.sent.contains { $0.url.hasSuffix("/paid/2?q=1") })
    }

    @Test func `the upstream learns who paid, and nothing it could use`() async throws {
        let bench = try Bench.opening()
        let token = try await bench.buyPass()
        let record = try #require(try await bench.records().first)
        var fields = PassBench.bearer(token)
        for (name, value) in [
            ("Cookie", "a=1; tollgate-pass-0011223344556677=\(token); b=2"), ("Cookie", "tollgate-pass-x=\(token)"),
            ("Tollgate-Payer", "0xme"), ("Idempotency-Key", "mine"),
        ] {
            fields.append(name, value)
        }
        #expect(try await bench.ask(.get, "/paid/2", fields).status == 200)
        let sent = try #require(bench.upstream.sent.last).fields
        #expect(sent.firstText("tollgate-payer") == Bench.payer.address.description && sent.count(of: "tollgate-payer") == 1)
        #expect(sent.firstText("tollgate-payment-id") == record.id.description)
        #expect(sent.firstText("tollgate-network") == "eip155:84532")
        #expect(sent.firstText("idempotency-key") == "mine" && !sent.contains("tollgate-amount"))
        #expect(!sent.contains("authorization") && sent.values(of: "cookie").map { Array($0) } == [Array("a=1; b=2".utf8)])
        #expect(!sent.contains { String(decoding: $0.value, as: UTF8.self).contains("tgp_") })
        #expect(try await bench.records().count == 1 && bench.chain.transferCount == 1)
    }

    @Test func `it ends to the second, and what it opened is sold again`() async throws {
        let bench = try Bench.opening()
        let token = try await bench.buyPass()
        bench.time.advance(by: .milliseconds(59_999))
        #expect(try await bench.ask(.get, "/paid/1", PassBench.bearer(token)).status == 200)
        bench.time.advance(by: .milliseconds(1))
        let answer = try await bench.ask(.get, "/paid/1", PassBench.bearer(token))
        #expect(answer.status == 402 && answer.code == "pass_expired" && answer["payment-required"] != nil)
        #expect(answer.json["accepts"]?.array?.isEmpty == false)
        #expect(answer.json["detail"]?.string?.contains("is over") == true)
        var fields = PassBench.bearer(token)
        fields.append("PAYMENT-SIGNATURE", Bench.header(try await bench.credential("/paid/1", .init(nonce: 2))))
        #expect(try await bench.ask(.get, "/paid/1", fields).receipt["success"] == true)
        #expect(bench.chain.transferCount == 2)
    }

    @Test func `who has access is not charged again`() async throws {
        let bench = try Bench.opening()
        let token = try await bench.buyPass()
        let second = try await bench.credential("/paid/1", .init(nonce: 2))
        let answer = try await bench.pay(.get, "/paid/1", second, PassBench.bearer(token))
        #expect(answer.status == 200 && answer["payment-response"] == nil)
        #expect(try await bench.records().count == 1 && bench.chain.transferCount == 1)
        #expect(try await bench.pay(second).receipt["success"] == true, "what was left is still good")
    }

    // MARK: - What is none

    @Test func `what is no pass for the route is 401, and nothing is asked of ledger or chain`() async throws {
        let paying = try Bench.opening()
        let token = try await paying.buyPass()
        let other = try await paying.buyPass("/first/1", nonce: 2)
        let stranger = try await Bench.opening(keys: PassBench.keys(2)).buyPass()
        let bench = try paying.withoutLedgerAndChain()
        var twice = PassBench.bearer(token)
        twice.append("Tollgate-Pass", token)
        let presented =
            [other, stranger, token + "A", String(token.dropLast()), "tgp_", "tgp_" + String(repeating: "A", count: 4_000)]
            .map(PassBench.bearer) + [twice, ["Tollgate-Pass": "other"]]
        for fields in presented {
            let answer = try await bench.ask(.get, "/paid/1", fields)
            #expect(answer.status == 401 && answer.code == "invalid_token" && answer["payment-required"] == nil)
            #expect(answer["www-authenticate"] == #"Bearer error="invalid_token""# && answer["cache-control"] == "no-store")
            #expect(!answer.text.contains("tgp_"))
        }
        #expect(bench.upstream.sent.isEmpty && !bench.log.lines.contains { $0.contains("tgp_") })
        #expect(try await bench.ask(.get, "/first/9", PassBench.bearer(other)).status == 200)
    }

    @Test func `what others put into Authorization goes on untouched`() async throws {
        let bench = try Bench.opening()
        let token = try await bench.buyPass()
        for value in ["Bearer theirs", "Bearer TGP_x", "Basic dGdwXzE6eA==", "Bearertgp_x", "Digest tgp_x"] {
            var fields: Fields = ["Tollgate-Pass": token]
            fields.append("Authorization", value)
            #expect(try await bench.ask(.get, "/paid/1", fields).status == 200)
            #expect(bench.upstream.sent.last?.fields.firstText("authorization") == value)
            fields.remove("tollgate-pass")
            #expect(try await bench.ask(.get, "/paid/1", fields).code == "payment_required")
        }
        // On a free route ours is taken out too: whoever is behind it could use it.
        #expect(try await bench.ask(.get, "/free/1", PassBench.bearer(token)).status == 200)
        #expect(bench.upstream.sent.last?.fields.contains("authorization") == false)
    }

    @Test func `a pass that changes anywhere is none`() async throws {
        let bench = try Bench.opening()
        let token = Array(try await bench.buyPass().utf8)
        let count = bench.upstream.sent.count
        for place in 4..<token.count {
            var changed = token
            changed[place] = changed[place] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            let text = String(decoding: changed, as: UTF8.self)
            #expect(try await bench.ask(.get, "/paid/1", PassBench.bearer(text)).status == 401, "\(place)")
        }
        #expect(bench.upstream.sent.count == count)
    }

    // MARK: - Keys and routes that change

    @Test func `access that was sold lasts, whatever is sold after a reload`() async throws {
        let bench = try Bench.opening()
        let token = try await bench.buyPass()
        var configuration = bench.configuration
        configuration.routes = try PassBench.routes(nil)
        let after = bench.with(bench.gateway.reconfigured(configuration))
        #expect(try await after.ask(.get, "/paid/1", PassBench.bearer(token)).status == 200)
        let next = try await after.pay(try await after.credential("/paid/1", .init(nonce: 2)))
        #expect(next.status == 200 && next["tollgate-pass"] == nil)
        configuration.routes = try [Bench.route("/paid/{id}")]
        let renamed = after.with(after.gateway.reconfigured(configuration))
        #expect(try await renamed.ask(.get, "/paid/1", PassBench.bearer(token)).code == "invalid_token")
    }

    @Test func `a key that is no longer first still knows its passes, one that is gone does not`() async throws {
        let bench = try Bench.opening()
        let token = try await bench.buyPass()
        var configuration = bench.configuration
        configuration.passKeys = try PassBench.keys(2, 1)
        let rotated = bench.with(bench.gateway.reconfigured(configuration))
        #expect(try await rotated.ask(.get, "/paid/1", PassBench.bearer(token)).status == 200)
        let next = try await rotated.buyPass(nonce: 2)
        configuration.passKeys = try PassBench.keys(2)
        let after = rotated.with(rotated.gateway.reconfigured(configuration))
        #expect(try await after.ask(.get, "/paid/1", PassBench.bearer(token)).status == 401)
        #expect(try await after.ask(.get, "/paid/1", PassBench.bearer(next)).status == 200)
    }
}
