// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollGateway
import TollPrimitives
import TollRuntime

@testable import tollgate

/// `access`, `passes` and `rate_limits.pass`.
@Suite struct PassConfigurationTests {
    private static func route(_ members: String) -> String { "{match: GET /x, upstream: weather, price: $0.001, \(members)}" }

    @Test(arguments: [("1s", 1), ("60s", 60), ("90m", 5_400), ("30d", 2_592_000)])
    func `a route opens for as long as it says`(text: String, seconds: Int64) throws {
        let (configuration, findings) = Fixture.read(
            Fixture.text(route: Self.route("access: \(text), rate_limits: {pass: 10/s}")))
        #expect(findings.text.isEmpty, "\(findings.text)")
        #expect(configuration?.routes.first?.accessSeconds == seconds)
        #expect(configuration?.routes.first?.rateLimits.pass == [RateLimit(10, per: 1)])
        #expect(Fixture.read(Fixture.text()).configuration?.routes.first?.accessSeconds == nil)
    }

    @Test(arguments: [
        ("0s", "`0s` is out of range"), ("31d", "out of range; write a duration from `1s` to `30d`"), ("60", "has no unit"),
        ("-1s", "is no duration"), ("1500ms", "is no whole number of seconds"), ("[]", "access"), ("forever", "is no duration"),
    ])
    func `what is no time is an error`(text: String, words: String) {
        let (configuration, findings) = Fixture.read(Fixture.text(route: Self.route("access: \(text)")))
        #expect(configuration == nil && findings.text.contains(words), "\(findings.text)")
    }

    @Test func `one payment that buys any number of requests is pointed out`() {
        let (configuration, findings) = Fixture.read(Fixture.text(route: Self.route("access: 1h")))
        #expect(configuration != nil && !findings.hasErrors)
        #expect(findings.text.contains("notice") && findings.text.contains("for 3600 s, to any number of requests"))
        #expect(findings.text.contains("rate_limits: {pass: 10/s}"))
        let limited = Fixture.read(Fixture.text(top: "rate_limits: {pass: 10/s}", route: Self.route("access: 1h")))
        #expect(limited.findings.text.isEmpty)
        let lifted = Fixture.text(top: "rate_limits: {pass: 10/s}", route: Self.route("access: 1h, rate_limits: {pass: []}"))
        #expect(Fixture.read(lifted).findings.text.contains("notice"))
    }

    @Test func `what is free is open anyway`() {
        let route = "{match: GET /x, upstream: weather, free: true, access: 60s, rate_limits: {pass: 1/s}}"
        let (configuration, findings) = Fixture.read(Fixture.text(route: route))
        #expect(configuration?.routes.first?.accessSeconds == nil)
        #expect(findings.text.contains("routes[0].access: does nothing on a free route"))
        #expect(findings.text.contains("routes[0].rate_limits.pass: does nothing on a free route"))
    }

    @Test func `keys are references to 32 bytes, the newest first`() throws {
        let keysOnly = "passes: {keys: [env:OTHER_KEY, env:TOLLGATE_EVM_KEY]}"
        let (configuration, findings) = Fixture.read(Fixture.text(top: keysOnly))
        #expect(findings.text.isEmpty, "\(findings.text)")
        let keys = try #require(configuration?.passKeys)
        #expect(keys.map { $0.withExposed { Hex.encode($0.prefix(2)) } } == ["59c6", "ac09"])
        #expect(Fixture.read(Fixture.text(top: "passes: {keys: env:OTHER_KEY}")).configuration?.passKeys.count == 1)
        #expect(Fixture.read(Fixture.text()).configuration?.passKeys.isEmpty == true)
    }

    @Test(arguments: [
        ("{}", "passes: `keys` is missing"), ("{keys: []}", "has 0 keys"),
        ("{keys: [env:TOKEN]}", "is not 32 bytes as hexadecimal digits"),
        ("{keys: [env:TOLLGATE_EVM_KEY, env:SAME_KEY]}", "the same key stands twice"),
        ("{keys: [0123]}", "a secret does not belong in this file"), ("{key: env:TOKEN}", "unknown key"),
        ("{keys: [env:NOWHERE]}", "NOWHERE"),
    ])
    func `what is no key is an error, and is not printed`(text: String, words: String) {
        let (configuration, findings) = Fixture.read(Fixture.text(top: "passes: \(text)"))
        #expect(configuration == nil && findings.text.contains(words), "\(findings.text)")
        #expect(!findings.text.contains("a-long-token") && !findings.text.lowercased().contains("ac0974"))
    }
}
