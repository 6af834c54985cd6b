// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollFacilitator
import TollHTTP
import TollPayments
import TollPrimitives
import TollRuntime
import TollTestKit

/// What goes over the wire, byte by byte.
@Suite struct AnswerTests {
    static let duplicate = """
        200 {"success":false,"errorReason":"duplicate_settlement","payer":"\(Bodies.payer)",\
        "transaction":"\(FakeChain.transaction)","network":"eip155:84532"}
        """

    @Test(arguments: [Bodies.v1, Bodies.v2])
    func `a good payment is valid, with its payer`(body: String) async {
        #expect(await Stand().asked("/verify", body) == "200 {\"isValid\":true,\"payer\":\"\(Bodies.payer)\"}")
    }

    @Test(arguments: [(Bodies.v1, "base-sepolia"), (Bodies.v2, "eip155:84532")])
    func `a settlement is told in the network's name of the version`(body: String, network: String) async {
        let expected = """
            200 {"success":true,"payer":"\(Bodies.payer)","transaction":"\(FakeChain.transaction)","network":"\(network)"}
            """
        #expect(await Stand().asked("/settle", body) == expected)
    }

    @Test(arguments: [Bodies.v1, Bodies.v2])
    func `the version may stand in the payload alone`(body: String) async throws {
        let answer = await Stand().asked("/verify", try Bodies.changing("x402Version", in: body, to: nil))
        #expect(answer.hasPrefix("200 {\"isValid\":true"))
    }

    @Test func `what is supported is said in both versions`() async {
        let response = await Stand().facilitator.answer(.get("/supported"))
        let expected = """
            {"kinds":[{"x402Version":2,"scheme":"exact","network":"eip155:84532"},\
            {"x402Version":1,"scheme":"exact","network":"base-sepolia"}],"extensions":[],\
            "signers":{"eip155:*":["0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"]}}
            """
        #expect(response?.text == expected)
        #expect(response?.head.fields.firstText(.contentType) == "application/json")
    }

    // MARK: - Invalid payments

    static let invalid: [(path: String, value: JSON?, reason: String)] = [
        ("paymentPayload.accepted.scheme", "upto", "unsupported_scheme"),
        ("paymentRequirements.scheme", "upto", "unsupported_scheme"),
        ("paymentRequirements.network", "eip155:8453", "network_mismatch"),
        ("paymentRequirements.extra", nil, "missing_eip712_domain"),
        ("paymentRequirements.extra.name", nil, "missing_eip712_domain"),
        ("paymentRequirements.extra.version", "", "missing_eip712_domain"),
        ("paymentRequirements.asset", "0x0000000000000000000000000000000000000001", "invalid_exact_evm_failed_to_get_asset_info"),
        ("paymentPayload.payload", ["permit2Authorization": [:]], "unsupported_payload_type"),
    ]

    @Test(arguments: invalid)
    func `what is not served is an invalid payment with the standard reason`(
        path: String,
        value: JSON?,
        reason: String
    ) async throws {
        let stand = Stand()
        let body = try Bodies.changing(path, to: value)
        #expect(await stand.asked("/verify", body).hasPrefix("200 {\"isValid\":false,\"invalidReason\":\"\(reason)\""))
        #expect(await stand.asked("/settle", body).hasPrefix("200 {\"success\":false,\"errorReason\":\"\(reason)\""))
        #expect(try await stand.store.records(PaymentQuery(in: [], since: 0, limit: 1)).isEmpty)
    }

    @Test func `a network of no kind is invalid_network`() async throws {
        var body = try Bodies.changing("paymentRequirements.network", to: "eip155:1")
        body = try Bodies.changing("paymentPayload.accepted.network", in: body, to: "eip155:1")
        #expect(await Stand().asked("/verify", body).contains("invalid_network"))
        body = try Bodies.changing("paymentRequirements.network", in: Bodies.v1, to: "base")
        body = try Bodies.changing("paymentPayload.network", in: body, to: "base")
        #expect(await Stand().asked("/verify", body).contains("invalid_network"))
    }

