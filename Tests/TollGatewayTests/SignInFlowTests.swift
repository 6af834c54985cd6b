// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollEVM
import TollGateway
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol
import TollTestKit

/// The extension `sign-in-with-x` at the gate: who has signed in is the payer.
@Suite struct SignInFlowTests {
    static func route(
        _ pattern: String, _ policy: SettlePolicy = .after, signIn: Bool = true, options: [PaymentOption] = [Bench.option]
    ) throws -> Route {
        Route(
            pattern: try RoutePattern(pattern), upstream: Bench.upstreamServer(),
            terms: Terms(
                options: options, settle: SettleRule(policy), dialects: ["x402", "x402-v1"], identifiers: .off,
                acceptsSignIn: signIn))
    }

    static func bench(
        store: any PaymentStore = MemoryPaymentStore(), sleepPasses: Bool = true, more routes: [Route] = [],
        upstream: @escaping @Sendable (ScriptedHTTPClient.Sent) async throws(HTTPError) -> ClientResponse = { _ in .text("made") }
    ) throws -> Bench {
        try Bench(
            store: store, sleepPasses: sleepPasses,
            routes: routes + [
                self.route("/paid/*"), self.route("/first/*", .before), self.route("GET /dear"),
                self.route("/closed/*", signIn: false),
            ], upstream: upstream)
    }

    static func invitation(_ bench: Bench, _ target: String) async throws -> X402V2.SignIn.Challenge {
        let required = try #require(try await bench.ask(.get, target)["payment-required"])
        let challenge = try X402V2.PaymentRequired(headerValue: required)
        return try #require(try X402V2.SignIn.Challenge(extensions: challenge.extensions))
    }

    /// A sign-in to what a fresh challenge invites to.
    static func signIn(
        _ bench: Bench, _ target: String = "/paid/1", key: PrivateKey = Bench.payer, nonce: String? = nil
    ) async throws -> Fields {
        let invited = try await Self.invitation(bench, target).info
        // The pool of the tests gives out the same numbers to each request, so a fresh nonce is made here.
        let info = X402V2.SignIn.Info(
            domain: invited.domain, uri: invited.uri, nonce: nonce ?? invited.nonce, issuedAt: invited.issuedAt)
        let proof = try #require(ExactEVMPayer(key).signIn(info, on: Bench.asset.network))
        return ["SIGN-IN-WITH-X": proof.headerValue]
    }

    // MARK: - The invitation

    @Test(arguments: ["/paid/1", "/dear"])
    func `a challenge invites to sign in to the public origin, with a fresh nonce and the time`(target: String) async throws {
        let bench = try Self.bench()
        let invitation = try await Self.invitation(bench, target)
        #expect(invitation.info.domain == "api.example" && invitation.info.uri == "https://api.example\(target)")
        #expect(invitation.info.issuedAt == "2027-01-15T08:00:00.000Z")
        #expect(invitation.chains == [X402V2.SignIn.SupportedChain(Bench.asset.network, .eip191)])
        // The secret is the pool's first, the nonce its second.
        #expect(invitation.info.nonce == "3c6ef372fe94f82adaa66d2c7ddf743f")
        bench.time.advance(by: .seconds(61))
        #expect(try await Self.invitation(bench, target).info.issuedAt == "2027-01-15T08:01:01.000Z")
    }

