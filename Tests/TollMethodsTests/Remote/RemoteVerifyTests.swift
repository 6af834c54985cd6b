// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol
import TollTestKit

/// What is sent to `/verify`, and what is made of the answers.
@Suite struct RemoteVerifyTests {
    private typealias Stand = RemoteStand

    private static let verified = Verification.valid(
        VerifiedPayment(key: Stand.claim.key, payer: Stand.payer, unusedAtBlock: 0, validBefore: 1_700_000_300)
    )

    private func isUnavailable(_ verification: Verification) -> Bool {
        if case .unavailable = verification { true } else { false }
    }

    @Test func `a valid payment is known by its key and its payer`() async throws {
        let stand = try Stand(Stand.text(Stand.valid))
        #expect(await stand.verify() == Self.verified)
        #expect(stand.calls == ["https://first.example/verify"])
        #expect(stand.client.sent.allSatisfy { $0.fields.firstText(.authorization) == "Bearer key" })
    }

    @Test func `what is sent is the option twice, and the payload as it came`() async throws {
        let stand = try Stand(Stand.text(Stand.valid))
        _ = await stand.verify()
        let sent = try #require(stand.client.sent.last)
        let request = try X402V2.FacilitatorRequest(body: sent.body)
        #expect(sent.method == .post && sent.fields.firstText(.contentType) == "application/json")
        #expect(request.paymentPayload.accepted == request.paymentRequirements)
        #expect(request.paymentPayload.payload == Stand.claim.payload)
        #expect(request.paymentPayload.extensions == nil)
        let requirements = """
            {"scheme":"exact","network":"eip155:84532","asset":"0x036CbD53842c5426634e7929541eC2318f3dCF7e","amount":"1000",\
            "payTo":"0x209693Bc6afc0C5328bA36FaF03C514EF312287C","maxTimeoutSeconds":300,"extra":{"name":"USDC","version":"2"}}
            """
        #expect(JSON.object(request.paymentRequirements.json).text == requirements)
    }

    @Test(arguments: [200, 400, 412, 500])
    func `an invalid payment is invalid on every status that verdicts come with`(status: Int) async throws {
        let answer = "{\"isValid\":false,\"invalidReason\":\"insufficient_funds\",\"invalidMessage\":\"0 of 1000\"}"
        let stand = try Stand(Stand.text(answer, status))
        let refusal = PaymentRefusal("insufficient_funds", detail: "0 of 1000")
        #expect(await stand.verify() == .invalid(refusal, payer: Stand.payer, key: Stand.claim.key))
    }

    static let noVerdicts: [(status: Int, body: String)] = [
        (200, "{\"isValid\":\"true\"}"), (200, "{\"isValid\":1}"), (200, "{}"), (200, "[]"), (200, ""), (200, "<html>"),
        (200, "{\"isValid\":true,\"payer\":\"0x0000000000000000000000000000000000000001\"}"),
        (500, "{\"isValid\":true}"), (400, "{\"isValid\":true}"), (500, "<html>Internal Server Error</html>"),
        (400, "{\"error\":\"paymentPayload is missing\"}"), (302, "{\"isValid\":true}"), (401, "{\"isValid\":false}"),
        (429, ""), (503, "{\"isValid\":false}"),
        (200, "{\"isValid\":false,\"invalidReason\":\"unexpected_verify_error\"}"),
    ]

    @Test(arguments: noVerdicts)
    func `what is no verdict, or a lie, says nothing about the payment`(status: Int, body: String) async throws {
        #expect(self.isUnavailable(await (try Stand(Stand.text(body, status))).verify()))
    }

    @Test(arguments: [HTTPError.Code.connectFailed, .timedOut, .disconnected, .malformed, .tls])
    func `an error says nothing about the payment`(code: HTTPError.Code) async throws {
        #expect(self.isUnavailable(await (try Stand(Stand.error(code))).verify()))
    }

    @Test func `what the option asks for is compared here as well`() async throws {
        let stand = try Stand(Stand.text(Stand.valid))
        let option = SamplePayment.claim(1, amount: 1001).option
        let credential = Credential(dialect: "x402", option: option, payload: Stand.claim.payload, challengeHash: nil)
        guard case .invalid(let refusal, _, _) = await stand.method.verify(credential, at: 0) else {
            Issue.record("A payment of less than the price was accepted.")
            return
        }
        #expect(refusal.reason == "invalid_exact_evm_payload_authorization_value_mismatch")
        #expect(stand.client.sent.isEmpty)
    }

