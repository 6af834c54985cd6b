// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollEVM
import TollGateway
import TollHTTP
import TollPayments
import TollPrimitives
import TollRuntime
import TollTestKit

/// Passes in browsers, beside other proxies, and under the rules that hold for everybody.
@Suite struct PassRuleTests {
    private static func cookie(_ answer: RecordedResponse) throws -> String {
        try #require(answer["set-cookie"]?.split(separator: ";").first.map(String.init))
    }

    private static func browser(_ cookies: String...) -> Fields {
        var fields = PassBench.browser
        for cookie in cookies { fields.append("Cookie", cookie) }
        return fields
    }

    // MARK: - Browsers

    @Test func `a browser gets a cookie for the paths of the route`() async throws {
        let bench = try Bench.opening()
        let answer = try await bench.pay(.get, "/paid/1", try await bench.credential(), PassBench.browser)
        let token = try #require(answer["tollgate-pass"])
        let parts = try #require(answer["set-cookie"]).split(separator: ";").map { $0.drop { $0 == " " } }
        #expect(parts[0].hasPrefix("tollgate-pass-") && parts[0].hasSuffix("=" + token))
        #expect(parts.dropFirst() == ["Path=/paid", "HttpOnly", "SameSite=Lax", "Secure", "Max-Age=60"])
        bench.time.advance(by: .seconds(20))
        let cookie = try Self.cookie(answer)
        #expect(try await bench.ask(.get, "/paid/2", Self.browser("theme=dark; \(cookie)")).status == 200)
        #expect(bench.upstream.sent.last?.fields.firstText("cookie") == "theme=dark")
        #expect(try await bench.ask(.get, "/paid/2", Self.browser("a=b", "\(cookie);c=d")).status == 200)
        #expect(try await bench.ask(.get, "/paid/2", ["Cookie": "\(cookie)"]).status == 200, "whoever brings it")
        #expect(try await bench.records().count == 1)
    }

    @Test(arguments: [
        ("/a/b", "/a/b"), ("/a/*", "/a"), ("/a/{id}/b", "/a"), ("/*", "/"), ("/**", "/"), ("/", "/"), ("/a/", "/a/"),
        ("GET /a/b/**", "/a/b"),
    ])
    func `the cookie's path is what all paths of the route begin with`(pattern: String, path: String) async throws {
        var routes = try [Bench.route(pattern)]
        routes[0].terms?.accessSeconds = 60
        let bench = try Bench.opening(routes: routes)
        let asked = try #require(pattern.split(separator: " ").last.map(String.init))
            .replacing("**", with: "x").replacing("*", with: "x").replacing("{id}", with: "x")
        let answer = try await bench.pay(.get, asked, try await bench.credential(asked), PassBench.browser)
        #expect(answer["set-cookie"]?.contains("; Path=\(path);") == true, "\(answer["set-cookie"] ?? "none")")
    }

    @Test func `routes under one path have cookies of their own`() async throws {
        var routes = try [Bench.route("GET /paid/*"), Bench.route("POST /paid/*")]
        for index in 0..<2 { routes[index].terms?.accessSeconds = 60 }
        let bench = try Bench.opening(routes: routes)
        var cookies: [String] = []
        for (nonce, method) in [Method.get, .post].enumerated() {
            let challenge = try await bench.credential("/paid/1", .init(nonce: nonce + 1))
            var fields = PassBench.browser
            fields.append("X", "1")
            let answer = try await bench.pay(method, "/paid/1", challenge, fields)
            // Only a GET or a HEAD is a browser's that shows pages.
            #expect((answer["set-cookie"] == nil) == (method == .post))
            if method == .get { cookies.append(try Self.cookie(answer)) }
        }
        #expect(try await bench.ask(.get, "/paid/1", Self.browser(cookies[0])).status == 200)
        // A cookie of another route is none.
        #expect(try await bench.ask(.post, "/paid/1", Self.browser(cookies[0])).status == 402)
    }

