// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollCrypto
import TollGateway
import TollHTTP
import TollHTTPEngine
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol
import TollRuntime
import TollTestKit

@testable import tollgate

/// `tollgate check --pay`, against gateways in test mode and against what is no good gateway.
@Suite struct PayCheckTests {
    static let text = Fixture.text(
        route: """
            {match: "GET /weather/{city}", upstream: weather, price: $0.001, input: {path: {city: {type: string,
              example: são}}, query: {n: {type: integer, example: 3}}}}
              - {match: POST /search, upstream: weather, price: $0.01, settle: before, payment_identifier: required,
                 accept: [x402]}
              - {match: GET /old, upstream: weather, price: $0.01, accept: [x402-v1]}
              - {match: GET /free, upstream: weather, free: true}
            """)

    static func configuration() throws -> Configuration { try #require(Fixture.read(self.text).configuration) }

    /// - Parameter client: Asks the gateway.
    static func rows(_ configuration: Configuration, _ client: any HTTPClient) async throws -> [PayCheck.Row] {
        let key = try #require(PrivateKey(bytes: [UInt8](repeating: 7, count: 32)))
        var environment = ManualTime(start: .seconds(1_800_000_000)).environment
        let count = Mutex(UInt8(0))
        environment.randomBytes = { length in
            let number = count.withLock { count in
                count += 1
                return count
            }
            return [UInt8](repeating: number, count: length)
        }
        return await PayCheck(configuration: configuration, client: client, payer: ExactEVMPayer(key), environment: environment)
            .rows()
    }

    @Test func `a gateway that keeps its promises passes, whatever a route asks for`() async throws {
        let configuration = try Self.configuration()
        let environment = ManualTime(start: .seconds(1_800_000_000)).environment
        let log = Logger(level: .debug, clock: { .zero }) { _ in }
        let assembly = try Assembly(
            configuration, mode: .test, group: try EventLoopGroup(count: 1), environment: environment, log: log)
        let upstream = ScriptedHTTPClient { sent in .text(sent.url) }
        let gateway = Gateway(
            try assembly.gatewayConfiguration(), dialects: Assembly.x402, methods: try await assembly.rails().methods,
            store: assembly.store, client: upstream, environment: environment, log: log)
        let rows = try await Self.rows(configuration, InProcessClient(gateway))
        #expect(rows.map(\.calls) == ["3/3", "3/3", "-"])
        #expect(rows.map(\.retry) == ["same answer", "same answer", "-"])
        #expect(rows.map(\.replay) == ["refused", "refused", "-"])
        #expect(rows.map(\.problem.isEmpty) == [true, true, false])
        #expect(Set(upstream.sent.map(\.url)).contains("http://127.0.0.1:9000/weather/s%C3%A3o?n=3"))
        #expect(upstream.sent.count == 6)
    }

    /// A gateway that answers paid requests as `answer` says, given how many there were.
    static func scripted(_ answer: @escaping @Sendable (_ number: Int) -> (status: Int, transaction: String?))
        -> ScriptedHTTPClient
    {
        let count = Mutex(0)
        return ScriptedHTTPClient { sent throws(HTTPError) in
            guard sent.fields.contains("payment-signature") else {
                let option = PaymentOption(
                    asset: SamplePayment.asset, amount: 1_000, payTo: Fixture.receiver, maxTimeoutSeconds: 300)
                let offer = Offer(
                    resource: sent.url, description: "", mimeType: nil, options: [option], policy: .after)
                let field = X402V2Dialect().challenge(for: offer, error: nil).fields[0]
                var fields = Fields()
                fields.append(field.name.utf8, field.value)
                return ClientResponse(head: ResponseHead(status: 402, fields: fields))
            }
            let number = count.withLock { count in
                count += 1
                return count
            }
            let (status, transaction) = answer(number)
            var fields = Fields()
            if let transaction {
                fields.append("PAYMENT-RESPONSE", PaymentHeader.encode(["success": true, "transaction": .string(transaction)]))
            }
            return ClientResponse(head: ResponseHead(status: status, fields: fields), body: BodyStream(Array("x".utf8)))
        }
    }

    /// A way to break a promise.
    enum Fault: String, CaseIterable {
        case chargesTwice = "the same payment was charged twice"
        case losesAnswers = "the same payment again is answered 404"
        case servesThieves = "a replay without its secret is answered 200"
        case givesNoReceipt = "paid it has no receipt of a success"
        case fails = "paid it is answered 502"

        /// The answer to paid request `number`, from 1; four and five are the retry and the replay.
        func answer(_ number: Int) -> (status: Int, transaction: String?) {
            switch self {
            case .chargesTwice: (200, "0x\(number)")
            case .losesAnswers: number <= 3 ? (200, "0x1") : (404, nil)
            case .servesThieves: (200, "0x1")
            case .givesNoReceipt: (200, nil)
            case .fails: (502, "0x1")
            }
        }
    }

    @Test(arguments: [(409, "refused", ""), (200, "-", "the same payment let pass twice")])
    func `beside another proxy a payment lets pass once`(status: Int, retry: String, problem: String) async throws {
        let text = Fixture.text(
            top: "auth: {listen: 127.0.0.1:4023, mode: nginx}\npublic_url: https://api.example.com", upstreams: "",
            route: "{match: GET /x, price: $0.001}")
        let configuration = try #require(Fixture.read(text).configuration)
        let rows = try await Self.rows(configuration, Self.scripted { $0 <= 3 ? (200, "0x1") : (status, nil) })
        #expect(rows.map(\.retry) == [retry] && rows.map(\.problem) == [problem], "\(rows)")
    }

    @Test(arguments: Fault.allCases) func `a gateway that breaks a promise is found out`(fault: Fault) async throws {
        let configuration = try #require(Fixture.read(Fixture.text()).configuration)
        let rows = try await Self.rows(configuration, Self.scripted { fault.answer($0) })
        #expect(rows.count == 1 && rows[0].problem.contains(fault.rawValue), "\(rows)")
    }

    @Test func `what is free though it has a price, and a gateway that is not there, are found out`() async throws {
        let configuration = try #require(Fixture.read(Fixture.text()).configuration)
        let free = try await Self.rows(configuration, ScriptedHTTPClient { _ in .text("{}") })
        #expect(free[0].problem == "unpaid it is answered 200, not 402" && free[0].calls == "0/3")
        let gone = try await Self.rows(
            configuration, ScriptedHTTPClient { _ throws(HTTPError) in throw HTTPError(.connectFailed, "refused") })
        #expect(gone[0].problem.hasPrefix("the gateway does not answer"))
    }

    @Test func `networks whose money is worth something are known before anything is paid`() throws {
        let main = Fixture.text(network: "eip155:8453: {rpc: \"http://127.0.0.1:8545\"}")
        let live = try #require(Fixture.read(main).configuration)
        let test = try Self.configuration()
        let key = try #require(PrivateKey(bytes: [UInt8](repeating: 7, count: 32)))
        let client = ScriptedHTTPClient { _ in .text("{}") }
        func mainnets(_ configuration: Configuration) -> [ChainID] {
            PayCheck(configuration: configuration, client: client, payer: ExactEVMPayer(key), environment: .failing).mainnets.map(
                \.id)
        }
        #expect(mainnets(live) == [Fixture.base] && mainnets(test).isEmpty)
    }
}
