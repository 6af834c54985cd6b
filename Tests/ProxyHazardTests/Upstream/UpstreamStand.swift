// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollGateway
import TollHTTP
import TollHTTPEngine
import TollPayments
import TollPrimitives
import TollProtocol
import TollRuntime
import TollTestKit

/// A gateway with the real engine in front of a server that does what no server should, asked in every way there is to pay.
struct UpstreamStand {
    /// When the money moves.
    enum Way: String, CaseIterable {
        case free, after, before, deferred
    }

    /// What the client and the ledger have in the end.
    struct Outcome {
        var status: Int
        var code: String?
        var body: [UInt8]
        var isWhole: Bool
        var fields: Fields
        /// Nil when nothing was claimed.
        var record: PaymentRecord?
    }

    let server: RawServer
    private let gateway: Gateway
    private let store = MemoryPaymentStore()

    init(_ scripts: [RawServer.Script]) async throws {
        self.server = try RawServer(scripts)
        let origin = Origin(scheme: .http, host: "127.0.0.1", port: self.server.port)
        let option = SamplePayment.claim(1).option
        let routes = try Way.allCases.map { way in
            let rule: SettleRule? =
                switch way {
                case .free: nil
                case .after: SettleRule(.after)
                case .before: SettleRule(.before)
                case .deferred: SettleRule(.deferred)
                }
            return Route(
                pattern: try RoutePattern("/\(way.rawValue)"), upstream: Upstream(name: "api", origin: origin),
                terms: rule.map { Terms(options: [option], settle: $0, dialects: ["sample"]) })
        }
        let configuration = GatewayConfiguration(publicURL: Origin(scheme: .https, host: "api.example"), routes: routes)
        self.gateway = Gateway(
            configuration, dialects: [SampleDialect()], methods: [SampleMethod(store: self.store)], store: self.store,
            client: EngineHTTPClient(group: try EventLoopGroup(count: 1)), environment: .live, log: .silent)
        // Whoever has paid once is served on trust.
        let first = SamplePayment.claim(1)
        _ = try await self.store.claim(first, at: 1)
        try await self.store.append([.settled(SamplePayment.settlement(1)), .served], to: first.id, at: 1)
    }

    /// Asks once, paying where something is asked.
    func ask(_ way: Way, _ method: TollHTTP.Method = .get, body: BodyStream? = nil) async throws -> Outcome {
        var fields: Fields = ["Host": "api.example"]
        if way != .free { fields.append("X-Sample-Payment", "2") }
        let length = body?.whole.map { BodyFraming.length(UInt64($0.count)) } ?? BodyFraming.none
        let head = RequestHead(method: method, target: "/\(way.rawValue)", fields: fields, framing: length)
        let channel = RecordingResponseChannel()
        let request = Request(head: head, peer: PeerAddress(ip: "192.0.2.7", port: 1), body: body ?? .empty)
        await self.gateway.handle(request, Responder(channel))
        let answer = try #require(channel.response, "no answer")
        let records = try await self.store.records(PaymentQuery(in: [], since: 2, limit: .max))
        let problem = try? JSON(parsing: answer.body)
        return Outcome(
            status: answer.head.status, code: problem?["code"]?.string, body: answer.body, isWhole: answer.isWhole,
            fields: answer.head.fields, record: records.first)
    }

    // MARK: - What is expected of a hazard

    /// When it is noticed that there is no whole answer.
    enum Noticed {
        /// Before any of it has gone out: a bad gateway.
        case before
        /// After its head has gone out, where that does not wait for the rest: the client sees that it is not whole.
        case within
        /// One or the other, as the bytes happen to arrive.
        case whenever
    }

