// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollEVM
import TollGateway
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol
import TollRuntime
import TollTestKit

/// A proxy that asks about requests, and what it asks, on a simulated chain and a ledger in memory.
struct AuthBench {
    static let proxy = PeerAddress(ip: "127.0.0.1", port: 40_001)

    let mode: ForwardAuthConfiguration.Mode
    /// Chain, ledger and clock; its gateway is not used.
    let bench: Bench
    let auth: ForwardAuth

    /// Routes: `/paid/*` and `GET /dear` before, `/cheap/*` deferred, `/free/**`.
    init(_ mode: ForwardAuthConfiguration.Mode, beside bench: Bench? = nil, configuration: GatewayConfiguration? = nil) throws {
        let bench = try bench ?? Bench()
        self.mode = mode
        self.bench = bench
        var environment = bench.time.environment
        let random = Counter()
        environment.randomBytes = { count in
            let digits = Array("\(random.next())".utf8.prefix(count))
            return digits + Array(repeating: 0, count: count - digits.count)
        }
        self.auth = ForwardAuth(
            ForwardAuthConfiguration(mode: mode, trustedProxies: TrustedProxies(AddressRange.loopback)),
            try configuration
                ?? GatewayConfiguration(publicURL: Origin(scheme: .https, host: "api.example"), routes: Self.routes()),
            dialects: Bench.dialects, methods: [bench.exact], store: bench.store,
            signIns: EVMSignIn(nodes: [Bench.asset.network: bench.chain.client()]), environment: environment,
            log: bench.log.logger)
    }

    private static func routes() throws -> [Route] {
        [
            try Bench.route("/paid/*", .before), try Bench.route("GET /dear", .before),
            try Bench.route("/cheap/*", settle: SettleRule(.deferred, otherwise: .before)), try Bench.route("/free/**", nil),
        ]
    }

    // MARK: - Asking

    /// What a proxy of this kind sends for a client's request.
    func question(_ method: TollHTTP.Method = .get, _ target: String, _ fields: Fields = [:]) -> RequestHead {
        var asked: Fields = [:]
        let names: (String, String, String)
        switch self.mode {
        case .nginx: names = ("X-Original-Method", "X-Original-Host", "X-Original-URI")
        case .caddy, .traefik: names = ("X-Forwarded-Method", "X-Forwarded-Host", "X-Forwarded-Uri")
        case .envoy:
            asked = ["Host": "api.example"]
            asked.append(contentsOf: fields)
            return RequestHead(method: method, target: "/auth\(target)", fields: asked)
        }
        asked = ["Host": "127.0.0.1:4023", "X-Forwarded-For": "192.0.2.7"]
        asked.append(names.0, method.token)
        asked.append(names.1, "api.example")
        asked.append(names.2, target)
        asked.append(contentsOf: fields)
        return RequestHead(method: .get, target: "/auth", fields: asked)
    }

    /// What the engine would do with a question.
    @discardableResult
    func ask(
        _ question: RequestHead, from peer: PeerAddress = proxy, channel: RecordingResponseChannel = RecordingResponseChannel()
    ) async throws -> RecordedResponse {
        var immediate = ImmediateAnswer(dateField: Array("Sat, 15 Jan 2027 08:00:00 GMT".utf8)) { pool in
            for index in pool.indices { pool[index] = UInt64(index) &* 0x9E37_79B9_7F4A_7C15 }
        }
        if case .answered = self.auth.receive(question, peer: peer, answer: &immediate) {
            return try RecordedResponse(parsing: immediate.bytes)
        }
        #expect(immediate.bytes.isEmpty)
        await self.auth.handle(Request(head: question, peer: peer), Responder(channel))
        return try #require(channel.response, "no answer")
    }

    /// What the proxy is answered about a request.
    func ask(_ method: TollHTTP.Method, _ target: String, _ fields: Fields = [:]) async throws -> RecordedResponse {
        try await self.ask(self.question(method, target, fields))
    }

    /// What the client of a request sees, nil when it may pass: what the proxy relays, or what it fetches.
    func answer(_ method: TollHTTP.Method, _ target: String, _ fields: Fields = [:]) async throws -> RecordedResponse? {
        let answer = try await self.ask(method, target, fields)
        guard answer.status != 200 else { return nil }
        guard self.mode == .nginx else { return answer }
        #expect(answer.status == 401 && answer.body.isEmpty)
        return try await self.fetch(try #require(answer["tollgate-challenge"]))
    }

    /// What is kept under an identifier.
    func fetch(_ id: String, from peer: PeerAddress = proxy) async throws -> RecordedResponse {
        var fields: Fields = ["Host": "127.0.0.1:4023"]
        fields.append("Tollgate-Challenge", id)
        return try await self.ask(RequestHead(method: .get, target: "/challenge", fields: fields), from: peer)
    }

    /// The field of a credential for what `target` is asked now.
    func credential(_ target: String, _ authorization: Bench.Authorization = Bench.Authorization()) async throws -> Fields {
        let challenge = try #require(try await self.answer(.get, target))
        let object = try PaymentHeader.decode(try #require(challenge.head.fields.firstText("payment-required")))
        let json: JSON = [
            "x402Version": 2, "resource": object["resource"] ?? .null, "accepted": object["accepts"]?.array?.first ?? .null,
            "payload": authorization.payload,
        ]
        var fields: Fields = [:]
        fields.append("PAYMENT-SIGNATURE", Base64.encode(json.utf8))
        return fields
    }
}
