// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP
import TollPayments
import TollPrimitives
import TollProtocol
import TollTestKit

@testable import TollGateway

/// The 402 and its kin, field by field.
@Suite struct AnswerTests {
    /// The whole answer to a request without a credential. The challenge's digits are those of the fixed seed.
    @Test func `the 402 is this, byte by byte`() async throws {
        let bench = try Bench()
        let answer = try await bench.ask()
        let payTo = Bench.payTo
        let fields = answer.head.fields.map {
            "\(String(decoding: $0.name, as: UTF8.self)): \(String(decoding: $0.value, as: UTF8.self))"
        }
        let required = try #require(answer["payment-required"])
        #expect(answer.status == 402)
        #expect(
            fields == [
                "Date: Sat, 15 Jan 2027 08:00:00 GMT", "Content-Type: application/json", "Cache-Control: no-store",
                "PAYMENT-REQUIRED: \(required)", "Access-Control-Allow-Origin: *",
                "Access-Control-Expose-Headers: payment-required, payment-response, x-payment-response, "
                    + "tollgate-debt, retry-after",
                "Content-Length: \(answer.body.count)",
            ]
        )
        #expect(
            answer.text == """
                {"x402Version":1,"error":"\(X402V1.PaymentRequired.noPaymentError)","accepts":[{"scheme":"exact",\
                "network":"base-sepolia",\
                "maxAmountRequired":"1000","resource":"https://api.example/paid/1","description":"A sample","mimeType":"",\
                "outputSchema":null,"payTo":"\(payTo)","maxTimeoutSeconds":300,\
                "asset":"0x036CbD53842c5426634e7929541eC2318f3dCF7e","extra":{"name":"USDC","version":"2"}}],\
                "type":"about:blank","title":"Payment Required","status":402,\
                "detail":"This resource is paid for per request. No account is needed: pay as offered and ask again.",\
                "code":"payment_required"}
                """
        )
        let challenge = try PaymentHeader.decode(required)
        #expect(
            JSON.object(challenge).text == """
                {"x402Version":2,"error":"Payment required","resource":{"url":"https://api.example/paid/1",\
                "description":"A sample"},"accepts":[{"scheme":"exact","network":"eip155:84532",\
                "asset":"0x036CbD53842c5426634e7929541eC2318f3dCF7e",\
                "amount":"1000","payTo":"\(payTo)","maxTimeoutSeconds":300,"extra":{"name":"USDC","version":"2",\
                "challenge":"00000000000000009e3779b97f4a7c15"}}],\
                "extensions":{"payment-identifier":{"info":{"required":false},"schema":{\
                "$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{\
                "required":{"type":"boolean"},\
                "id":{"type":"string","minLength":16,"maxLength":128,"pattern":"^[a-zA-Z0-9_-]+$"}},"required":["required"]}}}}
                """
        )
        #expect(try await bench.isUntouched())
    }

    @Test func `upfront routes say so on the wire`() async throws {
        let bench = try Bench()
        let answer = try await bench.ask(.get, "/first/1")
        let challenge = try PaymentHeader.decode(try #require(answer["payment-required"]))
        #expect(challenge["accepts"]?.array?.first?["extra"]?["paymentFlow"] == "upfront")
    }

    @Test(arguments: ["/paid/1", "/dear"])
    func `HEAD is like GET without the body`(target: String) async throws {
        let bench = try Bench()
        let (get, head) = (try await bench.ask(.get, target), try await bench.ask(.head, target))
        #expect(head.status == 402 && head.body.isEmpty)
        #expect(head.head.fields == get.head.fields)
    }

    @Test func `a paid HEAD has the fields of the answer`() async throws {
        let bench = try Bench { sent in
            ClientResponse(
                head: ResponseHead(status: 200, fields: ["ETag": "\"1\""]),
                length: 7,
                body: sent.method == .head ? .empty : BodyStream([1])
            )
        }
        let answer = try await bench.pay(.head, "/dear", try await bench.credential("/dear"))
        #expect(answer.status == 200 && answer.body.isEmpty && answer["etag"] == "\"1\"")
        #expect(answer.receipt["success"] == true)
        #expect(bench.upstream.sent.first?.method == .head)
    }

    @Test func `each challenge is fresh, and alike in all its options`() async throws {
        let bench = try Bench()
        let malformed = try await bench.ask(.get, "/paid/1", ["PAYMENT-SIGNATURE": "%"])
        let again = try await bench.ask(.get, "/paid/1", ["PAYMENT-SIGNATURE": "%"])
        #expect(malformed["payment-required"] != again["payment-required"])
    }

    @Test func `a resource with a URL over a kibibyte is named by its pattern`() async throws {
        let bench = try Bench()
        func resource(_ target: String) async throws -> String? {
            let answer = try await bench.ask(.get, target)
            let object = try PaymentHeader.decode(try #require(answer["payment-required"]))
            #expect(answer.json["accepts"]?.array?.first?["resource"] == object["resource"]?["url"])
            return object["resource"]?["url"]?.string
        }
        let origin = "https://api.example"
        let longest = "/paid/" + String(repeating: "a", count: 1024 - origin.utf8.count - 6)
        #expect(try await resource(longest) == origin + longest)
        #expect(try await resource(longest + "?" + String(repeating: "q", count: 2_000)) == origin + longest)
        #expect(try await resource(longest + "a") == origin + "/paid/*")
        // It is payable all the same.
        let credential = try await bench.credential(longest + "a")
        #expect(try await bench.pay(.get, longest + "a", credential).status == 200)
    }

    // MARK: - Errors

    @Test func `unmatched is 404, another method 405 with Allow, problems both`() async throws {
        let bench = try Bench()
        let missing = try await bench.ask(.get, "/nowhere")
        #expect(missing.status == 404 && missing.code == "not_found" && missing["content-type"] == "application/problem+json")
        let method = try await bench.ask(.post, "/dear")
        #expect(method.status == 405 && method.code == "method_not_allowed" && method["allow"] == "GET")
        #expect(bench.upstream.sent.isEmpty)
    }

    @Test func `permit2_allowance_required is 412 with the challenge`() async throws {
        let bench = try Bench(routes: [
            Route(
                pattern: try RoutePattern("/paid/*"),
                upstream: Bench.upstreamServer(),
                terms: Terms(options: [Bench.option], dialects: ["x402"])
            )
        ])
        let store = MemoryPaymentStore()
        let gateway = Gateway(
            GatewayConfiguration(publicURL: Origin(scheme: .https, host: "api.example"), routes: [try Bench.route("/paid/*")]),
            dialects: Bench.dialects,
            methods: [Refusing("permit2_allowance_required")],
            store: store,
            client: bench.upstream,
            environment: bench.time.environment,
            log: bench.log.logger
        )
        var fields: Fields = ["Host": "api.example"]
        fields.append("PAYMENT-SIGNATURE", Base64.encode(try await bench.credential().utf8))
        let channel = RecordingResponseChannel()
        let head = RequestHead(method: .get, target: "/paid/1", fields: fields)
        await gateway.handle(Request(head: head, peer: Bench.peer), Responder(channel))
        let answer = try #require(channel.response)
        #expect(answer.status == 412 && answer.json["status"] == 412 && answer.code == "permit2_allowance_required")
        #expect(answer["payment-required"] != nil)
    }

    // MARK: - Browsers

    private static let browser: Fields = ["Accept": "text/html,*/*;q=0.8", "User-Agent": "Mozilla/5.0"]

    @Test func `a browser gets a page, with the same challenge`() async throws {
        let bench = try Bench()
        let answer = try await bench.ask(.get, "/paid/1", Self.browser)
        #expect(answer.status == 402)
        #expect(answer["content-type"] == "text/html; charset=utf-8")
        #expect(answer["cache-control"] == "no-store")
        #expect(answer["payment-required"] != nil)
        #expect(answer["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'")
        #expect(answer.text.contains("0.001 USDC") && answer.text.contains("A sample"))
        for fields in [["Accept": "text/html"], ["User-Agent": "Mozilla/5.0"], ["Accept": "*/*", "User-Agent": "Mozilla/5.0"]]
            as [Fields]
        {
            #expect(try await bench.ask(.get, "/paid/1", fields)["content-type"] == "application/json")
        }
        #expect(try await bench.ask(.post, "/paid/1", Self.browser)["content-type"] == "application/json")
    }

    @Test func `after a refused payment a browser gets JSON too`() async throws {
        let bench = try Bench()
        let answer = try await bench.pay(.get, "/paid/1", try await bench.credential("/paid/1", .init(value: 1)), Self.browser)
        #expect(answer.status == 402 && answer["content-type"] == "application/json")
    }

    @Test func `nothing of a path or a description becomes markup or a command`() throws {
        let hostile = "https://a.example/<script>alert(1)</script>\"'&;$(rm)\u{600}<b>"
        let offer = Offer(
            resource: hostile,
            description: "\u{600}<img src=x onerror=alert(1)>",
            mimeType: nil,
            options: [Bench.option],
            policy: .after
        )
        let page = String(decoding: BrowserPage(offer: offer).html, as: UTF8.self)
        let scalars = Array(page.unicodeScalars)
        for tag in ["script", "img", "b>"] {
            let pattern = Array("<\(tag)".unicodeScalars)
            let isThere = scalars.indices.contains {
                scalars[$0...].starts(with: pattern) && tag != "b>" || scalars[$0...].starts(with: Array("<b>".unicodeScalars))
            }
            #expect(!isThere, "\(tag)")
        }
        #expect(
            page.contains(
                "toll get &#39;https://a.example/&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;\\&#39;&#39;&amp;;$(rm)"
            )
        )
    }

    // MARK: - Other origins

    private static let preflight: Fields = [
        "Origin": "https://app.example", "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "payment-signature,access-control-expose-headers",
    ]

    @Test(arguments: ["/paid/1", "/free/x", "/nowhere", "/dear"])
    func `a preflight is answered here, free`(target: String) async throws {
        let bench = try Bench()
        let answer = try await bench.ask(.options, target, Self.preflight)
        #expect(answer.status == 204 && answer.body.isEmpty)
        #expect(answer["access-control-allow-origin"] == "*")
        #expect(answer["access-control-allow-methods"] == "GET")
        for name in ["payment-signature", "x-payment", "content-type", "access-control-expose-headers"] {
            #expect(answer.head.fields.listContains("access-control-allow-headers", name), "\(name)")
        }
        #expect(answer["access-control-max-age"] == "600")
        #expect(bench.upstream.sent.isEmpty)
    }

    @Test func `an OPTIONS that is no preflight is a request like any other`() async throws {
        let bench = try Bench()
        #expect(try await bench.ask(.options, "/paid/1").status == 402)
        #expect(try await bench.ask(.options, "/free/x").status == 200)
    }

    @Test func `a list of origins is kept, on every kind of answer`() async throws {
        let bench = try Bench(cors: .only(["https://app.example"])) { _ in
            ClientResponse(
                head: ResponseHead(
                    status: 200,
                    fields: ["Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "X-Total"]
                )
            )
        }
        for (origin, isAllowed) in [("https://app.example", true), ("https://evil.example", false), (nil, false)] {
            var fields = Fields()
            if let origin { fields.append("Origin", origin) }
            var answers = [
                try await bench.ask(.get, "/paid/1", fields), try await bench.ask(.get, "/free/x", fields),
                try await bench.ask(.get, "/nowhere", fields), try await bench.ask(.get, "/paid/1", Self.browserFields(fields)),
            ]
            let nonce = isAllowed ? 1 : origin == nil ? 2 : 3
            answers.append(
                try await bench.pay(.get, "/paid/1", try await bench.credential("/paid/1", .init(nonce: nonce)), fields)
            )
            for answer in answers {
                #expect(
                    answer.head.fields.values(of: "access-control-allow-origin").map { String(decoding: $0, as: UTF8.self) }
                        == (isAllowed ? ["https://app.example"] : [])
                )
                #expect(answer.head.fields.listContains("vary", "origin"))
                #expect(!isAllowed || answer.head.fields.listContains("access-control-expose-headers", "payment-required"))
            }
            #expect(answers[1].head.fields.listContains("access-control-expose-headers", "x-total"))
        }
        let refused = try await bench.ask(
            .options,
            "/paid/1",
            ["Origin": "https://evil.example", "Access-Control-Request-Method": "GET"]
        )
        #expect(
            refused.status == 204 && refused["access-control-allow-origin"] == nil
                && refused["access-control-allow-methods"] == nil
        )
    }

    private static func browserFields(_ fields: Fields) -> Fields {
        var fields = fields
        fields.append(contentsOf: self.browser)
        return fields
    }
}

/// A method that verifies nothing.
private struct Refusing: PaymentMethod {
    let reason: String

    init(_ reason: String) { self.reason = reason }

    func takes(_ option: PaymentOption) -> Bool { true }
    func verify(_ credential: Credential, at time: Int64, freshness: Freshness) async -> Verification {
        .invalid(PaymentRefusal(self.reason))
    }
    func settle(
        _ payment: PaymentRecord, keeping events: [PaymentEvent], patience: Duration
    ) async -> SettlementOutcome { .unavailable(reason: "") }
}
