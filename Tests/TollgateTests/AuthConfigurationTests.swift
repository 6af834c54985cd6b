// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollGateway
import TollHTTP
import TollPayments
import TollRuntime

@testable import tollgate

/// `auth`: beside another proxy.
@Suite struct AuthConfigurationTests {
    private static func text(
        auth: String = "{listen: 127.0.0.1:4023, mode: nginx}", top: String = "", route: String = "price: $0.001",
        upstreams: String = ""
    ) -> String {
        Fixture.text(
            top: "auth: \(auth)\npublic_url: https://api.example.com\n\(top)", upstreams: upstreams,
            route: "{match: GET /x, \(route)}")
    }

    @Test(arguments: ["nginx", "caddy", "traefik", "envoy"])
    func `routes need no upstream, this machine is trusted, and money moves before`(mode: String) throws {
        let (configuration, findings) = Fixture.read(Self.text(auth: "{listen: 127.0.0.1:4023, mode: \(mode)}"))
        #expect(findings.text.isEmpty)
        let read = try #require(configuration)
        let auth = try #require(read.auth)
        #expect(auth.proxies.mode.rawValue == mode && auth.listen.port == 4023)
        #expect(auth.proxies.trustedProxies.trusts(PeerAddress(ip: "127.0.0.1", port: 1)))
        #expect(!auth.proxies.trustedProxies.trusts(PeerAddress(ip: "192.0.2.1", port: 1)))
        #expect(read.routes.map(\.settle) == [SettleRule(.before)])
    }

    @Test(arguments: [
        ("", "price: $0.001, settle: deferred"), ("settle: deferred", "price: $0.001"),
        ("", "price: $0.001, settle: {then: deferred, else: before}"),
    ])
    func `who cannot be deferred is settled before`(top: String, route: String) throws {
        let (configuration, findings) = Fixture.read(Self.text(top: top, route: route))
        #expect(findings.text.isEmpty)
        let rule = try #require(configuration?.routes.first).settle
        #expect(rule.policy == .deferred && rule.otherwise == .before)
    }

    @Test(arguments: [
        ("{listen: 127.0.0.1:4023}", "", "price: $0.001", "auth: `mode` is missing"),
        ("{mode: nginx}", "", "price: $0.001", "auth: `listen` is missing"),
        ("{listen: 127.0.0.1:4023, mode: apache}", "", "price: $0.001", "auth.mode: `apache` is not known here"),
        ("{listen: 0.0.0.0:4023, mode: nginx}", "", "price: $0.001", "is off loopback, where nobody would be answered"),
        (
            "{listen: 127.0.0.1:4023, mode: nginx, trusted_proxies: [0.0.0.0/0]}", "", "price: $0.001",
            "anybody could say to be anybody"
        ),
        ("{listen: 127.0.0.1:4023, mode: nginx, proxies: 1}", "", "price: $0.001", "auth.proxies: unknown key"),
        (
            "{listen: 127.0.0.1:4023, mode: nginx}", "listen: 127.0.0.1:4020", "price: $0.001",
            "listen: does nothing beside `auth`"
        ),
        ("{listen: 127.0.0.1:4023, mode: nginx}", "settle: after", "price: $0.001", "settle: waits for an answer"),
        (
            "{listen: 127.0.0.1:4023, mode: nginx}", "", "price: $0.001, settle: after",
            "routes[0].settle: waits for an answer"
        ),
        (
            "{listen: 127.0.0.1:4023, mode: nginx}", "", "price: $0.001, settle: {under: $1, then: after, else: before}",
            "routes[0].settle.then: waits for an answer"
        ),
        (
            "{listen: 127.0.0.1:4023, mode: nginx}", "", "price: $0.001, upstream: weather",
            "routes[0].upstream: does nothing beside `auth`"
        ),
        (
            "{listen: 127.0.0.1:4023, mode: nginx}", "", "price: $0.001, store_answers: true",
            "routes[0].store_answers: answers are not seen"
        ),
        (
            "{listen: 127.0.0.1:4023, mode: nginx}", "", "price: $0.001, idempotent: true",
            "routes[0].idempotent: answers are not seen"
        ),
    ])
    func `what cannot be beside a proxy is an error`(auth: String, top: String, route: String, words: String) {
        let (configuration, findings) = Fixture.read(Self.text(auth: auth, top: top, route: route))
        #expect(configuration == nil && findings.text.contains(words), "\(findings.text)")
    }

    @Test func `upstreams beside it are an error, and so is a missing public URL`() {
        let upstreams = Fixture.read(Self.text(upstreams: "upstreams: {weather: \"http://127.0.0.1:9000\"}"))
        #expect(upstreams.configuration == nil && upstreams.findings.text.contains("upstreams: does nothing beside `auth`"))
        let text = Fixture.text(
            top: "auth: {listen: 127.0.0.1:4023, mode: nginx}", upstreams: "", route: "{match: GET /x, price: $0.001}")
        let (configuration, findings) = Fixture.read(text)
        #expect(configuration == nil && findings.text.contains("`public_url` is missing"))
    }
}
