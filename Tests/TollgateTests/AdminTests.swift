// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollGateway
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime
import TollTestKit

@testable import tollgate

@Suite struct AdminTests {
    /// A gateway with a priced and a free route, and its admin listener.
    private struct Bench {
        let store = StoreThatMayFail()
        let time = ManualTime(start: .seconds(1_800_000_000))
        let gateway: Gateway
        let watch: ProcessWatch
        let admin: AdminHandler

        init(token: String? = nil, hasStarted: Bool = true) throws {
            let environment = self.time.environment
            let metrics = MetricsRegistry()
            let upstream = Upstream(name: "api", origin: Origin(scheme: .http, host: "upstream.internal"))
            let asset = Asset(
                network: ChainID(eip155: 84_532), address: "0x036CbD53842c5426634e7929541eC2318f3dCF7e", symbol: "USDC",
                decimals: 6, domainName: "USDC", domainVersion: "2")
            let option = PaymentOption(
                asset: asset, amount: 1_000, payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C", maxTimeoutSeconds: 300)
            let configuration = GatewayConfiguration(
                publicURL: Origin(scheme: .https, host: "api.example"),
                routes: [
                    Route(
                        pattern: try RoutePattern("GET /paid/*"), upstream: upstream,
                        terms: Terms(options: [option], dialects: ["x402"])),
                    Route(pattern: try RoutePattern("/free"), upstream: upstream, terms: nil),
                ])
            self.gateway = Gateway(
                configuration, dialects: [X402V2Dialect()], methods: [], store: self.store,
                client: ScriptedHTTPClient { _ in .text("{}") }, environment: environment, log: .silent,
                metrics: GatewayMetrics(metrics))
            self.watch = ProcessWatch(
                store: self.store, networks: [], exposureLimit: 50_000_000, metrics: metrics, logWriter: nil,
                environment: environment)
            if hasStarted { self.watch.state.begin() }
            self.admin = AdminHandler(
                networks: [], token: token.map { Secret($0) }, gateway: self.gateway, self.watch, log: .silent)
        }

        func ask(
            _ method: TollHTTP.Method, _ target: String, _ fields: Fields = ["Host": "127.0.0.1:4021"], body: String = ""
        ) async throws -> RecordedResponse {
            let channel = RecordingResponseChannel()
            let head = RequestHead(method: method, target: target, fields: fields)
            let request = Request(
                head: head, peer: PeerAddress(ip: "127.0.0.1", port: 5_000),
                body: body.isEmpty ? .empty : BodyStream(Array(body.utf8)))
            await self.admin.handle(request, Responder(channel))
            return try #require(channel.response)
        }

        func price() async -> Int? {
            let channel = RecordingResponseChannel()
            let head = RequestHead(method: .get, target: "/paid/1", fields: ["Host": "api.example"])
            await self.gateway.handle(Request(head: head, peer: PeerAddress(ip: "192.0.2.7", port: 1)), Responder(channel))
            return channel.response?.status
        }
    }

    /// A ledger in memory that does not answer when it is told not to, and counts how often it was asked.
    private final class StoreThatMayFail: WrappingPaymentStore {
        let wrapped: any PaymentStore = MemoryPaymentStore()
        let asked = Counter()
        let failures = Counter()

        func records(_ query: PaymentQuery) async throws(StoreError) -> [PaymentRecord] {
            self.asked.increment()
            guard self.failures.value == 0 else { throw .unavailable("gone") }
            return try await self.wrapped.records(query)
        }
    }