    @Test func `a cookie that is no good locks nobody out`() async throws {
        let bench = try Bench.opening()
        let answer = try await bench.pay(.get, "/paid/1", try await bench.credential(), PassBench.browser)
        let cookie = try Self.cookie(answer)
        let name = try #require(cookie.split(separator: "=").first)
        let token = try #require(answer["tollgate-pass"])
        for (number, bad) in ["\(name)=tgp_AAAA", "\(name)=", "\(name)", "\(cookie)A"].enumerated() {
            let page = try await bench.ask(.get, "/paid/1", Self.browser(bad))
            #expect(page.status == 402 && page["content-type"] == "text/html; charset=utf-8", "\(bad)")
            #expect(try await bench.ask(.get, "/paid/1", Self.browser("\(bad); \(cookie)")).status == 200)
            var both = PassBench.bearer(token)
            both.append("Cookie", bad)
            #expect(try await bench.ask(.get, "/paid/1", both).status == 200)
            let paying = try await bench.credential("/paid/1", .init(nonce: number + 2))
            #expect(try await bench.pay(.get, "/paid/1", paying, Self.browser(bad)).status == 200)
        }
        bench.time.advance(by: .seconds(60))
        let page = try await bench.ask(.get, "/paid/1", Self.browser(cookie))
        #expect(page.status == 402 && page["content-type"] == "text/html; charset=utf-8")
        // An explicit one that is bad is not made good by silence about it.
        #expect(try await bench.ask(.get, "/paid/1", PassBench.bearer("tgp_AAAA")).status == 401)
    }

    // MARK: - Rules

    @Test func `who is denied is not let in by a pass, a pause holds, and shadow mode lets everybody pass`() async throws {
        let bench = try Bench.opening()
        let fields = PassBench.bearer(try await bench.buyPass())
        var configuration = bench.configuration
        configuration.denied = DenyList([Bench.payer.address.description.lowercased()])
        let strict = bench.with(bench.gateway.reconfigured(configuration))
        let denied = try await strict.ask(.get, "/paid/1", fields)
        #expect(denied.status == 403 && denied.code == "payer_denied" && denied["payment-required"] == nil)
        bench.gateway.pauses.pause("/paid/*")
        #expect(try await bench.ask(.get, "/paid/1", fields).code == "paused")
        bench.gateway.pauses.resume("/paid/*")
        #expect(try await bench.ask(.get, "/paid/1", fields).status == 200)
        configuration.routes[0].terms?.isEnforced = false
        let shadow = bench.with(bench.gateway.reconfigured(configuration))
        #expect(try await shadow.ask(.get, "/paid/1", PassBench.bearer("tgp_x")).status == 200)
        #expect(bench.upstream.sent.last?.fields.contains("authorization") == false)
    }

    @Test func `a pass has limits of its own, and is nothing unpaid`() async throws {
        let limits = RateLimits(unpaid: [RateLimit(3, per: 60)], pass: [RateLimit(2, per: 60)])
        let bench = try Bench.opening(rateLimits: limits)
        let (one, other) = (try await bench.buyPass(), try await bench.buyPass("/paid/1", nonce: 2))
        for left in [1, 0] {
            let answer = try await bench.ask(.get, "/paid/1", PassBench.bearer(one))
            #expect(answer.status == 200 && answer["ratelimit"]?.hasPrefix("\"pass-60s\";r=\(left);t=") == true)
        }
        let over = try await bench.ask(.get, "/paid/1", PassBench.bearer(one))
        #expect(over.status == 429 && over.code == "rate_limited" && over["retry-after"] != nil)
        #expect(try await bench.ask(.get, "/paid/1", PassBench.bearer(other)).status == 200, "another payment's")
        // Two challenges were asked for above; a forged pass is as unpaid as none.
        #expect(try await bench.ask(.get, "/paid/1", PassBench.bearer("tgp_x")).status == 401)
        #expect(try await bench.ask(.get, "/paid/1", PassBench.bearer("tgp_x")).status == 429)
        bench.time.advance(by: .seconds(30))
        #expect(try await bench.ask(.get, "/paid/1", PassBench.bearer(other)).status == 200)
    }

