// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollEVM
import TollGateway
import TollHTTP
import TollPayments
import TollPrimitives
import TollTestKit

/// WebSockets, which are paid for when they are opened.
@Suite struct WebSocketTests {
    /// Switches protocols as it is told, and says one thing.
    private final class Switching: HTTPClient {
        private let status: Int
        let asked = Mutex<[String?]>([])

        init(_ status: Int) { self.status = status }

        func send(_ request: ClientRequest) async throws(HTTPError) -> ClientResponse {
            self.asked.withLock { $0.append(request.upgrade) }
            var response = ClientResponse(head: ResponseHead(status: self.status, fields: ["Sec-WebSocket-Accept": "x"]))
            guard self.status == 101 else { return response }
            response.head.fields.append("Upgrade", "websocket")
            response.body = BodyStream(Array("hello".utf8))
            response.tunnel = Silence()
            return response
        }
    }

    private struct Silence: TunnelSink {
        func write(_ bytes: [UInt8]) async throws(HTTPError) {}
        func end() {}
    }

    private static let opening: Fields = [
        "Connection": "keep-alive, Upgrade", "Upgrade": "WebSocket", "Sec-WebSocket-Key": "k", "Sec-WebSocket-Version": "13",
    ]

    private static func bench(_ client: Switching) async throws -> Bench {
        let routes = [try Bench.route("/paid/*"), try Bench.route("/first/*", .before), try Bench.route("/later/*", .deferred)]
        let bench = try Bench(routes: routes + [try Bench.route("/free/**", nil)], client: client)
        let first = SamplePayment.claim(1_000_001, payer: Bench.payer.address.description)
        _ = try await bench.store.claim(first, at: Bench.now - 100)
        try await bench.store.append([.settled(SamplePayment.settlement(1)), .served], to: first.id, at: Bench.now - 100)
        return bench
    }

    @Test func `on a free route it is opened`() async throws {
        let client = Switching(101)
        let answer = try await Self.bench(client).ask(.get, "/free/socket", Self.opening)
        #expect(answer.status == 101 && answer["upgrade"] == "websocket" && answer["sec-websocket-accept"] == "x")
        #expect(answer.text == "hello" && answer.isWhole)
        #expect(client.asked.withLock { $0 } == ["websocket"])
    }

    @Test func `nothing else is switched to, and not by other methods`() async throws {
        let client = Switching(200)
        let bench = try await Self.bench(client)
        _ = try await bench.ask(.get, "/free/x", ["Connection": "Upgrade", "Upgrade": "h2c"])
        _ = try await bench.ask(.get, "/free/x", ["Upgrade": "websocket"])
        _ = try await bench.ask(.post, "/free/x", Self.opening)
        #expect(client.asked.withLock { $0 } == [nil, nil, nil])
    }

    @Test func `without a payment there is a 402 and no connection`() async throws {
        let client = Switching(101)
        #expect(try await Self.bench(client).ask(.get, "/paid/1", Self.opening).status == 402)
        #expect(client.asked.withLock { $0.isEmpty })
    }

    @Test(arguments: [("/paid/1", PaymentRecord.Phase.settled), ("/first/1", .settled), ("/later/1", .queued)])
    func `what is paid for is the opening, and the receipt comes with it`(
        target: String,
        phase: PaymentRecord.Phase
    ) async throws {
        let bench = try await Self.bench(Switching(101))
        let answer = try await bench.pay(.get, target, try await bench.credential(target), Self.opening)
        #expect(answer.status == 101 && answer.text == "hello" && answer.receipt["success"] == true)
        let record = try #require(try await bench.records().last)
        #expect(record.phase == phase && record.isServed && !record.hasAnswer)
    }

    @Test(arguments: [
        ("/paid/1", 403, PaymentRecord.Phase.released, false), ("/later/1", 403, .released, false),
        ("/first/1", 403, .settled, false),
        ("/first/1", 503, .settled, true),
    ])
    func `an opening that is refused is charged as any refusal`(
        target: String,
        status: Int,
        phase: PaymentRecord.Phase,
        isOwed: Bool
    ) async throws {
        let bench = try await Self.bench(Switching(status))
        let answer = try await bench.pay(.get, target, try await bench.credential(target), Self.opening)
        #expect(answer.status == (isOwed ? 502 : status))
        let record = try #require(try await bench.records().last)
        #expect(record.phase == phase && record.isOwed == isOwed)
    }
}