    @Test func `a route is paused and resumed by its pattern, and all by none`() async throws {
        let bench = try Bench()
        let paused = try await bench.ask(.post, "/api/v1/pause", body: #"{"route":"GET /paid/*"}"#)
        #expect(paused.status == 200 && paused.json["paused"] == false)
        #expect(paused.json["routes"]?.array?.map { $0["paused"] } == [true, false])
        #expect(await bench.price() == 503)
        #expect(try await bench.ask(.post, "/api/v1/resume", body: #"{"route":"GET /paid/*"}"#).status == 200)
        #expect(await bench.price() == 402)
        #expect(try await bench.ask(.post, "/api/v1/pause").json["paused"] == true)
        #expect(await bench.price() == 503)
        let ready = try await bench.ask(.get, "/ready")
        #expect(ready.status == 503 && ready.json["problems"] == ["everything that has a price is paused"])
        #expect(try await bench.ask(.post, "/api/v1/resume", body: "{}").json["paused"] == false)
        #expect(try await bench.ask(.get, "/ready").status == 200)
    }

    @Test func `a route that is not there, and a body that is none, pause nothing`() async throws {
        let bench = try Bench()
        let missing = try await bench.ask(.post, "/api/v1/pause", body: #"{"route":"/paid/*"}"#)
        #expect(missing.status == 404 && missing.json["routes"] == ["GET /paid/*", "/free"])
        for body in ["[]", "route", #"{"route":5}"#] {
            #expect(try await [400, 404].contains(bench.ask(.post, "/api/v1/pause", body: body).status))
        }
        #expect(await bench.price() == 402)
    }

    @Test func `the status names routes, prices and what is under way`() async throws {
        let bench = try Bench()
        let status = try await bench.ask(.get, "/api/v1/status")
        #expect(status.json["ready"] == true && status.json["version"]?.string == Main.version)
        #expect(status.json["underWay"]?["queued"] == 0 && status.json["exposure"]?["limit"] == 50_000_000)
        let routes = try #require(try await bench.ask(.get, "/api/v1/routes").json["routes"]?.array)
        #expect(
            routes.first == [
                "match": "GET /paid/*", "upstream": "api", "prices": ["0.001 USDC on eip155:84532"], "paused": false,
                "settle": "after", "enforce": true,
            ])
    }

    @Test func `while it starts it is not ready, though it answers`() async throws {
        let bench = try Bench(hasStarted: false)
        let answer = try await bench.ask(.get, "/ready")
        #expect(answer.status == 503 && answer.json["problems"] == ["the process is starting"])
        #expect(try await bench.ask(.get, "/health").status == 200)
        bench.watch.state.begin()
        #expect(try await bench.ask(.get, "/ready").status == 200)
    }

    @Test func `readiness is true, and a flood of probes does not reach what it asks`() async throws {
        let bench = try Bench()
        for _ in 0..<100 { #expect(try await bench.ask(.get, "/ready").status == 200) }
        #expect(bench.store.asked.value == 1)
        bench.store.failures.increment()
        bench.time.advance(by: .seconds(2))
        let answer = try await bench.ask(.get, "/ready")
        #expect(answer.status == 503 && answer.json["problems"] == ["the ledger does not answer"])
        #expect(try await bench.ask(.get, "/health").status == 200)
    }

    @Test func `metrics come as Prometheus asks for them`() async throws {
        let bench = try Bench()
        _ = await bench.price()
        let answer = try await bench.ask(.get, "/metrics")
        #expect(answer.status == 200 && answer["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        for line in [
            "tollgate_ready 1", #"tollgate_challenges_total{route="GET /paid/*"} 1"#, "tollgate_exposure_limit_dollars 50",
            #"tollgate_build_info{version="\#(Main.version)"} 1"#, #"tollgate_payments_under_way{phase="unknown"} 0"#,
        ] {
            #expect(answer.text.split(separator: "\n").contains(Substring(line)), "\(line)")
        }
    }

    @Test func `without a token only this machine's own names are answered to, and no page of another origin`() async throws {
        let bench = try Bench()
        for host in ["localhost:4021", "[::1]:4021", "127.0.0.1"] {
            #expect(try await bench.ask(.get, "/health", ["Host": host]).status == 200)
        }
        #expect(try await bench.ask(.get, "/health", [:]).status == 200)
        #expect(try await bench.ask(.get, "/health", ["Host": "rebound.example:4021"]).status == 403)
        let crossed: Fields = ["Host": "127.0.0.1:4021", "Origin": "https://evil.example"]
        #expect(try await bench.ask(.post, "/api/v1/pause", crossed).status == 403)
        #expect(await bench.price() == 402)
        let own: Fields = ["Host": "127.0.0.1:4021", "Origin": "http://127.0.0.1:4021"]
        #expect(try await bench.ask(.post, "/api/v1/pause", own).status == 200)
    }

    @Test func `with a token nothing is answered without it`() async throws {
        let bench = try Bench(token: "a-long-token")
        for target in ["/health", "/ready", "/metrics", "/api/v1/status"] {
            #expect(try await bench.ask(.get, target).status == 401)
        }
        let right: Fields = ["Host": "gate.internal", "Authorization": "Bearer a-long-token"]
        #expect(try await bench.ask(.get, "/metrics", right).status == 200)
    }
}
