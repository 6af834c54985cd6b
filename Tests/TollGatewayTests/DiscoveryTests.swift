// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollGateway
import TollHTTP
import TollPayments
import TollPrimitives
import TollProtocol
import TollTestKit

/// What is told about the routes to whoever has not called them yet.
@Suite struct DiscoveryTests {
    static let listing = Listing(
        description: "Weather by city",
        input: X402V2.Bazaar.Input(
            path: ["city": ["type": "string", "description": "Name of the city"]],
            query: ["units": ["type": "string", "example": "metric"]]),
        output: X402V2.Bazaar.Output(example: ["celsius": 15]), dollars: "0.001")

    static func route(_ pattern: String, isFree: Bool = false, listing: Listing? = listing) throws -> Route {
        let terms = Terms(options: [Bench.option], description: "Weather by city", dialects: ["x402", "x402-v1"])
        return Route(
            pattern: try RoutePattern(pattern), upstream: Bench.upstreamServer(), terms: isFree ? nil : terms, listing: listing)
    }

    static func bench(_ routes: [Route], discovery: Discovery? = Discovery(title: "Weather")) throws -> Bench {
        try Bench(routes: routes, discovery: discovery)
    }

    static let documents = ["/.well-known/x402", "/discovery/resources", "/openapi.json", "/llms.txt"]

    @Test(arguments: documents) func `a document is answered free, kept for minutes, and shown to every page`(path: String)
        async throws
    {
        let bench = try Self.bench([try Self.route("GET /weather/{city}")])
        let answer = try await bench.ask(.get, path)
        #expect(answer.status == 200 && !answer.body.isEmpty)
        #expect(answer["cache-control"] == "max-age=300" && answer["access-control-allow-origin"] == "*")
        #expect(answer["content-type"] == (path == "/llms.txt" ? "text/plain; charset=utf-8" : "application/json"))
        #expect(try await bench.ask(.post, path).status == 404)
        #expect(try await bench.isUntouched())
    }

    @Test(arguments: documents) func `where discovery is off there are none`(path: String) async throws {
        let bench = try Self.bench([try Self.route("GET /weather/{city}")], discovery: nil)
        #expect(try await bench.ask(.get, path).status == 404)
    }

    @Test(arguments: documents) func `a route of the same path, and a free one that takes it in, win`(path: String) async throws {
        for pattern in ["GET \(path)", "/**"] {
            let bench = try Self.bench([try Self.route(pattern, isFree: true)])
            #expect(try await bench.ask(.get, path).json["ok"] == true)
        }
        let sold = try Self.bench([try Self.route("GET \(path)")])
        #expect(try await sold.ask(.get, path).status == 402)
    }

    @Test(arguments: documents) func `nobody sells the price list by a wildcard`(path: String) async throws {
        let bench = try Self.bench([try Self.route("/**")])
        #expect(try await bench.ask(.get, path).status == 200)
        #expect(try await bench.ask(.get, path + "x").status == 402)
        #expect(try await bench.ask(.post, path).status == 402)
    }