    @Test func `what the method refuses carries its detail and its payer`() async throws {
        let body = try Bodies.changing("paymentRequirements.amount", to: "10001")
        let reason = "invalid_exact_evm_payload_authorization_value_mismatch"
        let rest = "\"value 10000, required 10001\",\"payer\":\"\(Bodies.payer)\""
        #expect(
            await Stand().asked("/verify", body)
                == "200 {\"isValid\":false,\"invalidReason\":\"\(reason)\",\"invalidMessage\":\(rest)}"
        )
        let settle = """
            200 {"success":false,"errorReason":"\(reason)","errorMessage":\(rest),"transaction":"","network":"eip155:84532"}
            """
        #expect(await Stand().asked("/settle", body) == settle)
    }

    @Test func `who is not on the list is not paid`() async {
        var configuration = Stand.configuration
        configuration.payTo = ["0x0000000000000000000000000000000000000001"]
        #expect(await Stand(configuration).asked("/verify").contains("invalid_payment_requirements"))
        configuration.payTo = [Bodies.payTo.lowercased()]
        #expect(await Stand(configuration).asked("/verify").contains("\"isValid\":true"))
    }

    @Test func `the domain that is verified is the one of the requirements`() async throws {
        let stand = Stand()
        _ = await stand.asked("/settle", try Bodies.changing("paymentRequirements.extra.name", to: "USD Coin"))
        let asset = try await stand.store.records(PaymentQuery(in: [], since: 0, limit: 1)).first?.claim.option.asset
        #expect(asset?.domainName == "USD Coin")
        #expect(asset?.address == Stand.usdc.address)
    }

    // MARK: - What cannot be parsed

    static let malformed: [(path: String, value: JSON?)] = [
        ("x402Version", 3), ("x402Version", "2"), ("paymentPayload", nil), ("paymentPayload", "text"),
        ("paymentRequirements", nil),
        ("paymentPayload.x402Version", 1), ("paymentPayload.accepted", nil), ("paymentPayload.accepted.amount", 10000),
        ("paymentPayload.payload", nil), ("paymentPayload.payload.signature", nil), ("paymentPayload.payload.signature", "0x"),
        ("paymentPayload.payload.signature", "0xzz"), ("paymentPayload.payload.authorization", nil),
        ("paymentPayload.payload.authorization.from", "0x12"), ("paymentPayload.payload.authorization.to", 1),
        ("paymentPayload.payload.authorization.value", "-1"), ("paymentPayload.payload.authorization.value", 10000),
        ("paymentPayload.payload.authorization.validAfter", "soon"), ("paymentPayload.payload.authorization.validBefore", nil),
        ("paymentPayload.payload.authorization.nonce", "0x01"), ("paymentRequirements.scheme", nil),
        ("paymentRequirements.network", "base"), ("paymentRequirements.asset", 1), ("paymentRequirements.amount", "1.5"),
        ("paymentRequirements.payTo", nil), ("paymentRequirements.maxTimeoutSeconds", "60"), ("paymentRequirements.extra", []),
    ]

    @Test(arguments: malformed)
    func `what cannot be parsed is 400 and names the member`(path: String, value: JSON?) async throws {
        let stand = Stand()
        let body = try Bodies.changing(path, to: value)
        for call in ["/verify", "/settle"] {
            let response = try #require(await stand.post(call, body))
            let problem = try JSON(parsing: response.body)
            #expect(response.head.status == 400)
            #expect(problem["field"]?.string == path)
            #expect(problem["error"]?.string?.hasPrefix(path + " ") == true)
            let isVersion = path.hasSuffix("x402Version") && value != "2"
            #expect(problem["code"]?.string == (isVersion ? "invalid_x402_version" : "malformed_request"))
        }
    }

    @Test(arguments: [
        ("paymentRequirements.maxAmountRequired", JSON?.none), ("paymentPayload.network", nil),
        ("paymentRequirements.resource", nil),
    ])
    func `version 1 names its own members`(path: String, value: JSON?) async throws {
        let answer = await Stand().asked("/verify", try Bodies.changing(path, in: Bodies.v1, to: value))
        #expect(answer.hasPrefix("400 ") && answer.contains("\"field\":\"\(path)\""))
    }

    @Test(arguments: ["", "{", "[]", "nil", "{\"a\":1,\"a\":2}", "{}", "{\"x402Version\":2} x"])
    func `what is no JSON object is 400`(body: String) async {
        #expect(await Stand().asked("/settle", body).hasPrefix("400 "))
    }

    // MARK: - HTTP

    @Test func `paths and methods`() async {
        let facilitator = Stand().facilitator
        #expect(await facilitator.answer(.get("/health"))?.head.status == 200)
        #expect(await facilitator.answer(.get("/supported", .head))?.head.status == 200)
        #expect(await facilitator.answer(.get("/"))?.head.status == 404)
        #expect(await facilitator.answer(.get("/verify/"))?.head.status == 404)
        let get = await facilitator.answer(.get("/verify"))
        #expect(get?.head.status == 405 && get?.head.fields.firstText(.allow) == "POST")
        let post = await facilitator.answer(.post("/supported", ""))
        #expect(post?.head.status == 405 && post?.head.fields.firstText(.allow) == "GET, HEAD")
    }

    @Test func `tokens are asked for everywhere but at health`() async {
        var configuration = Stand.configuration
        configuration.tokens = [Secret("first"), Secret("second")]
        let facilitator = Stand(configuration).facilitator
        let refused: [Fields] = [
            [:], ["Authorization": "Bearer"], ["Authorization": "Bearer firs"], ["Authorization": "Bearer firsts"],
            ["Authorization": "Basic first"],
            ["Authorization": "Bearer first", "authorization": "Bearer first"],
        ]
        for fields in refused {
            for request in [
                Request.post("/verify", Bodies.v2, fields), .post("/settle", Bodies.v2, fields), .get("/supported", .get, fields),
            ] {
                let response = await facilitator.answer(request)
                #expect(response?.head.status == 401)
                #expect(response?.head.fields.firstText(.wwwAuthenticate) == "Bearer")
                #expect(response?.text.contains("first") == false)
            }
        }
        #expect(await facilitator.answer(.get("/health"))?.head.status == 200)
        #expect(await facilitator.answer(.post("/verify", Bodies.v2, ["Authorization": "bearer second"]))?.head.status == 200)
    }

    @Test func `a body at the limit is read and one above is 413`() async {
        var configuration = Stand.configuration
        configuration.bodyBytes = Bodies.v2.utf8.count
        let facilitator = Stand(configuration).facilitator
        #expect(await facilitator.answer(.post("/verify", Bodies.v2))?.head.status == 200)
        #expect(await facilitator.answer(.post("/verify", Bodies.v2 + " "))?.head.status == 413)
        var chunked = Request.post("/verify", Bodies.v2 + " ")
        chunked.head.framing = .chunked
        #expect(await facilitator.answer(chunked)?.head.status == 413)
        chunked.body = BodyStream { () async throws(HTTPError) in throw HTTPError(.malformed, "a bad chunk") }
        #expect(await facilitator.answer(chunked)?.head.status == 400)
    }

    @Test func `our own fault is 503 and says nothing about the payment or the inside`() async {
        let stand = Stand()
        stand.chain.weather = .down
        for call in ["/verify", "/settle"] {
            let response = await stand.post(call)
            #expect(response?.head.status == 503)
            #expect(response?.head.fields.firstText(.retryAfter) == "5")
            #expect(response?.text.contains("10.0.0.7") == false && response?.text.contains("isValid") == false)
        }
    }

    @Test func `a payment that no method takes is our fault`() async {
        let time = ManualTime(start: .seconds(1_740_672_100))
        let facilitator = Facilitator(
            Stand.configuration,
            methods: [],
            store: MemoryPaymentStore(),
            environment: time.environment,
            log: .silent
        )
        #expect(await facilitator.answer(.post("/settle", Bodies.v2))?.head.status == 503)
    }
}
