// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollEVM
import TollHTTP
import TollPayments
import TollPrimitives
import TollTestKit

@testable import TollGateway

/// What crosses the gateway, field by field.
@Suite struct ForwardingTests {
    private static let hostile: Fields = [
        "Connection": "close, X-Hop, tollgate-payer", "X-Hop": "1", "Keep-Alive": "1", "Proxy-Connection": "1", "TE": "trailers",
        "Upgrade": "h2c", "Tollgate-Payer": "0xevil", "TOLLGATE_AMOUNT": "0", "tollgate_payment-id": "x", "Tollgate-New": "x",
        "Idempotency-Key": "mine", "X-PAYMENT-RESPONSE": "request side", "X-Kept": "1", "Cookie": "a=b",
        "Authorization": "Bearer x",
    ]

    @Test func `a paid request: hop-by-hop, credentials and whatever looks like ours are gone, ours are there`() async throws {
        let bench = try Bench()
        #expect(try await bench.pay(.get, "/paid/1?q=%2e", try await bench.credential(), Self.hostile).status == 200)
        let record = try #require(try await bench.records().first)
        let sent = try #require(bench.upstream.sent.first)
        #expect(sent.url == "http://upstream.internal:9000/paid/1?q=%2e")
        let expected: Fields = [
            "X-PAYMENT-RESPONSE": "request side", "X-Kept": "1", "Cookie": "a=b", "Authorization": "Bearer x",
            "Via": "1.1 tollgate", "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "api.example", "Forwarded": "for=192.0.2.7;host=api.example;proto=https",
            "Tollgate-Payer": Bench.payer.address.description, "Tollgate-Payment-Id": record.id.description,
            "Tollgate-Amount": "1000",
            "Tollgate-Asset": Bench.asset.address, "Tollgate-Network": "eip155:84532", "idempotency-key": record.id.description,
        ]
        #expect(Bench.withoutTrace(sent.fields) == expected)
        #expect(sent.fields.contains("traceparent"))
    }

    @Test func `a free request: the same without ours, and a stray credential is not the upstream's to see`() async throws {
        let bench = try Bench()
        var fields = Self.hostile
        fields.append("PAYMENT-SIGNATURE", "e30=")
        fields.append("X-Payment", "e30=")
        #expect(try await bench.ask(.get, "/free/x", fields).status == 200)
        let expected: Fields = [
            "Idempotency-Key": "mine", "X-PAYMENT-RESPONSE": "request side", "X-Kept": "1", "Cookie": "a=b",
            "Authorization": "Bearer x", "Via": "1.1 tollgate", "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "api.example", "Forwarded": "for=192.0.2.7;host=api.example;proto=https",
        ]
        #expect(bench.upstream.sent.first.map { Bench.withoutTrace($0.fields) } == expected)
    }

    @Test func `trailers of a client are held to the same`() async throws {
        let bench = try Bench()
        let trailers: Fields = [
            "Tollgate-Payer": "0xevil", "TOLLGATE_DEBT": "1", "PAYMENT-SIGNATURE": "e30=", "Content-Length": "3",
            "X-Checksum": "7",
        ]
        let body = BodyStream(TrailingBody([1, 2, 3], trailers))
        #expect(try await bench.ask(.post, "/free/x", [:], body: body, framing: .chunked).status == 200)
        let sent = try #require(bench.upstream.sent.first)
        #expect(sent.body == [1, 2, 3])
        #expect(sent.trailers == ["X-Checksum": "7"])
        let paid = try await bench.credential()
        _ = try await bench.pay(.post, "/paid/1", paid, body: BodyStream(TrailingBody([1], trailers)), framing: .chunked)
        #expect(bench.upstream.sent.last?.trailers.isEmpty == true)
    }

    @Test(arguments: ["/free/x", "/paid/1", "/first/1"])
    func `an upstream cannot speak for the gateway`(target: String) async throws {
        let bench = try Bench { _ in
            var response = ClientResponse.text("ok", type: "text/plain")
            response.head.fields.append(contentsOf: [
                "PAYMENT-RESPONSE": "forged", "Payment-Required": "forged", "X-PAYMENT-RESPONSE": "forged",
                "Tollgate-Debt": "forged",
                "TOLLGATE_MODE": "forged", "Settlement-Overrides": "{}", "EXTENSION-RESPONSES": "e30=", "Connection": "X-Hop",
                "X-Hop": "1", "Keep-Alive": "1", "X-Kept": "1", "Server": "internal/1",
            ])
            return response
        }
        let answer =
            target == "/free/x"
            ? try await bench.ask(.get, target) : try await bench.pay(.get, target, try await bench.credential(target))
        #expect(answer.status == 200)
        #expect(answer["x-kept"] == "1")
        for name in [
            "tollgate-debt", "tollgate_mode", "settlement-overrides", "extension-responses", "x-hop", "keep-alive", "connection",
        ] as [FieldName] {
            #expect(answer[name] == nil, "\(name)")
        }
        for name in ["payment-response", "payment-required", "x-payment-response"] as [FieldName] {
            #expect(!answer.head.fields.values(of: name).contains { $0.elementsEqual("forged".utf8) }, "\(name)")
        }
    }

