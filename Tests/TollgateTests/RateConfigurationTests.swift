// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollGateway
import TollRuntime

@testable import tollgate

/// `rate_limits`.
@Suite struct RateConfigurationTests {
    @Test func `at the top and per route, one or several, or none`() throws {
        let (configuration, findings) = Fixture.read(
            Fixture.text(
                top: "rate_limits: {unpaid: [10/s, 200/m], payer: 1000/h}",
                route: "{match: GET /x, upstream: weather, price: $0.001, rate_limits: {address: 1/s, unpaid: []}}"))
        #expect(findings.text.isEmpty)
        let read = try #require(configuration)
        #expect(
            read.rateLimits
                == RateLimits(unpaid: [RateLimit(10, per: 1), RateLimit(200, per: 60)], payer: [RateLimit(1_000, per: 3_600)]))
        #expect(read.routes.first?.rateLimits == RateLimits(unpaid: [], address: [RateLimit(1, per: 1)]))
    }

    @Test(arguments: [
        ("{unpaid: 10}", "`10` is no limit; write for example `10/s`"), ("{unpaid: 10/d}", "is no limit"),
        ("{unpaid: -1/s}", "is no limit"), ("{unpaid: /s}", "is no limit"), ("{unpaid: 0/s}", "lets nobody ask"),
        ("{unpaid: 1000001/s}", "is more than anybody can ask"), ("{unpaid: 10/s/s}", "is no limit"),
        ("{unpaid: [1/s, 2/s]}", "is a second limit for the same time"), ("{ip: 1/s}", "rate_limits.ip: unknown key"),
    ])
    func `what is no limit is an error`(limits: String, words: String) {
        let (configuration, findings) = Fixture.read(Fixture.text(top: "rate_limits: \(limits)"))
        #expect(configuration == nil && findings.text.contains(words), "\(findings.text)")
    }

    @Test func `of who pays nothing can be said where nobody does`() {
        let route = "{match: GET /x, upstream: weather, free: true, rate_limits: {payer: 1/s, address: 1/s}}"
        let (configuration, findings) = Fixture.read(Fixture.text(route: route))
        #expect(configuration != nil && findings.text.contains("routes[0].rate_limits.payer: does nothing on a free route"))
    }
}
