// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollEVM
import TollGateway
import TollHTTP
import TollPayments
import TollPrimitives
import TollTestKit

/// Beside another proxy: what it is told, and who is believed.
@Suite struct ForwardAuthTests {
    private static let modes = ForwardAuthConfiguration.Mode.allCases
    private static let ours: [FieldName] = [
        "tollgate-payer", "tollgate-payment-id", "tollgate-amount", "tollgate-asset", "tollgate-network", "idempotency-key",
    ]

    // MARK: - What may pass, and what not

    @Test(arguments: modes)
    func `what is free may pass, and brings nothing that a client has written`(mode: ForwardAuthConfiguration.Mode) async throws {
        let bench = try AuthBench(mode)
        let fields: Fields = ["Tollgate-Payer": "0xme", "Tollgate_Admit": "paid", "Idempotency-Key": "mine"]
        let answer = try await bench.ask(.get, "/free/1", fields)
        #expect(answer.status == 200 && answer["tollgate-admit"] == "free" && answer.body.isEmpty)
        #expect(Self.ours.allSatisfy { answer[$0] == nil } && answer.head.fields.count(of: "tollgate-admit") == 1)
        #expect(try await bench.bench.isUntouched())
    }

    @Test(arguments: modes)
    func `what has a price is asked for, with the offer a gateway makes`(mode: ForwardAuthConfiguration.Mode) async throws {
        let bench = try AuthBench(mode)
        for target in ["/paid/1", "/paid/1?q=2"] {
            let answer = try #require(try await bench.answer(.get, target))
            #expect(answer.status == 402 && answer.code == "payment_required" && answer["payment-required"] != nil)
            #expect(answer.json["accepts"]?.array?.first?["resource"] == "https://api.example/paid/1")
        }
        #expect(try await bench.answer(.post, "/paid/1")?.status == 402)
        #expect(try await bench.answer(.get, "/nowhere")?.status == 404)
        #expect(try await bench.answer(.post, "/dear")?.status == 405)
        let browser = try await bench.answer(.get, "/paid/1", ["Accept": "text/html", "User-Agent": "Mozilla/5.0"])
        #expect(browser?.status == 402 && browser?["content-type"] == "text/html; charset=utf-8")
    }

    @Test(arguments: modes)
    func `a 402 to a HEAD is whole for the proxy that asks by GET`(mode: ForwardAuthConfiguration.Mode) async throws {
        let bench = try AuthBench(mode)
        let answer = try #require(try await bench.answer(.head, "/paid/1"))
        #expect(answer.status == 402 && (mode == .envoy || !answer.body.isEmpty))
    }