    /// There is no answer, or half of one: nobody is charged for that, and who had paid is owed.
    static func expectNoAnswer(
        _ script: RawServer.Script,
        noticed: Noticed = .before,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        for way in Way.allCases {
            let outcome = try await UpstreamStand([script]).ask(way)
            let isRefused = outcome.status == 502 && outcome.isWhole
            let isCut = outcome.status == 200 && !outcome.isWhole
            switch noticed {
            case .before: #expect(isRefused, "\(way): \(outcome.status)", sourceLocation: sourceLocation)
            // What waits for its payment has not gone out.
            case .within: #expect(way == .after ? isRefused : isCut, "\(way): \(outcome.status)", sourceLocation: sourceLocation)
            case .whenever: #expect(isRefused || isCut, "\(way): \(outcome.status)", sourceLocation: sourceLocation)
            }
            self.expectMoneyIsRight(way, outcome, sourceLocation)
        }
    }

    private static func expectMoneyIsRight(_ way: Way, _ outcome: Outcome, _ sourceLocation: SourceLocation) {
        let record = outcome.record
        switch way {
        case .free: #expect(record == nil, sourceLocation: sourceLocation)
        case .after, .deferred: #expect(record?.phase == .released, "\(way)", sourceLocation: sourceLocation)
        case .before:
            // A debt at once, or, when half of it went out, once it is not asked for again in time.
            #expect(record?.phase == .settled && record?.isServed == false, sourceLocation: sourceLocation)
            #expect(record?.isOwed == (outcome.status == 502), sourceLocation: sourceLocation)
        }
    }

    /// It does no harm: the client has this and nothing else, and so has whoever asks next.
    static func expectAnswer(
        _ status: Int,
        _ body: String,
        from script: RawServer.Script,
        _ method: TollHTTP.Method = .get,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        for way in Way.allCases {
            let stand = try await UpstreamStand([script, RawServer.Script(answers: [self.next])])
            let outcome = try await stand.ask(way, method)
            #expect(outcome.status == status && outcome.isWhole, "\(way): \(outcome.status)", sourceLocation: sourceLocation)
            #expect(String(decoding: outcome.body, as: UTF8.self) == body, "\(way)", sourceLocation: sourceLocation)
            let after = try await stand.ask(.free)
            #expect(String(decoding: after.body, as: UTF8.self) == "next", "\(way)", sourceLocation: sourceLocation)
        }
    }

    static let next = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext"
}

/// Says what a payment is in one field.
private struct SampleDialect: Dialect {
    let id: DialectID = "sample"
    let credentialFields: [FieldName] = ["x-sample-payment"]
    let responseFields: [FieldName] = ["x-sample-receipt"]

    func challenge(for offer: Offer, error: String?) -> Challenge { Challenge() }

    func read(_ head: RequestHead, offers: [Offer]) -> CredentialReading {
        guard let number = head.fields.firstText("x-sample-payment") else { return .none }
        return .credential(
            Credential(dialect: self.id, option: offers[0].options[0], payload: ["nonce": .string(number)], challengeHash: nil))
    }

    func receipt(_ receipt: Receipt) -> [(name: String, value: String)] { [("X-Sample-Receipt", "\(receipt.isSuccess)")] }
}

/// Every payment is good, and settles at once.
private struct SampleMethod: PaymentMethod {
    let store: MemoryPaymentStore

    func takes(_ option: PaymentOption) -> Bool { true }

    func verify(_ credential: Credential, at time: Int64, freshness: Freshness) async -> Verification {
        let nonce = credential.payload["nonce"]?.string ?? ""
        let key = PaymentKey(
            network: credential.option.network, asset: credential.option.asset.address, payer: SamplePayment.payer, nonce: nonce)
        return .valid(
            VerifiedPayment(
                key: key, payer: SamplePayment.payer, unusedAtBlock: 0, validBefore: time + 300, spendable: 1_000_000_000))
    }

    func settle(_ payment: PaymentRecord, keeping events: [PaymentEvent], patience: Duration) async -> SettlementOutcome {
        let settlement = SamplePayment.settlement(2)
        do throws(StoreError) {
            try await self.store.append(events + [.settled(settlement)], to: payment.id, at: Int64(Environment.live.now()))
            return .settled(settlement)
        } catch {
            return .unavailable(reason: error.reason)
        }
    }
}
