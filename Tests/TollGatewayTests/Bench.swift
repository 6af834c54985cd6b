// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollCrypto
import TollEVM
import TollGateway
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol
import TollRuntime
import TollTestKit

/// A whole gateway on a simulated chain, a ledger in memory and a scripted upstream.
struct Bench {
    /// Lines of the gateway's log.
    final class Log: Sendable {
        private let state = Mutex<[String]>([])
        var lines: [String] { self.state.withLock { $0 } }
        var logger: Logger { Logger(level: .debug, clock: { .zero }) { line in self.state.withLock { $0.append(line) } } }
        func holds(_ parts: String...) -> Bool { self.lines.contains { line in parts.allSatisfy { line.contains($0) } } }
    }

    static let payer = PrivateKey(bytes: [UInt8](repeating: 7, count: 32))!
    static let stranger = PrivateKey(bytes: [UInt8](repeating: 8, count: 32))!
    static let signer = PrivateKey(bytes: [UInt8](repeating: 9, count: 32))!
    static let payTo = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
    static let now: Int64 = 1_800_000_000
    static let asset = Asset(
        network: ChainID(eip155: 84_532),
        address: SimulatedEVMChain.token.description,
        symbol: "USDC",
        decimals: 6,
        domainName: "USDC",
        domainVersion: "2"
    )
    static let option = PaymentOption(asset: asset, amount: 1_000, payTo: payTo, maxTimeoutSeconds: 300)

    let time: ManualTime
    let chain: SimulatedEVMChain
    let store: any PaymentStore
    let upstream: ScriptedHTTPClient
    /// What the gateway talks to upstreams by: `upstream`, unless a test has something else.
    let client: any HTTPClient
    /// Whether the engine that is stood in for passes requests on by itself.
    var enginePassesOn = true
    let log = Log()
    /// Shared with other benches, a ledger is told by the test that this one is there.
    let lease: WorkerLease
    let metrics = MetricsRegistry()
    let configuration: GatewayConfiguration
    let exact: ExactEVM
    private(set) var gateway: Gateway