    @Test func `an unreadable payload is invalid and goes nowhere`() async throws {
        let stand = try Stand(Stand.text(Stand.valid))
        let credential = Credential(dialect: "x402", option: Stand.claim.option, payload: [:], challengeHash: nil)
        guard case .invalid(let refusal, nil, nil) = await stand.method.verify(credential, at: 0) else {
            Issue.record("A payload without a signature was accepted.")
            return
        }
        #expect(refusal.reason == "invalid_payload")
        #expect(stand.client.sent.isEmpty)
    }

    // MARK: - Several

    /// The first fails as `failure` says, the second verifies.
    private func pair(_ failure: @escaping RemoteStand.Answer) throws -> RemoteStand {
        try Stand(at: [Stand.first, Stand.second]) { (sent: ScriptedHTTPClient.Sent) async throws(HTTPError) -> ClientResponse in
            sent.url.hasPrefix(Stand.first) ? try await failure(sent) : .text(Stand.valid)
        }
    }

    @Test func `when the first is down the second verifies, and the first is left alone for a while`() async throws {
        let stand = try self.pair(Stand.error(.connectFailed, isBeforeSend: true))
        let (first, second) = ("https://first.example/verify", "https://second.example/x402/verify")
        #expect(await stand.verify() == Self.verified)
        #expect(await stand.verify() == Self.verified)
        #expect(stand.calls == [first, second, second])
        stand.time.advance(by: .seconds(1))
        _ = await stand.verify()
        #expect(stand.calls.suffix(2) == [first, second])
        stand.time.advance(by: .seconds(1))
        _ = await stand.verify()
        #expect(stand.calls.last == second && stand.calls.count == 6)
    }

    @Test func `a page instead of a verdict is passed over and held against nobody`() async throws {
        let stand = try self.pair(Stand.text("<html>", 500))
        #expect(await stand.verify() == Self.verified)
        _ = await stand.verify()
        #expect(stand.calls.count == 4)
    }

    @Test func `when all are left alone nobody is asked`() async throws {
        let stand = try Stand(Stand.error(.timedOut))
        _ = await stand.verify()
        #expect(self.isUnavailable(await stand.verify()))
        #expect(stand.calls.count == 1)
    }

    @Test func `an invalid payment is not offered to the next`() async throws {
        let stand = try self.pair(Stand.text("{\"isValid\":false,\"invalidReason\":\"insufficient_funds\"}"))
        _ = await stand.verify()
        #expect(stand.calls.count == 1)
    }

    // MARK: - Supported

    @Test func `a facilitator that does not take the network is not asked`() async throws {
        for supported in [
            "{\"kinds\":[{\"x402Version\":2,\"scheme\":\"exact\",\"network\":\"eip155:8453\"}]}",
            "{\"kinds\":[{\"x402Version\":1,\"scheme\":\"exact\",\"network\":\"eip155:84532\"}]}", "{\"kinds\":[]}", "<html>",
        ] {
            let stand = try Stand(supported: supported, Stand.text(Stand.valid))
            #expect(self.isUnavailable(await stand.verify()))
            #expect(stand.calls.isEmpty)
        }
    }

    @Test func `what is supported is asked every ten minutes`() async throws {
        let stand = try Stand(Stand.text(Stand.valid))
        func asked() -> Int { stand.client.sent.count { $0.url == "https://first.example/supported" && $0.method == .get } }
        _ = await stand.verify()
        stand.time.advance(by: .seconds(599))
        _ = await stand.verify()
        #expect(asked() == 1)
        stand.time.advance(by: .seconds(1))
        _ = await stand.verify()
        #expect(asked() == 2)
    }

    @Test func `extra that the facilitator wants is added, and the domain stays ours`() async throws {
        let supported = """
            {"kinds":[{"x402Version":2,"scheme":"exact","network":"eip155:84532","extra":{"feePayer":"0x01","name":"Evil"}}]}
            """
        let stand = try Stand(supported: supported, Stand.text(Stand.valid))
        _ = await stand.verify()
        let request = try X402V2.FacilitatorRequest(body: try #require(stand.client.sent.last).body)
        #expect(request.paymentRequirements.extra == ["name": "USDC", "version": "2", "feePayer": "0x01"])
    }
}
