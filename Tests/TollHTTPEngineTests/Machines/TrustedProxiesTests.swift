// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP

/// Whose request it is, and who may say so.
@Suite struct TrustedProxiesTests {
    private static let proxies = TrustedProxies(["10.0.0.0/8", "2001:db8:ffff::/48"].compactMap { AddressRange($0) })

    private static func source(
        _ fields: Fields,
        from ip: String = "10.0.0.1",
        _ proxies: TrustedProxies = Self.proxies
    ) -> RequestSource {
        proxies.source(of: RequestHead(method: .get, target: "/", fields: fields), from: PeerAddress(ip: ip, port: 1))
    }

    @Test func `whoever is not trusted is the client, whatever it writes`() {
        let forged: Fields = ["X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "bank.example"]
        #expect(Self.source(forged, from: "198.51.100.7") == RequestSource(ip: "198.51.100.7"))
        #expect(Self.source(forged, from: "10.0.0.1", .none) == RequestSource(ip: "10.0.0.1"))
    }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("203.0.113.9, 192.0.2.1", "192.0.2.1"), ("192.0.2.1, 10.0.0.2", "192.0.2.1"),
        ("203.0.113.9, 192.0.2.1,10.0.0.3 ,\t10.0.0.2", "192.0.2.1"), ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("192.0.2.1:4711", "192.0.2.1"), ("[2001:DB8::0001]:443", "2001:db8::1"), ("2001:db8:0:0:0:0:0:1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"), ("192.0.2.1, 2001:db8:ffff::5", "192.0.2.1"),
        // What cannot be read is nobody's word: the last one known is as far as it goes.
        ("192.0.2.1, unknown", "10.0.0.1"), ("192.0.2.1, junk, 10.0.0.2", "10.0.0.2"), ("192.0.2.01", "10.0.0.1"),
        ("", "10.0.0.1"), ("192.0.2.1:x", "10.0.0.1"), ("192.0.2.1.", "10.0.0.1"), ("0x7f.1", "10.0.0.1"),
    ])
    func `the client is the nearest that is no trusted proxy`(value: String, client: String) {
        #expect(Self.source(["X-Forwarded-For": value]).ip == client)
    }

    @Test func `entries in several fields are one list, read from its end and not without end`() {
        #expect(Self.source(["X-Forwarded-For": "203.0.113.9", "x-forwarded-for": "192.0.2.1, 10.0.0.2"]).ip == "192.0.2.1")
        let long = "192.0.2.1, " + (1...40).map { "10.0.1.\($0)" }.joined(separator: ", ")
        #expect(Self.source(["X-Forwarded-For": long]).ip == "10.0.1.25")
    }

    @Test func `scheme and host are what the nearest proxy says, when they are ones`() {
        let said = Self.source(["X-Forwarded-Proto": "http, HTTPS", "X-Forwarded-Host": "a.example, b.example:8443"])
        #expect(said.scheme == .https && said.host == "b.example:8443")
        let junk = Self.source(["X-Forwarded-Proto": "gopher", "X-Forwarded-Host": "a b"])
        #expect(junk.scheme == nil && junk.host == nil)
    }

    @Test func `Forwarded is believed in place of the others, not beside them`() {
        let proxies = TrustedProxies(Self.proxies.ranges, words: .forwarded)
        let fields: Fields = [
            "X-Forwarded-For": "203.0.113.66", "X-Forwarded-Proto": "http",
            "Forwarded": #"for=203.0.113.9, For="[2001:db8:cafe::17]:4711";proto=https;Host="api.example:8443";by=_x"#,
        ]
        let source = Self.source(fields, from: "10.0.0.1", proxies)
        #expect(source == RequestSource(ip: "2001:db8:cafe::17", scheme: .https, host: "api.example:8443"))
        #expect(Self.source(["Forwarded": #"for="192.0.2.1, for=10.0.0.9""#], from: "10.0.0.1", proxies).ip == "10.0.0.1")
        #expect(Self.source(["Forwarded": "for=_hidden"], from: "10.0.0.1", proxies).ip == "10.0.0.1")
        #expect(Self.source(["Forwarded": "for=192.0.2.8;proto"], from: "10.0.0.1", proxies).ip == "10.0.0.1")
    }

    @Test func `a Unix socket is trusted when that is said`() {
        let fields: Fields = ["X-Forwarded-For": "192.0.2.1"]
        #expect(Self.source(fields, from: "", TrustedProxies([], takesUnixSockets: true)).ip == "192.0.2.1")
        #expect(Self.source(fields, from: "").ip == "")
    }

    @Test(arguments: [
        ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
        ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"), ("::ffff:c000:0201", "192.0.2.1"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
        ("FE80::A", "fe80::a"),
    ])
    func `an address has one spelling`(text: String, canonical: String) {
        #expect(IPAddress(text)?.description == canonical)
    }

    @Test(arguments: [
        "", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8", "12345::", "g::", "::1%eth0",
        "[::1]", "+1::",
        "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", "1.2.3.-4", "::1.2.3", "1.2.3.4::", "127.1",
    ])
    func `what is no address is none`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.0", false), ("192.0.2.128/25", "192.0.2.127", false),
        ("192.0.2.1", "192.0.2.1", true), ("2001:db8::/33", "2001:db8:7fff::1", true),
        ("2001:db8::/33", "2001:db8:8000::", false),
        ("fc00::/7", "fdff::1", true), ("2001:db8::8/125", "2001:db8::f", true), ("2001:db8::8/125", "2001:db8::10", false),
        ("0.0.0.0/0", "192.0.2.1", true), ("0.0.0.0/0", "2001:db8::1", false), ("::/0", "192.0.2.1", true),
        ("::ffff:10.0.0.0/104", "10.9.9.9", true),
    ])
    func `a block holds what shares its bits`(range: String, address: String, holds: Bool) throws {
        let range = try #require(AddressRange(range))
        #expect(try range.contains(#require(IPAddress(address))) == holds)
    }

    @Test(arguments: [
        "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/8/8", "::/129", "2001:db8::1/64", "10.0.0.0/+8",
    ])
    func `what is no block is none`(text: String) {
        #expect(AddressRange(text) == nil)
    }
}
