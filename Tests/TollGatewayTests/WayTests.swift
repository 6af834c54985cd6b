// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP
import TollPayments
import TollTestKit

/// What an upstream is told of the way a request came, and what clients may ask of the way.
@Suite struct WayTests {
    private static let forged: Fields = [
        "X-Forwarded-For": "203.0.113.66", "X_Forwarded_Proto": "https", "X-FORWARDED-PREFIX": "/admin", "X-Forwarded-Port": "1",
        "Forwarded": "for=203.0.113.66", "X-Real-IP": "203.0.113.66", "Via": "1.0 first", "X-Forward": "kept", "From": "kept",
    ]

    private static func names(_ fields: Fields) -> [String] { fields.map { String(decoding: $0.name, as: UTF8.self) } }

    @Test func `whatever a client says of the way is replaced, its Via gone on with`() async throws {
        let bench = try Bench()
        #expect(try await bench.ask(.get, "/free/x", Self.forged).status == 200)
        #expect(
            bench.upstream.sent.first.map { Bench.withoutTrace($0.fields) } == [
                "Via": "1.0 first", "X-Forward": "kept", "From": "kept", "Via": "1.1 tollgate", "X-Forwarded-For": "192.0.2.7",
                "X-Forwarded-Proto": "https", "X-Forwarded-Host": "api.example",
                "Forwarded": "for=192.0.2.7;host=api.example;proto=https",
            ])
    }

    @Test func `what a trusted proxy says is gone on with, and the other fields follow it`() async throws {
        let bench = try Bench(trustedProxies: TrustedProxies([try #require(AddressRange("192.0.2.0/24"))]))
        let fields: Fields = [
            "X-Forwarded-For": "203.0.113.66, 198.51.100.4", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "shop.example:81",
            "Forwarded": "for=203.0.113.1",
        ]
        #expect(try await bench.ask(.get, "/free/x", fields).status == 200)
        #expect(
            bench.upstream.sent.first.map { Bench.withoutTrace($0.fields) } == [
                "Via": "1.1 tollgate", "X-Forwarded-For": "203.0.113.66, 198.51.100.4, 192.0.2.7", "X-Forwarded-Proto": "http",
                "X-Forwarded-Host": "shop.example:81", "Forwarded": #"for=198.51.100.4;host="shop.example:81";proto=http"#,
            ])
    }

    @Test func `Forwarded is gone on with where that is what is believed`() async throws {
        let range = try #require(AddressRange("192.0.2.7"))
        let bench = try Bench(trustedProxies: TrustedProxies([range], words: .forwarded))
        let fields: Fields = ["X-Forwarded-For": "203.0.113.66", "Forwarded": #"for="[2001:db8::4]";proto=http"#]
        #expect(try await bench.ask(.get, "/free/x", fields).status == 200)
        let sent = try #require(bench.upstream.sent.first).fields
        #expect(sent.firstText("forwarded") == #"for="[2001:db8::4]";proto=http, for=192.0.2.7"#)
        #expect(sent.firstText("x-forwarded-for") == "2001:db8::4")
        #expect(sent.firstText("x-forwarded-proto") == "http")
    }

    @Test func `the log names the client and not the proxy`() async throws {
        let bench = try Bench(trustedProxies: TrustedProxies(AddressRange.private + [try #require(AddressRange("192.0.2.7"))]))
        _ = try await bench.ask(.get, "/paid/1", ["PAYMENT-SIGNATURE": "!", "X-Forwarded-For": "198.51.100.4, 10.1.1.1"])
        #expect(bench.log.holds("credential refused", "client=198.51.100.4"))
    }

    @Test func `Max-Forwards counts down for OPTIONS, and at zero the gateway answers`() async throws {
        let bench = try Bench()
        #expect(try await bench.ask(.options, "/free/x", ["Max-Forwards": "3"]).status == 200)
        #expect(bench.upstream.sent.last?.fields.firstText("max-forwards") == "2")
        for (path, allow) in [
            ("/free/x", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"), ("/dear", "GET, HEAD, OPTIONS"),
            ("/paid/1", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        ] {
            let answer = try await bench.ask(.options, path, ["Max-Forwards": "0"])
            #expect(answer.status == 204 && answer["allow"] == allow)
        }
        #expect(try await bench.ask(.options, "/nowhere", ["Max-Forwards": "0"]).status == 404)
        #expect(try await bench.ask(.options, "*").status == 204)
        #expect(bench.upstream.sent.count == 1)
        #expect(try await bench.ask(.get, "/free/x", ["Max-Forwards": "0"]).status == 200)
    }

    // MARK: - Conditions and ranges

    private static let conditions: Fields = [
        "If-None-Match": #""a""#, "If-Match": #""b""#, "If-Modified-Since": "Sat, 15 Jan 2027 08:00:00 GMT",
        "If-Unmodified-Since": "Sat, 15 Jan 2027 08:00:00 GMT", "If-Range": #""a""#, "Range": "bytes=0-1",
    ]

    private static func conditional(_ fields: Fields) -> [String] {
        Self.names(fields).filter { $0.hasPrefix("If-") || $0 == "Range" }
    }

    @Test func `before: conditions are not passed on, nor a range that hangs on one`() async throws {
        let bench = try Bench()
        _ = try await bench.pay(.get, "/first/1", try await bench.credential("/first/1"), Self.conditions)
        #expect(Self.conditional(try #require(bench.upstream.sent.last).fields) == [])
        let plain = try await bench.credential("/first/1", Bench.Authorization(nonce: 2))
        _ = try await bench.pay(.get, "/first/1", plain, ["Range": "bytes=0-1", "If-None-Match": "*"])
        #expect(Self.conditional(try #require(bench.upstream.sent.last).fields) == ["Range"])
    }

    @Test func `before: a condition on a write stands, for it guards what others have written`() async throws {
        let bench = try Bench()
        let credential = try await bench.credential("/first/1")
        _ = try await bench.pay(.put, "/first/1", credential, ["If-Match": #""b""#], body: BodyStream([1]))
        #expect(try #require(bench.upstream.sent.last).fields.firstText("if-match") == #""b""#)
    }

    @Test(arguments: [(200, true), (206, true), (304, false), (412, false), (416, false)])
    func `after: a part is paid for; not modified, a failed condition and a wrong range are not`(
        status: Int,
        isCharged: Bool
    ) async throws {
        let bench = try Bench { _ in ClientResponse(head: ResponseHead(status: status, fields: ["ETag": #""a""#])) }
        let answer = try await bench.pay(.get, "/paid/1", try await bench.credential(), Self.conditions)
        #expect(answer.status == status && answer["etag"] == #""a""#)
        #expect(Self.conditional(try #require(bench.upstream.sent.last).fields).count == 6)
        #expect(try await bench.records().first?.phase == (isCharged ? .settled : .released))
    }
}
