// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollEVM
import TollGateway
import TollHTTP
import TollPayments
import TollPrimitives
import TollRuntime
import TollTestKit

/// How often one client may ask, what it is told, and what does not count.
@Suite struct RateLimitTests {
    private static func routes(_ limits: RateLimits = RateLimits()) throws -> [Route] {
        var routes = try [Bench.route("/paid/*"), Bench.route("/other/*"), Bench.route("/free/**", nil)]
        routes[0].rateLimits = limits
        return routes
    }

    private static func bench(
        _ limits: RateLimits, route: RateLimits = RateLimits(), trustedProxies: TrustedProxies = .none
    ) throws -> Bench {
        try Bench(
            routes: try self.routes(route), trustedProxies: trustedProxies, rateLimits: limits)
    }

    @Test func `unpaid requests have a limit of their own`() async throws {
        let bench = try Self.bench(RateLimits(unpaid: [RateLimit(2, per: 1), RateLimit(3, per: 60)]))
        for left in [1, 0] {
            let answer = try await bench.ask()
            #expect(answer.status == 402 && answer.code == "payment_required")
            #expect(answer["ratelimit-policy"] == #""unpaid-1s";q=2;w=1, "unpaid-60s";q=3;w=60"#)
            #expect(answer["ratelimit"]?.hasPrefix("\"unpaid-1s\";r=\(left);t=") == true)
            #expect(answer["ratelimit-limit"] == "2" && answer["ratelimit-remaining"] == "\(left)")
        }
        let over = try await bench.ask()
        #expect(over.status == 429 && over.code == "rate_limited" && over["retry-after"] == over["ratelimit-reset"])
        #expect(over["content-type"] == "application/problem+json" && over["payment-required"] == nil)
        #expect(
            over["ratelimit"]?.contains("\"unpaid-1s\";r=0") == true && over["ratelimit"]?.contains("\"unpaid-60s\";r=1") == true)
        // Neither what is free nor what is paid for counts as unpaid.
        #expect(try await bench.ask(.get, "/free/1").status == 200)
        bench.time.advance(by: .seconds(2))
        let credential = try await bench.credential()
        #expect(try await bench.ask().status == 429, "three a minute")
        let paid = try await bench.pay(credential)
        #expect(paid.status == 200 && paid["ratelimit"] == nil)
    }

    @Test func `another address is another client, of IPv6 the first 64 bits`() async throws {
        let bench = try Self.bench(
            RateLimits(address: [RateLimit(1, per: 60)]), trustedProxies: TrustedProxies([AddressRange("192.0.2.7/32")!]))
        func ask(_ client: String) async throws -> Int {
            var fields: Fields = [:]
            fields.append("X-Forwarded-For", client)
            return try await bench.ask(.get, "/free/1", fields).status
        }
        #expect(try await ask("198.51.100.1") == 200)
        #expect(try await ask("203.0.113.9, 198.51.100.1") == 429, "what a client says of itself is not believed")
        #expect(try await ask("198.51.100.2") == 200)
        #expect(try await ask("2001:db8::1") == 200)
        #expect(try await ask("2001:db8::ffff:1") == 429)
        #expect(try await ask("2001:db8:0:1::1") == 200)
    }

    @Test func `limits of the gateway count over all routes, those of a route there alone`() async throws {
        let bench = try Self.bench(
            RateLimits(address: [RateLimit(2, per: 60)]), route: RateLimits(address: [RateLimit(1, per: 60)]))
        #expect(try await bench.ask(.get, "/paid/1").status == 402)
        #expect(try await bench.ask(.get, "/paid/2").status == 429)
        #expect(try await bench.ask(.get, "/other/1").status == 402)
        #expect(try await bench.ask(.get, "/free/1").status == 200)
        #expect(try await bench.ask(.get, "/other/1").status == 429)
        let lifted = try Self.bench(RateLimits(address: [RateLimit(1, per: 60)]), route: RateLimits(address: []))
        for _ in 0..<5 { #expect(try await lifted.ask(.get, "/paid/1")["ratelimit"] == nil) }
    }

    @Test func `a payer is counted when it is known to be one, and its payment stays good`() async throws {
        let bench = try Self.bench(RateLimits(payer: [RateLimit(1, per: 60)]))
        let forged = try await bench.credential().changing(
            "payload.signature", to: .string("0x" + String(repeating: "11", count: 65)))
        #expect(try await bench.pay(forged).status != 200, "whoever names a payer is not one")
        let first = try await bench.pay(try await bench.credential())
        #expect(first.status == 200 && first["ratelimit"]?.hasPrefix("\"payer-60s\";r=0") == true)
        let second = try await bench.credential("/paid/1", .init(nonce: 2))
        let over = try await bench.pay(second)
        #expect(over.status == 429 && over.code == "rate_limited" && over["retry-after"] != nil)
        #expect(bench.upstream.sent.count == 1 && bench.chain.transferCount == 1)
        #expect(try await bench.records().count == 1, "nothing is claimed")
        bench.chain.mint(1_000_000, to: Bench.stranger.address)
        let other = try await bench.credential("/paid/1", .init(key: Bench.stranger, nonce: 3))
        #expect(try await bench.pay(other).status == 200)
        bench.time.advance(by: .seconds(60))
        #expect(try await bench.pay(second).status == 200)
    }

    @Test func `browsers and malformed payments are counted as well`() async throws {
        let bench = try Self.bench(RateLimits(unpaid: [RateLimit(1, per: 60)], address: [RateLimit(3, per: 60)]))
        let browser: Fields = ["Accept": "text/html", "User-Agent": "Mozilla/5.0"]
        #expect(try await bench.ask(.get, "/paid/1", browser).status == 402)
        #expect(try await bench.ask(.get, "/paid/1", browser).status == 429)
        for status in [400, 400, 429] {
            #expect(try await bench.ask(.get, "/paid/1", ["PAYMENT-SIGNATURE": "?"]).status == status)
        }
    }

    @Test func `scripts of other origins may read how they stand, where there are limits`() async throws {
        let limited = try Self.bench(RateLimits(address: [RateLimit(5, per: 1)]))
        for target in ["/paid/1", "/free/1"] {
            let exposed = try await limited.ask(.get, target)["access-control-expose-headers"]
            #expect(exposed?.contains("ratelimit, ") == true && exposed?.contains("retry-after") == true)
        }
        let free = try await Bench(routes: Self.routes()).ask(.get, "/free/1")
        #expect(free["access-control-expose-headers"]?.contains("ratelimit") == false)
    }

    @Test func `an upstream's own limits do not mix with ours`() async throws {
        var bench = try Bench(routes: try Self.routes(), rateLimits: RateLimits(address: [RateLimit(5, per: 1)])) { _ in
            ClientResponse(head: ResponseHead(status: 200, fields: ["RateLimit": "\"theirs\";r=1", "RateLimit-Limit": "1"]))
        }
        let ours = try await bench.ask(.get, "/free/1")
        #expect(ours.head.fields.count(of: "ratelimit") == 1 && ours["ratelimit-limit"] == "5")
        bench = try Bench(routes: try Self.routes()) { _ in
            ClientResponse(head: ResponseHead(status: 200, fields: ["RateLimit": "\"theirs\";r=1"]))
        }
        #expect(try await bench.ask(.get, "/free/1")["ratelimit"] == "\"theirs\";r=1")
    }

    @Test func `replicas that share a cache count together`() async throws {
        let limits = RateLimits(unpaid: [RateLimit(4, per: 60)])
        let time = ManualTime(start: .seconds(Bench.now))
        let cache = MemoryCache(now: time.environment.wallClock)
        let first = try Bench(time: time, routes: try Self.routes(), rateLimits: limits, counts: cache)
        let second = try Bench(time: time, routes: try Self.routes(), rateLimits: limits, counts: cache)
        var statuses: [Int] = []
        for _ in 0..<4 { statuses += [try await first.ask().status, try await second.ask().status] }
        // Each learns what the other has counted when it asks: one more than the limit came through.
        #expect(statuses == [402, 402, 402, 402, 402, 429, 429, 429])
    }
}