    @Test func `it is counted what became of those who brought one`() async throws {
        let bench = try Bench.opening()
        let token = try await bench.buyPass()
        for _ in 0..<2 { _ = try await bench.ask(.get, "/paid/1", PassBench.bearer(token)) }
        _ = try await bench.ask(.get, "/paid/1", PassBench.bearer("tgp_x"))
        bench.time.advance(by: .seconds(60))
        _ = try await bench.ask(.get, "/paid/1", PassBench.bearer(token))
        let text = await bench.metrics.text()
        for (result, count) in [("admitted", 2), ("invalid", 1), ("expired", 1)] {
            #expect(text.contains(#"tollgate_pass_requests_total{route="/paid/*",result="\#(result)"} \#(count)"#), "\(result)")
        }
        #expect(text.contains(#"tollgate_request_duration_seconds_count{kind="pass"} 2"#))
    }

    @Test func `scripts may send and read it, where there is one`() async throws {
        let preflight: Fields = ["Origin": "https://app.example", "Access-Control-Request-Method": "GET"]
        let bench = try Bench.opening()
        let answer = try await bench.ask(.options, "/paid/1", preflight)
        #expect(answer["access-control-allow-headers"]?.contains("authorization, tollgate-pass") == true)
        #expect(try await bench.ask()["access-control-expose-headers"]?.contains("tollgate-pass, tollgate-pass-expires") == true)
        let without = try Bench()
        #expect(try await without.ask()["access-control-expose-headers"]?.contains("tollgate-pass") == false)
    }

    @Test func `documents about the routes say for how long one payment opens them`() async throws {
        var routes = try [Bench.route("GET /paid/{id}"), Bench.route("GET /brief/{id}")]
        routes[0].terms?.accessSeconds = 60
        for index in 0..<2 { routes[index].listing = Listing(description: "A sample") }
        let bench = try Bench.opening(routes: routes, discovery: Discovery(title: "API"))
        let paths = try await bench.ask(.get, "/openapi.json").json["paths"]
        #expect(paths?["/paid/{id}"]?["get"]?["x-payment-info"]?["accessSeconds"] == 60)
        #expect(paths?["/brief/{id}"]?["get"]?["x-payment-info"]?["accessSeconds"] == nil)
        #expect(try await bench.ask(.get, "/llms.txt").text.contains("on eip155:84532, for 60 s. A sample"))
    }

    // MARK: - Beside another proxy

    @Test(arguments: ForwardAuthConfiguration.Mode.allCases)
    func `leave that was paid for brings a pass, which gives leave again`(mode: ForwardAuthConfiguration.Mode) async throws {
        let bench = try Bench.opening()
        var configuration = bench.configuration
        configuration.routes = try [Bench.route("/paid/*", .before)]
        configuration.routes[0].terms?.accessSeconds = 60
        let auth = try AuthBench(mode, beside: bench, configuration: configuration)
        let answer = try await auth.ask(.get, "/paid/1", try await auth.credential("/paid/1"))
        let token = try #require(answer["tollgate-pass"])
        #expect(answer.status == 200 && answer["tollgate-admit"] == "paid")
        let count = try await bench.store.records(PaymentQuery(in: [], since: 0, limit: .max)).count
        for _ in 0..<3 {
            let again = try await auth.ask(.get, "/paid/2", PassBench.bearer(token))
            #expect(again.status == 200 && again["tollgate-admit"] == "pass")
            #expect(again["tollgate-payer"] == Bench.payer.address.description && again["tollgate-amount"] == nil)
        }
        #expect(try await bench.store.records(PaymentQuery(in: [], since: 0, limit: .max)).count == count)
        #expect(try await auth.answer(.get, "/paid/1", PassBench.bearer("tgp_x"))?.status == 401)
    }
}
