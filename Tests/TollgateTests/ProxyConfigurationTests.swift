// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollGateway
import TollHTTP
import TollRuntime

@testable import tollgate

/// What stands in front of the gateway and behind it.
@Suite struct ProxyConfigurationTests {
    @Test func `trusted proxies are blocks of addresses, some by their names`() throws {
        let list = Fixture.text(top: #"trusted_proxies: [10.0.0.0/8, loopback, "2001:db8::1", unix]"#)
        let expected = ["10.0.0.0/8", "127.0.0.0/8", "::1", "2001:db8::1"].compactMap { AddressRange($0) }
        let (configuration, findings) = Fixture.read(list)
        #expect(findings.text.isEmpty)
        #expect(configuration?.trustedProxies == TrustedProxies(expected, takesUnixSockets: true))
        let mapping = Fixture.read(Fixture.text(top: "trusted_proxies: {addresses: private, field: Forwarded}")).configuration
        #expect(mapping?.trustedProxies == TrustedProxies(AddressRange.private, words: .forwarded))
        #expect(Fixture.read(Fixture.text()).configuration?.trustedProxies.isNobody == true)
    }

    @Test func `an upstream has addresses with weights, and everything else its default`() throws {
        let text = Fixture.text(
            upstreams: "upstreams: {weather: {urls: [\"http://10.0.0.1:9000\", {url: \"https://10.0.0.2\", weight: 3}], "
                + "connect_timeout: 1s, idle_timeout: 1h, http2: false, health: {path: /up}, failures: 2, rest: 10s}}")
        let (configuration, findings) = Fixture.read(text)
        #expect(findings.text.isEmpty)
        let upstream = try #require(configuration?.upstreams.first)
        #expect(upstream.addresses.map(\.url.origin) == ["http://10.0.0.1:9000", "https://10.0.0.2"])
        #expect(upstream.addresses.map(\.weight) == [1, 3])
        #expect(
            upstream.timeout == .seconds(60) && upstream.connectTimeout == .seconds(1) && upstream.idleTimeout == .seconds(3_600))
        #expect(!upstream.http2 && upstream.authorities == nil)
        #expect(upstream.health == .init(target: "/up", interval: .seconds(10)))
        #expect(upstream.breaker.failureCount == 2 && upstream.breaker.restMax == .seconds(10))
    }

    @Test func `how much is held`() throws {
        let text = Fixture.text(top: "limits: {held_bytes: 2MiB, held_disk_bytes: 20GiB, held_directory: /data}")
        let holding = try #require(Fixture.read(text).configuration).limits.holding
        #expect(holding.memoryByteCount == 2 << 20 && holding.diskByteCount == 20 << 30 && holding.directory == "/data")
    }

    @Test(arguments: [
        ("before", true), ("{then: deferred, else: before}", true), ("after", false), ("deferred", false),
        ("{after_payments: 3, then: after, else: before}", false),
    ])
    func `a route that streams is settled so that it can`(settle: String, isTaken: Bool) {
        let findings = Fixture.read(
            Fixture.text(
                top: "max_timeout: 300s", route: "{match: /a, upstream: weather, price: $0.001, stream: true, settle: \(settle)}")
        ).findings
        #expect(findings.text.contains("stream: the answer would be held until it is paid for") == !isTaken)
        #expect(findings.hasErrors == !isTaken)
    }

    static let mistakes = [
        Mistake(
            "addresses that are none, twice, or in two places",
            Fixture.text(
                upstreams:
                    "upstreams: {weather: {url: \"http://a.example\", urls: [\"http://b.example\", {url: \"http://b.example\", "
                    + "weight: 0}], ca: \"file:/nowhere.pem\", http2: true, health: {path: up}}}"),
            "6: error: upstreams.weather.url: stands beside `urls`; write all addresses under `urls`",
            "6: error: upstreams.weather.urls[1].weight: 0 is out of range; write a whole number from 1 to 1000",
            "6: error: upstreams.weather.urls[1]: is there already; write it once, with a `weight`",
            "6: error: upstreams.weather.ca: cannot be read: No such file or directory; name a file that this user may read",
            "6: error: upstreams.weather.ca: is for TLS, and no address has it; write an `https` URL, or remove the line",
            "6: error: upstreams.weather.http2: is for TLS, and no address has it; write an `https` URL, or remove the line",
            "6: error: upstreams.weather.health.path: is no path; write for example `/health`"
        ),
        Mistake(
            "trusted proxies that are none, or everybody",
            Fixture.text(top: "trusted_proxies: {addresses: [10.0.0.1/8, proxy.internal, 0.0.0.0/0], field: X-Real-IP}"),
            "1: error: trusted_proxies.field: is no field that is read for the client's address; write `X-Forwarded-For` or "
                + "`Forwarded`",
            "1: error: trusted_proxies.addresses[0]: `10.0.0.1/8` is no block of addresses; write for example `10.0.0.0/8`, "
                + "all other bits zero, or `loopback`, `private`, `unix`",
            "1: error: trusted_proxies.addresses[1]: `proxy.internal` is no block of addresses; write for example "
                + "`10.0.0.0/8`, all other bits zero, or `loopback`, `private`, `unix`",
            "1: error: trusted_proxies.addresses[2]: anybody could say to be anybody; name the addresses of your own proxies"
        ),
    ]

    @Test(arguments: mistakes)
    func `a mistake is found`(mistake: Mistake) { mistake.check() }
}
