// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollGateway
import TollPayments
import TollPrimitives
import TollProtocol
import TollRuntime

@testable import tollgate

/// `discovery`, and what routes say of themselves.
@Suite struct DiscoveryConfigurationTests {
    @Test func `priced routes are listed and free ones are not, unless they say otherwise`() throws {
        for (members, isListed) in [
            ("price: $0.01", true), ("free: true", false), ("price: $0.01, listed: false", false),
            ("free: true, listed: true", true),
        ] {
            let (configuration, findings) = Fixture.read(Fixture.route(members))
            #expect(findings.text.isEmpty)
            let read = try #require(configuration)
            #expect((read.routes[0].listing != nil) == isListed, "\(members)")
            #expect(read.discovery?.title == "http://127.0.0.1:4020" && read.discovery?.describesOffers == true)
        }
    }

    @Test func `everything that can be said is read`() throws {
        let (configuration, findings) = Fixture.read(
            Fixture.text(
                top: """
                    discovery: {name: Weather, description: By city, tags: [weather, "5"], icon: https://a.example/i.png,
                      offers: false}
                    """,
                route: """
                    {match: "POST /weather/{city}", upstream: weather, price: $0.5, input: {path: {city: {type: string}}, query:
                      {n: {type: integer, example: 3}, s: {type: string, example: "3"}}, required: n, body: {type: object},
                      body_type: form-data}, output: {type: text/csv, schema: {type: string},
                      example: [1.50, -2e3, null, true, no, "true"]}}
                    """))
        #expect(findings.text.isEmpty)
        let discovery = try #require(configuration?.discovery)
        #expect(discovery.title == "Weather" && discovery.service.name == "Weather" && discovery.description == "By city")
        #expect(discovery.service.tags == ["weather", "5"] && !discovery.describesOffers)
        #expect(discovery.service.iconURL == "https://a.example/i.png")
        let listing = try #require(configuration?.routes[0].listing)
        #expect(listing.input.query == ["n": ["type": "integer", "example": 3], "s": ["type": "string", "example": "3"]])
        #expect(listing.input.required == ["n"] && listing.input.bodyType == .formData && listing.dollars == "0.5")
        #expect(listing.output?.mimeType == "text/csv" && listing.output?.schema == ["type": "string"])
        #expect(listing.output?.example == [.number("1.50"), .number("-2e3"), .null, true, "no", "true"])
    }

    @Test func `nothing is told when it is off`() throws {
        let read = try #require(Fixture.read(Fixture.text(top: "discovery: false")).configuration)
        #expect(read.discovery == nil)
    }

    @Test(
        arguments: [
            ("discovery: {nmae: x}", "", "discovery.nmae: unknown key; write `name`"),
            ("discovery: {name: a name of more than thirty-two characters}", "", "discovery.name: is too long"),
            ("discovery: {tags: [a, b, c, d, e, f]}", "", "discovery.tags: has 6 tags"),
            ("discovery: {icon: ftp://a.example}", "", "discovery.icon"),
            ("", ", input: {required: [units]}", "`units` is not among `query`"),
            ("", ", input: {query: {a: {$ref: \"https://a.example/s\"}}}", "refers to another document"),
            ("", ", input: {body: {properties: {a: {items: [{$id: x}]}}}}", "refers to another document"),
            ("", ", input: {query: {a: text}}", "is text, not a mapping"),
            ("", ", output: {typ: x}", "unknown key; write `type`"),
            ("", ", output: {example: \"\(String(repeating: "x", count: 2_100))\"}", "it travels in every 402"),
        ])
    func `a mistake is an error`(top: String, members: String, words: String) {
        let route = "{match: GET /x, upstream: weather, price: $0.001\(members)}"
        let (configuration, findings) = Fixture.read(Fixture.text(top: top, route: route))
        #expect(configuration == nil && findings.text.contains(words), "\(findings.text)")
    }

    @Test func `what is said of a route that is not listed does nothing`() {
        let (configuration, findings) = Fixture.read(Fixture.route("price: $0.01, listed: false, output: {type: text/csv}"))
        #expect(configuration != nil && findings.text.contains("output: does nothing on a route that is not listed"))
    }
}