    @Test func `what is not the prepared challenge invites as well, freshly`() async throws {
        let bench = try Self.bench()
        func nonce() async throws -> String? {
            let answer = try await bench.ask(.get, "/paid/1", ["PAYMENT-SIGNATURE": "%"])
            let challenge = try X402V2.PaymentRequired(headerValue: try #require(answer["payment-required"]))
            let invitation = try X402V2.SignIn.Challenge(extensions: challenge.extensions)
            #expect(invitation?.info.issuedAt == "2027-01-15T08:00:00.000Z")
            #expect(invitation?.info.nonce != challenge.accepts.first?.challenge.map { Hex.encode($0) })
            return invitation?.info.nonce
        }
        #expect(try await nonce() != nonce())
    }

    @Test func `a route that takes no sign-in does not invite, and does not look at one`() async throws {
        let bench = try Self.bench()
        let required = try #require(try await bench.ask(.get, "/closed/1")["payment-required"])
        #expect(try PaymentHeader.decode(required)["extensions"] == nil)
        #expect(try await bench.ask(.get, "/closed/1", ["SIGN-IN-WITH-X": "%"]).status == 402)
    }

    @Test func `scripts may send a sign-in, and the answer to one varies with it`() async throws {
        let bench = try Self.bench()
        let preflight = try await bench.ask(
            .options, "/paid/1", ["Origin": "https://app.example", "Access-Control-Request-Method": "GET"])
        #expect(preflight["access-control-allow-headers"]?.contains("sign-in-with-x") == true)
        let paid = try await bench.pay(try await bench.credential())
        #expect(paid["vary"]?.contains("sign-in-with-x") == true)
    }

    // MARK: - Wrong sign-ins

    @Test(arguments: ["%", "e30=", "", "bnVsbA=="])
    func `one that cannot be parsed is 400, with a payment or without`(value: String) async throws {
        let bench = try Self.bench()
        let answer = try await bench.ask(.get, "/paid/1", ["SIGN-IN-WITH-X": value])
        #expect(answer.status == 400 && answer.code == "malformed_sign_in")
        #expect(answer.json["detail"]?.string?.hasPrefix("SIGN-IN-WITH-X: ") == true)
        let paying = try await bench.pay(.get, "/paid/1", try await bench.credential(), ["SIGN-IN-WITH-X": value])
        #expect(paying.status == 400)
        #expect(try await bench.isUntouched())
    }

    @Test func `two of them are 400`() async throws {
        let bench = try Self.bench()
        var fields = try await Self.signIn(bench)
        fields.append("SIGN-IN-WITH-X", fields.firstText("sign-in-with-x") ?? "")
        #expect(try await bench.ask(.get, "/paid/1", fields).code == "malformed_sign_in")
    }

    @Test(
        arguments: [
            ("domain", "evil.example", "invalid_siwx_domain_mismatch"),
            ("uri", "https://evil.example/paid/1", "invalid_siwx_uri_mismatch"),
            ("issuedAt", "2027-01-15T07:54:59.000Z", "invalid_siwx_issued_at_too_old"),
            ("issuedAt", "2027-01-15T08:01:00.000Z", "invalid_siwx_issued_at_in_future"),
            ("expirationTime", "2027-01-15T07:59:00.000Z", "invalid_siwx_expired"),
            ("notBefore", "2027-01-15T08:00:10.000Z", "invalid_siwx_not_yet_valid"),
            ("chainId", "eip155:1", "invalid_siwx_signature"),
            ("address", "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "invalid_siwx_signature"),
            ("type", "ed25519", "invalid_siwx_unsupported_chain"), ("signature", "0x12", "invalid_siwx_signature"),
            ("signature", "12", "invalid_siwx_malformed_signature"),
        ]
    )
    func `a wrong one is 401 with its reason, and nothing else happens`(name: String, value: String, code: String) async throws {
        let bench = try Self.bench()
        let header = try #require(try await Self.signIn(bench).firstText("sign-in-with-x"))
        var json = try PaymentHeader.decode(header)
        json[name] = .string(value)
        let fields: Fields = ["SIGN-IN-WITH-X": PaymentHeader.encode(json), "Host": "evil.example"]
        let answer = try await bench.ask(.get, "/paid/1", fields)
        #expect(answer.status == 401 && answer.code == code)
        #expect(try await bench.pay(.get, "/paid/1", try await bench.credential(), fields).code == code)
        #expect(try await bench.isUntouched())
        #expect(bench.log.holds("sign-in refused", code))
    }

    @Test func `a chain that does not answer closes the gate`() async throws {
        let bench = try Self.bench()
        let header = try #require(try await Self.signIn(bench).firstText("sign-in-with-x"))
        var json = try PaymentHeader.decode(header)
        json["signature"] = "0x1234"
        bench.chain.weather = .down
        #expect(try await bench.ask(.get, "/paid/1", ["SIGN-IN-WITH-X": PaymentHeader.encode(json)]).status == 503)
    }

    // MARK: - The payer's proof

    @Test func `a signed-in payer gets the stored answer of version 1`() async throws {
        let bench = try Self.bench()
        var fields = Bench.credential1()
        #expect(try await bench.ask(.get, "/paid/1", fields).status == 200)
        #expect(try await bench.ask(.get, "/paid/1", fields).code == "already_used")
        for (name, value) in try await Self.signIn(bench) { fields.append(Array(name), Array(value)) }
        let again = try await bench.ask(.get, "/paid/1", fields)
        #expect(again.status == 200 && again.text == "made" && again["x-payment-response"] != nil)
        #expect(try await bench.ask(.get, "/paid/2", fields).code == "already_used")
        #expect(bench.upstream.sent.count == 1 && bench.chain.transferCount == 1)
        #expect(bench.upstream.sent.allSatisfy { $0.fields.firstText("sign-in-with-x") == nil })
    }

    @Test func `a stranger who signs in gets nothing of another's`() async throws {
        let bench = try Self.bench()
        let credential = try await bench.credential().changing("accepted.extra.challenge", to: nil)
        #expect(try await bench.pay(credential).status == 200)
        let stranger = try await Self.signIn(bench, key: Bench.stranger)
        #expect(try await bench.pay(.get, "/paid/1", credential, stranger).code == "already_used")
        #expect(try await bench.pay(.get, "/paid/1", credential, Self.signIn(bench)).status == 200)
    }

    @Test func `a signed-in payer takes up a settlement of version 1 that is pending`() async throws {
        let bench = try Self.bench()
        bench.chain.isMining = false
        var fields = Bench.credential1()
        let first = try await bench.ask(.get, "/paid/1", fields)
        #expect(first.status == 409 && first.code == "settlement_pending")
        for (name, value) in try await Self.signIn(bench) { fields.append(Array(name), Array(value)) }
        let second = try await bench.ask(.get, "/paid/1", fields)
        #expect(second.status == 503 && second.code == "settlement_pending" && second["retry-after"] != nil)
        bench.chain.isMining = true
        bench.chain.mine()
        let third = try await bench.ask(.get, "/paid/1", fields)
        #expect(third.status == 200 && third.text == "made")
        #expect(bench.upstream.sent.count == 1 && bench.chain.transferCount == 1)
    }
}
