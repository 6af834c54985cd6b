// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollRuntime

@testable import tollgate

/// `payment_identifier` and `sign_in`.
@Suite struct ExtensionConfigurationTests {
    @Test func `identifiers are optional and nobody signs in unless it is said`() throws {
        let route = try #require(Fixture.read(Fixture.text()).configuration?.routes.first { !$0.isFree })
        #expect(route.identifiers == .optional && !route.signIn)
    }

    @Test(
        arguments: [
            ("payment_identifier: off", "", .off, false), ("sign_in: true", "", .optional, true),
            ("payment_identifier: required\naccept: [x402]", "", .required, false),
            ("payment_identifier: off\nsign_in: true", ", payment_identifier: optional, sign_in: false", .optional, false),
            ("", ", payment_identifier: required, accept: [x402], sign_in: true", .required, true),
        ] as [(String, String, Configuration.PaymentIdentifier, Bool)]
    )
    func `a route has its own rules or those at the top`(
        top: String, route: String, identifiers: Configuration.PaymentIdentifier, signIn: Bool
    ) throws {
        let (configuration, findings) = Fixture.read(
            Fixture.text(top: top, route: "{match: GET /x, upstream: weather, price: $0.001\(route)}"))
        #expect(findings.text.isEmpty)
        let read = try #require(configuration?.routes.first)
        #expect(read.identifiers == identifiers && read.signIn == signIn)
    }

    @Test(
        arguments: [
            ("payment_identifier: maybe", "write one of `off`, `optional`, `required`"), ("sign_in: 1", "sign_in"),
            ("payment_identifier: required", "x402-v1 has no place for a payment identifier"),
            ("sign_in: true, accept: x402-v1", "x402-v1 has no place for a sign-in"),
        ]
    )
    func `what cannot be is an error`(members: String, words: String) {
        let route = "{match: GET /x, upstream: weather, price: $0.001, \(members)}"
        let (configuration, findings) = Fixture.read(Fixture.text(route: route))
        #expect(configuration == nil && findings.text.contains(words), "\(findings.text)")
    }

    @Test func `on a free route they do nothing`() {
        let route = "{match: GET /x, upstream: weather, free: true, sign_in: true, payment_identifier: required}"
        let (configuration, findings) = Fixture.read(Fixture.text(route: route))
        #expect(configuration != nil && findings.text.contains("routes[0].sign_in: does nothing on a free route"))
        #expect(findings.text.contains("routes[0].payment_identifier: does nothing on a free route"))
    }
}