    @Test func `routes that are not listed are in no document`() async throws {
        let bench = try Self.bench([
            try Self.route("GET /hidden", listing: nil), try Self.route("/internal", isFree: true, listing: nil),
        ])
        for path in Self.documents {
            let text = try await bench.ask(.get, path).text
            #expect(!text.contains("hidden") && !text.contains("internal"))
        }
        let required = try PaymentHeader.decode(try #require(try await bench.ask(.get, "/hidden")["payment-required"]))
        #expect(required["extensions"]?["bazaar"] == nil)
    }

    @Test func `a 402 says how its resource is called, with the parameters of its path`() async throws {
        let bench = try Self.bench([try Self.route("GET /weather/{city}")])
        for city in ["paris", "oslo"] {
            let required = try PaymentHeader.decode(
                try #require(try await bench.ask(.get, "/weather/\(city)?units=metric")["payment-required"]))
            let entry = required["extensions"]?["bazaar"]
            #expect(
                entry?["info"]?["input"] == [
                    "type": "http", "method": "GET", "queryParams": ["units": "metric"], "pathParams": ["city": .string(city)],
                ])
            #expect(entry?["info"]?["output"] == ["type": "json", "example": ["celsius": 15]])
            #expect(entry?["routeTemplate"] == "/weather/:city")
        }
    }

    @Test func `version 1 says the same in its own words`() async throws {
        let bench = try Self.bench([try Self.route("GET /weather/{city}")])
        let schema = try await bench.ask(.get, "/weather/paris").json["accepts"]?.array?.first?["outputSchema"]
        #expect(schema?["input"]?["method"] == "GET" && schema?["input"]?["discoverable"] == true)
        #expect(schema?["input"]?["queryParams"]?["units"]?["type"] == "string")
    }

    @Test func `offers can be left as they are`() async throws {
        let bench = try Self.bench(
            [try Self.route("GET /weather/{city}")], discovery: Discovery(title: "Weather", describesOffers: false))
        let required = try PaymentHeader.decode(try #require(try await bench.ask(.get, "/weather/a")["payment-required"]))
        #expect(required["extensions"]?["bazaar"] == nil)
        #expect(try await bench.ask(.get, "/openapi.json").json["paths"]?["/weather/{city}"]?["get"] != nil)
    }

    @Test func `a credential for a described offer is honoured`() async throws {
        let bench = try Self.bench([try Self.route("GET /weather/{city}")])
        let paid = try await bench.pay(.get, "/weather/paris", try await bench.credential("/weather/paris"))
        #expect(paid.status == 200)
    }

    @Test func `the directory is searched and turned page by page`() async throws {
        let bench = try Self.bench(
            try (0..<130).map { try Self.route("GET /a\($0)/*") } + [try Self.route("/free", isFree: true)])
        func ask(_ query: String) async throws -> JSON { try await bench.ask(.get, "/discovery/resources" + query).json }
        let first = try await ask("")
        #expect(first["items"]?.array?.count == 20)
        #expect(first["pagination"] == ["limit": 20, "offset": 0, "total": 130])
        #expect(first["items"]?.array?.first?["resource"] == "https://api.example/a0/:var1")
        #expect(first["items"]?.array?.first?["lastUpdated"] == "2027-01-15T08:00:00Z")
        #expect(try await ask("?limit=1000&offset=100")["items"]?.array?.count == 30)
        #expect(try await ask("?limit=1000")["items"]?.array?.count == 100)
        #expect(try await ask("?offset=99999999999")["items"] == [])
        #expect(try await ask("?limit=-1&offset=x")["pagination"] == ["limit": 20, "offset": 0, "total": 130])
        for (query, total) in [
            ("network=eip155%3A84532", 130), ("network=eip155:1", 0), ("scheme=exact", 130), ("scheme=upto", 0),
            ("type=http", 130),
            ("type=mcp", 0), ("payTo=\(Bench.payTo.lowercased())", 130), ("payTo=0x0", 0), ("extensions=bazaar", 130),
            ("extensions=bazaar,other", 0), ("%ZZ&=&network=%", 0),
        ] as [(String, Int64)] {
            #expect(try await ask("?" + query)["pagination"]?["total"]?.integer == total, "\(query)")
        }
    }

    @Test func `two patterns of one shape are one path of OpenAPI`() async throws {
        let bench = try Self.bench([
            try Self.route("GET /weather/{city}"), try Self.route("PUT /weather/{town}"), try Self.route("GET /weather/{late}"),
            try Self.route("PURGE /weather"), try Self.route("/files/**"),
        ])
        let paths = try #require(try await bench.ask(.get, "/openapi.json").json["paths"]?.object)
        #expect(paths.members.map(\.name) == ["/weather/{city}", "/files/{var1}"])
        let operations = try #require(paths["/weather/{city}"]?.object)
        #expect(operations.members.map(\.name) == ["get", "put"])
        #expect(operations["put"]?["parameters"]?.array?.first?["name"] == "city")
        let payment = operations["get"]?["x-payment-info"]
        #expect(payment?["protocols"] == ["x402"])
        #expect(payment?["price"] == ["mode": "fixed", "currency": "USD", "amount": "0.001"])
        #expect(payment?["offers"]?.array?.first?["amount"] == "1000")
    }
}
