// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
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

    static let mistakes = [
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
        )
    ]

    @Test(arguments: mistakes)
    func `a mistake is found`(mistake: Mistake) { mistake.check() }
}
