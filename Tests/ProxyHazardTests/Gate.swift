// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollGateway
import TollHTTP
import TollHTTPEngine
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime
import TollTestKit

/// The real server, a gateway and the real client, between a client that sends what it likes and an upstream that writes down
/// what it gets: what the gate decides on must be what the upstream reads.
struct Gate {
    let upstream: RecordingUpstream
    let server: HTTPServer

    static let host = "Host: api.example\r\n"
    /// What an attacker wants the upstream to see without paying.
    static let smuggled = "GET /paid/smuggled HTTP/1.1\r\n\(host)\r\n"
    /// A well-behaved last request.
    static let last = "GET /free/last HTTP/1.1\r\n\(host)Connection: close\r\n\r\n"

    /// Routes: `/paid/**` costs money, `GET /dear` too; `/free/**` and `/` are free.
    init(limits: ServerLimits = .patient) async throws {
        self.upstream = try RecordingUpstream()
        let group = try EventLoopGroup(count: 1)
        let behind = Upstream(name: "api", origin: Origin(scheme: .http, host: "127.0.0.1", port: self.upstream.port))
        let chain = ChainID(eip155: 84_532)
        let asset = Asset(
            network: chain, address: "0x036CbD53842c5426634e7929541eC2318f3dCF7e", symbol: "USDC", decimals: 6,
            domainName: "USDC",
            domainVersion: "2")
        let option = PaymentOption(
            asset: asset, amount: 1_000, payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C", maxTimeoutSeconds: 300)
        let terms = Terms(options: [option], settle: SettleRule(.after), description: "A sample", dialects: ["x402"])
        let prices: [(pattern: String, terms: Terms?)] = [
            ("/paid/**", terms), ("GET /dear", terms), ("/free/**", nil), ("/", nil),
        ]
        let routes = try prices.map { pattern, terms in
            Route(pattern: try RoutePattern(pattern), upstream: behind, terms: terms)
        }
        let client = LoopHTTPClient(group: group)
        let gateway = Gateway(
            GatewayConfiguration(publicURL: Origin(scheme: .https, host: "api.example"), routes: routes),
            dialects: [X402V2Dialect()], methods: [], store: MemoryPaymentStore(), client: client,
            environment: .live, log: .silent)
        self.server = try await HTTPServer(
            group: group, host: "127.0.0.1", port: 0, handler: gateway, passingBy: client, limits: limits)
    }

    /// Sends bytes on a new connection, ends our side where asked, and returns every answer until the gate closes.
    func answers(to text: String, endsOurSide: Bool = false) throws -> Answers {
        try self.answers(to: Array(text.utf8), endsOurSide: endsOurSide)
    }

    func answers(to bytes: [UInt8], endsOurSide: Bool = false) throws -> Answers {
        let client = try RawClient(port: self.server.port)
        client.send(bytes)
        if endsOurSide { client.shutdownWrite() }
        return Answers(client.receiveAll())
    }

    /// The targets that the upstream has seen, when all connections have ended.
    func targets() async -> [String] {
        await self.server.drain(within: .seconds(30))
        return self.upstream.seen.map(\.target)
    }

    /// Sends a request that must be refused, something to smuggle behind it, and a last request: one answer, of this status, and
    /// an upstream that never hears of it.
    func expectRefusal(_ status: Int, of text: String, _ note: String = "", at location: SourceLocation = #_sourceLocation)
        async throws
    {
        let answers = try self.answers(to: text + Self.smuggled + Self.last)
        #expect(answers.statuses == [status], "\(note) \(answers.text)", sourceLocation: location)
        #expect(answers.text.contains("\r\nConnection: close\r\n"), sourceLocation: location)
        #expect(self.upstream.seen.isEmpty, "\(note) \(self.upstream.seen)", sourceLocation: location)
    }
}

/// What came back on one connection.
struct Answers {
    let text: String

    init(_ text: String) { self.text = text }

    /// In order.
    var statuses: [Int] {
        self.text.split(separator: "HTTP/1.1 ").compactMap { Int($0.prefix(3)) }
    }
}