    @Test(arguments: modes)
    func `what is paid may pass, with who paid for the upstream and the receipt for the client`(
        mode: ForwardAuthConfiguration.Mode
    ) async throws {
        let bench = try AuthBench(mode)
        var fields = try await bench.credential("/paid/1")
        fields.append("Tollgate-Payer", "0xme")
        let answer = try await bench.ask(.get, "/paid/1", fields)
        let record = try #require(try await bench.bench.records().first)
        #expect(answer.status == 200 && answer["tollgate-admit"] == "paid" && answer.body.isEmpty)
        #expect(answer["tollgate-payer"] == Bench.payer.address.description && answer["tollgate-amount"] == "1000")
        #expect(answer.head.fields.count(of: "tollgate-payer") == 1)
        #expect(answer["tollgate-payment-id"] == record.id.description && answer["idempotency-key"] == record.id.description)
        #expect(answer["tollgate-network"] == "eip155:84532" && answer["tollgate-asset"] == Bench.asset.address)
        #expect(answer.receipt["success"] == true && answer.receipt["transaction"]?.string == record.settlement?.transaction)
        #expect(record.phase == .settled && record.isServed && bench.bench.chain.transferCount == 1)
        #expect(
            try await bench.bench.store.events(record.id).map(\.event.name)
                == ["claimed", "signed", "broadcast", "settled", "answered", "served"])
    }

    @Test(arguments: modes)
    func `a payment lets pass once, also the one who made it`(mode: ForwardAuthConfiguration.Mode) async throws {
        let bench = try AuthBench(mode)
        let fields = try await bench.credential("/paid/1")
        #expect(try await bench.answer(.get, "/paid/1", fields) == nil)
        for (method, target) in [(Method.get, "/paid/1"), (.get, "/paid/2"), (.post, "/paid/1")] {
            let again = try #require(try await bench.answer(method, target, fields))
            #expect(again.status == 409 && again.code == "already_used" && again.json["transaction"] != nil)
            #expect(Self.ours.allSatisfy { again[$0] == nil })
        }
        #expect(bench.bench.chain.transferCount == 1)
    }

    @Test func `many at once with one payment: one may pass`() async throws {
        let bench = try AuthBench(.caddy)
        let fields = try await bench.credential("/paid/1")
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<20 { group.addTask { try await bench.ask(.get, "/paid/1", fields).status } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(statuses.sorted() == [200] + [Int](repeating: 409, count: 19))
    }

    @Test(arguments: modes)
    func `what is wrong with a payment is said as a gateway says it`(mode: ForwardAuthConfiguration.Mode) async throws {
        let bench = try AuthBench(mode)
        #expect(try await bench.answer(.get, "/paid/1", ["PAYMENT-SIGNATURE": "?"])?.code == "malformed_credential")
        let poor = try await bench.credential("/paid/1", .init(key: Bench.stranger))
        let refused = try await bench.answer(.get, "/paid/1", poor)
        #expect(
            refused?.status == 402 && refused?.code == "invalid_exact_evm_insufficient_balance"
                && refused?["payment-required"] != nil)
        bench.bench.chain.weather = .down
        let down = try await bench.answer(.get, "/paid/1", try await bench.credential("/paid/1"))
        #expect(down?.status == 503 && down?["retry-after"] != nil)
    }

    @Test(arguments: modes)
    func `a path that reads otherwise is refused, whatever the proxy makes of it`(
        mode: ForwardAuthConfiguration.Mode
    ) async throws {
        let bench = try AuthBench(mode)
        for target in ["/free/../paid/1", "/free/%2e%2e/paid/1", "/free/..%2fpaid/1", "//paid/1", "/PAID/1"] {
            let answer = try #require(try await bench.answer(.get, target), "\(target) may pass")
            #expect(answer.status == 400 || answer.status == 404, "\(target)")
        }
    }

    @Test(arguments: modes)
    func `a preflight is never leave to pass`(mode: ForwardAuthConfiguration.Mode) async throws {
        let bench = try AuthBench(mode)
        let fields: Fields = ["Origin": "https://app.example", "Access-Control-Request-Method": "GET"]
        let answer = try #require(try await bench.answer(.options, "/paid/1", fields))
        #expect(mode == .nginx ? answer.status == 204 : answer.code == "not_relayed")
    }

    // MARK: - Who is believed

    @Test(arguments: modes)
    func `nobody but a trusted proxy is answered`(mode: ForwardAuthConfiguration.Mode) async throws {
        let bench = try AuthBench(mode)
        let stranger = PeerAddress(ip: "192.0.2.7", port: 1)
        for target in ["/free/1", "/paid/1"] {
            #expect(try await bench.ask(bench.question(.get, target), from: stranger).code == "untrusted_proxy")
        }
        #expect(try await bench.fetch("00", from: stranger).code == "untrusted_proxy")
        #expect(bench.bench.log.holds("asked by a stranger", "192.0.2.7"))
    }

    @Test(arguments: [
        ("X-Original-Method", "GET PUT"), ("X-Original-Method", "CONNECT"), ("X-Original-Host", "a b"),
        ("X-Original-URI", "paid/1"), ("X-Original-URI", "http://other.example/free/1"), ("X-Original-URI", "*"),
        ("X-Original-URI", "/free/1#"), ("X-Original-URI", "/free/\u{E9}"),
    ])
    func `what a proxy cannot have been asked for is refused`(name: String, value: String) async throws {
        let bench = try AuthBench(.nginx)
        var question = bench.question(.get, "/free/1")
        question.fields.remove(try #require(FieldName(name)))
        #expect(try await bench.ask(question).code == "malformed_forward", "missing")
        question.fields.append(name, value)
        #expect(try await bench.ask(question).code == "malformed_forward")
        var doubled = bench.question(.get, "/free/1")
        doubled.fields.append(name, doubled.fields.firstText(try #require(FieldName(name))) ?? "")
        #expect(try await bench.ask(doubled).code == "malformed_forward", "doubled")
        #expect(bench.bench.log.holds("does not understand the proxy"))
    }

    @Test func `of what proxies of other kinds say, nothing is believed`() async throws {
        let others: Fields = [
            "X-Forwarded-Method": "GET", "X-Forwarded-Host": "api.example", "X-Forwarded-Uri": "/free/1",
            "X-Original-Method": "GET", "X-Original-Host": "api.example", "X-Original-URI": "/free/1",
        ]
        func without(_ prefix: String) -> Fields {
            var fields = others
            fields.removeAll { String(decoding: $0, as: UTF8.self).hasPrefix(prefix) }
            return fields
        }
        #expect(try await AuthBench(.nginx).answer(.get, "/paid/1", without("X-Original"))?.status == 402)
        #expect(try await AuthBench(.caddy).answer(.get, "/paid/1", without("X-Forwarded"))?.status == 402)
        #expect(try await AuthBench(.envoy).answer(.get, "/paid/1", others)?.status == 402)
    }

    @Test func `there are no other places`() async throws {
        let bench = try AuthBench(.caddy)
        for target in ["/", "/auth/", "/authx", "/challenge", "/auth/free/1"] {
            var question = bench.question(.get, "/free/1")
            question.target = Array(target.utf8)
            #expect(try await bench.ask(question).status == 404, "\(target)")
        }
        let envoy = try AuthBench(.envoy)
        for target in ["/auth", "/authfree/1", "/free/1"] {
            #expect(try await envoy.ask(RequestHead(method: .get, target: target, fields: ["Host": "a"])).status == 404)
        }
    }

    // MARK: - What nginx fetches

    @Test func `what is kept is given once, and forgotten after a while`() async throws {
        let bench = try AuthBench(.nginx)
        let first = try #require(try await bench.ask(.get, "/paid/1")["tollgate-challenge"])
        let second = try #require(try await bench.ask(.get, "/paid/2")["tollgate-challenge"])
        #expect(first != second)
        #expect(try await bench.fetch(first).status == 402)
        for id in [first, "", "0", "../auth"] {
            let gone = try await bench.fetch(id)
            #expect(gone.status == 503 && gone.code == "challenge_gone" && gone["retry-after"] == "1")
        }
        bench.bench.time.advance(by: .seconds(31))
        #expect(try await bench.fetch(second).code == "challenge_gone")
    }
}