    @Test func `an upstream's trailers neither`() async throws {
        let bench = try Bench { _ in
            ClientResponse(
                head: ResponseHead(status: 200),
                body: BodyStream(
                    TrailingBody(
                        [1],
                        [
                            "PAYMENT-RESPONSE": "forged", "Tollgate-Debt": "1", "extension-responses": "e30=",
                            "Server-Timing": "db",
                        ]
                    )
                )
            )
        }
        let channel = RecordingResponseChannel()
        #expect(try await bench.ask(.get, "/free/x", channel: channel).trailers == ["Server-Timing": "db"])
    }

    @Test func `stripped fields of an upstream are not shown, nor kept`() async throws {
        let route = Route(
            pattern: try RoutePattern("/paid/*"),
            upstream: Bench.upstreamServer(strip: ["server", "x-powered-by"]),
            terms: Terms(options: [Bench.option], dialects: ["x402"])
        )
        let bench = try Bench(routes: [route]) { _ in
            ClientResponse(
                head: ResponseHead(status: 200, fields: ["Server": "internal/1", "X-Powered-By": "y", "ETag": "\"1\""])
            )
        }
        let credential = try await bench.credential()
        for answer in [try await bench.pay(credential), try await bench.pay(credential)] {
            #expect(answer["server"] == nil && answer["x-powered-by"] == nil && answer["etag"] == "\"1\"")
        }
    }

    @Test(
        arguments: [
            ([], "private"), (["no-store"], "no-store, private"), (["public, max-age=60"], "max-age=60, private"),
            (["max-age=60", "s-maxage=99, must-revalidate"], "max-age=60, must-revalidate, private"),
            (["PUBLIC,S-MaxAge = 5"], "private"), (["private"], "private"),
            ([#"private="set-cookie, x", max-age=1"#], "max-age=1, private"),
            ([#"no-cache="a, public", public"#], #"no-cache="a, public", private"#), ([#"max-age="1, public"#], "private"),
            ([",, ,"], "private"), (["stale-while-revalidate=5,\tpublic"], "stale-while-revalidate=5, private"),
        ] as [([String], String)]
    )
    func `a paid answer is kept from shared caches`(values: [String], expected: String) async throws {
        let bench = try Bench { _ in
            var response = ClientResponse.text("ok")
            for value in values { response.head.fields.append("Cache-Control", value) }
            response.head.fields.append(contentsOf: [
                "CDN-Cache-Control": "max-age=9", "Cloudflare-CDN-Cache-Control": "max-age=9", "Surrogate-Control": "max-age=9",
                "Vary": "Accept",
            ])
            return response
        }
        let credential = try await bench.credential()
        for answer in [try await bench.pay(credential), try await bench.pay(credential)] {
            #expect(answer.head.fields.values(of: .cacheControl).map { String(decoding: $0, as: UTF8.self) } == [expected])
            #expect(answer["cdn-cache-control"] == nil && answer["cloudflare-cdn-cache-control"] == nil)
            #expect(answer["surrogate-control"] == nil)
            #expect(
                answer.head.fields.listContains("vary", "payment-signature")
                    && answer.head.fields.listContains("vary", "x-payment")
            )
            #expect(answer.head.fields.listContains("vary", "accept"))
        }
    }

    @Test func `a free answer's caching is the upstream's`() async throws {
        let bench = try Bench { _ in
            ClientResponse(head: ResponseHead(status: 200, fields: ["Cache-Control": "public, max-age=60"]))
        }
        let answer = try await bench.ask(.get, "/free/x")
        #expect(answer["cache-control"] == "public, max-age=60")
        #expect(answer["vary"] == nil)
    }
}

/// A body with trailers.
private struct TrailingBody: BodySource {
    private let body: BodyStream
    let trailers: Fields

    init(_ bytes: [UInt8], _ trailers: Fields) {
        self.body = BodyStream(bytes)
        self.trailers = trailers
    }

    func next() async throws(HTTPError) -> [UInt8]? { try await self.body.next() }
}