    /// Routes: `/paid/*` after, `/first/*` before, `/stored-not/*`, `GET /dear`, `/deep/**`, `/free/**`.
    init(
        store: any PaymentStore = MemoryPaymentStore(),
        chain: SimulatedEVMChain? = nil,
        time: ManualTime? = nil,
        sleepPasses: Bool = true,
        cors: CORSPolicy = .any,
        routes: [Route]? = nil,
        deferral: DeferralLimits = DeferralLimits(),
        settlingCountMax: Int = 5_000,
        access: Access = .off,
        discovery: Discovery? = nil,
        mode: GatewayMode = .live,
        methods: [any PaymentMethod]? = nil,
        client: (any HTTPClient)? = nil,
        trustedProxies: TrustedProxies = .none,
        holding: HoldingLimits = HoldingLimits(),
        rateLimits: RateLimits = RateLimits(),
        passKeys: PassKeys? = nil,
        counts: (any SharedCache)? = nil,
        lease: WorkerLease? = nil,
        upstream answer: @escaping @Sendable (ScriptedHTTPClient.Sent) async throws(HTTPError) -> ClientResponse = { _ in
            .text(#"{"ok":true}"#)
        }
    ) throws {
        let time = time ?? ManualTime(start: .seconds(Self.now), sleepPasses: sleepPasses)
        let environment = time.environment
        let chain = chain ?? Self.fundedChain(clock: environment.wallClock)
        self.time = time
        self.chain = chain
        self.store = store
        self.upstream = ScriptedHTTPClient(answer)
        self.client = client ?? self.upstream
        let network = ExactEVMNetwork(
            chain: Self.asset.network, client: chain.client(), signers: SignerPool([Self.signer]), confirmations: .blocks(1))
        let exact = ExactEVM(
            networks: [network], store: store, background: BackgroundWork(), environment: environment, log: self.log.logger)
        self.exact = exact
        var configuration = GatewayConfiguration(
            publicURL: Origin(scheme: .https, host: "api.example"), routes: try routes ?? Self.routes(),
            settleWait: .seconds(30), deferral: deferral, settlingCountMax: settlingCountMax, cors: cors)
        configuration.trustedProxies = trustedProxies
        configuration.holding = holding
        configuration.rateLimits = rateLimits
        configuration.passKeys = passKeys
        configuration.discovery = discovery
        configuration.mode = mode
        self.configuration = configuration
        self.lease = lease ?? WorkerLease(environment: environment)
        self.gateway = Gateway(
            self.configuration,
            dialects: Self.dialects,
            methods: methods ?? [exact],
            store: store,
            lease: self.lease,
            counts: counts,
            signIns: EVMSignIn(nodes: [Self.asset.network: chain.client()]),
            client: self.client,
            environment: environment,
            log: self.log.logger,
            metrics: GatewayMetrics(self.metrics),
            access: access == .off ? nil : AccessLog(self.log.logger, hasQuery: access == .query)
        )
    }

    /// Says that this gateway is there for so long: other benches on its ledger take nothing over meanwhile.
    func stay(for seconds: Int64 = 3_600) async throws {
        try await self.store.renew(self.lease.worker, for: seconds, at: Int64(self.time.environment.now()))
    }

    /// Whether each request has a line in the log.
    enum Access {
        case off, on, query
    }

    /// The same with another gateway in front.
    func with(_ gateway: Gateway) -> Bench {
        var bench = self
        bench.gateway = gateway
        return bench
    }

    static let dialects: [any Dialect] = [
        X402V2Dialect(), X402V1Dialect { $0 == ChainID(eip155: 84_532) ? "base-sepolia" : nil },
    ]

    static func fundedChain(clock: @escaping @Sendable () -> Duration) -> SimulatedEVMChain {
        let chain = SimulatedEVMChain(clock: clock)
        chain.mint(1_000_000, to: self.payer.address)
        return chain
    }

    static func upstreamServer(strip: [FieldName] = []) -> Upstream {
        Upstream(name: "api", origin: Origin(scheme: .http, host: "upstream.internal", port: 9000), strip: strip)
    }

    static func route(_ pattern: String, _ policy: SettlePolicy? = .after, storesAnswers: Bool = true) throws -> Route {
        try self.route(pattern, settle: policy.map { SettleRule($0) }, storesAnswers: storesAnswers)
    }

    static func route(_ pattern: String, settle: SettleRule?, storesAnswers: Bool = true) throws -> Route {
        Route(
            pattern: try RoutePattern(pattern),
            upstream: self.upstreamServer(),
            terms: settle.map {
                Terms(
                    options: [self.option],
                    settle: $0,
                    description: "A sample",
                    dialects: ["x402", "x402-v1"],
                    storesAnswers: storesAnswers
                )
            }
        )
    }

    static func routes() throws -> [Route] {
        [
            try route("/paid/*"), try route("/other/*"), try route("/first/*", .before),
            try route("/unstored/*", storesAnswers: false),
            try route("GET /dear"), try route("/deep/**"), try route("/free/**", nil),
        ]
    }

    // MARK: - Asking

    static let peer = PeerAddress(ip: "192.0.2.7", port: 40_000)

    /// What the engine would do: the gateway answers at once or in a task, or has it pass the request on.
    @discardableResult
    func ask(
        _ method: TollHTTP.Method = .get,
        _ target: String = "/paid/1",
        _ fields: Fields = [:],
        body: BodyStream? = nil,
        framing: BodyFraming? = nil,
        channel: RecordingResponseChannel = RecordingResponseChannel()
    ) async throws -> RecordedResponse {
        let answer = try await self.answer(method, target, fields, body: body, framing: framing, channel: channel)
        return try #require(answer, "no answer")
    }

    /// The same; nil where the client gets nothing.
    func answer(
        _ method: TollHTTP.Method = .get,
        _ target: String = "/paid/1",
        _ fields: Fields = [:],
        body: BodyStream? = nil,
        framing: BodyFraming? = nil,
        channel: RecordingResponseChannel = RecordingResponseChannel()
    ) async throws -> RecordedResponse? {
        var fields = fields
        if !fields.contains("host") { fields.append("Host", "api.example") }
        let length = UInt64(body?.whole?.count ?? 0)
        let head = RequestHead(
            method: method,
            target: target,
            fields: fields,
            framing: framing ?? (body == nil ? .none : .length(length))
        )
        var immediate = ImmediateAnswer(
            dateField: Array("Sat, 15 Jan 2027 08:00:00 GMT".utf8), passesOn: self.enginePassesOn
        ) { pool in
            for index in pool.indices { pool[index] = UInt64(index) &* 0x9E37_79B9_7F4A_7C15 }
        }
        switch self.gateway.receive(head, peer: Self.peer, answer: &immediate) {
        case .answered: return try RecordedResponse(parsing: immediate.bytes)
        case .pass(let passage): await passage.carry(head, from: Self.peer, by: self.client, to: channel)
        case .handle:
            await self.gateway.handle(Request(head: head, peer: Self.peer, body: body ?? .empty), Responder(channel))
        }
        return channel.response
    }

    /// What was sent, but for the trace, whose ids are drawn.
    static func withoutTrace(_ fields: Fields) -> Fields {
        var fields = fields
        fields.remove("traceparent")
        return fields
    }

    /// Asks for `/paid/1` with a credential of version 2.
    @discardableResult
    func pay(_ credential: JSON) async throws -> RecordedResponse { try await self.pay(.get, "/paid/1", credential) }

    /// Asks with a credential of version 2.
    @discardableResult
    func pay(
        _ method: TollHTTP.Method,
        _ target: String,
        _ credential: JSON,
        _ fields: Fields = [:],
        body: BodyStream? = nil,
        framing: BodyFraming? = nil,
        channel: RecordingResponseChannel = RecordingResponseChannel()
    ) async throws -> RecordedResponse {
        var fields = fields
        fields.append("PAYMENT-SIGNATURE", Self.header(credential))
        return try await self.ask(method, target, fields, body: body, framing: framing, channel: channel)
    }

    // MARK: - Credentials

    /// A credential as it travels.
    static func header(_ credential: JSON) -> String { Base64.encode(credential.utf8) }

    /// What the payer signs, and how.
    struct Authorization {
        var key = Bench.payer
        var to = Bench.payTo
        var value: UInt256 = 1_000
        var validAfter = UInt64(Bench.now - 10)
        var validBefore = UInt64(Bench.now + 120)
        var nonce = 1
        var chainID: UInt64 = 84_532

        var payload: JSON {
            let authorization = EIP3009.Authorization(
                from: self.key.address,
                to: Address(hex: self.to)!,
                value: self.value,
                validAfter: UInt256(self.validAfter),
                validBefore: UInt256(self.validBefore),
                nonce: UInt256(UInt64(self.nonce)).word
            )
            let domain = EIP712.Domain(
                name: "USDC",
                version: "2",
                chainID: self.chainID,
                verifyingContract: SimulatedEVMChain.token
            )
            let wire = ExactEVMPayload.Authorization(
                from: authorization.from.description,
                to: authorization.to.description,
                value: authorization.value,
                validAfter: authorization.validAfter,
                validBefore: authorization.validBefore,
                nonce: authorization.nonce
            )
            return .object(
                ExactEVMPayload(signature: self.key.sign(digest: authorization.digest(domain)).bytes, authorization: wire).json
            )
        }
    }

    /// A credential for a fresh challenge of `target`.
    func credential(_ target: String = "/paid/1", _ authorization: Authorization = Authorization()) async throws -> JSON {
        let challenge = try await self.ask(.get, target)
        let required = try #require(challenge.head.fields.firstText("payment-required"))
        let object = try PaymentHeader.decode(required)
        let accepted = try #require(object["accepts"]?.array?.first)
        return [
            "x402Version": 2, "resource": object["resource"] ?? .null, "accepted": accepted, "payload": authorization.payload,
        ]
    }

    /// A credential of version 1, as a header.
    static func credential1(_ authorization: Authorization = Authorization()) -> Fields {
        let json: JSON = ["x402Version": 1, "scheme": "exact", "network": "base-sepolia", "payload": authorization.payload]
        return ["X-PAYMENT": Base64.encode(json.utf8)]
    }

    // MARK: - Looking

    func records() async throws -> [PaymentRecord] { try await self.store.records(PaymentQuery(in: [], since: 0, limit: .max)) }

    /// Nothing charged, nothing served, nothing on disk.
    func isUntouched() async throws -> Bool {
        try await self.records().isEmpty && self.upstream.sent.isEmpty && self.chain.transactionCount == 0
    }
}

extension RecordedResponse {
    /// A serialized response, as prepared ones are.
    init(parsing bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        let end = try #require(text.firstRange(of: "\r\n\r\n"))
        let lines = text[..<end.lowerBound].split(separator: "\r\n")
        var fields = Fields()
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            let isField = fields.append(String(parts[0]), String(parts[1].drop { $0 == " " }))
            #expect(isField)
        }
        let status = try #require(Int(lines[0].split(separator: " ")[1]))
        self.init(head: ResponseHead(status: status, fields: fields), body: Array(text[end.upperBound...].utf8), isWhole: true)
    }

    var code: String? { self.json["code"]?.string }

    /// What `PAYMENT-RESPONSE` says.
    var receipt: JSON {
        (self["payment-response"] ?? self["x-payment-response"]).flatMap { try? PaymentHeader.decode($0) }.map(JSON.object)
            ?? .null
    }
}

extension JSON {
    /// The same with the member at `path` replaced, or removed (nil).
    func changing(_ path: String, to value: JSON?) -> JSON {
        let names = path.split(separator: ".", maxSplits: 1).map(String.init)
        var object = self.object ?? [:]
        object[names[0]] = names.count == 1 ? value : (object[names[0]] ?? .null).changing(names[1], to: value)
        return .object(object)
    }
}

/// Counts from zero.
final class Counter: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        self.count.withLock { count in
            defer { count += 1 }
            return count
        }
    }
}
