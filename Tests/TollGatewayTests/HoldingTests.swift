// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollEVM
import TollGateway
import TollHTTP
import TollPayments
import TollTestKit

/// Answers that wait for their payment, and those that do not wait.
@Suite struct HoldingTests {
    /// So many mebibytes, each of its own number, in pieces of 64 KiB.
    private static func body(mebibytes: Int) -> BodyStream {
        let count = Counter()
        return BodyStream { () async throws(HTTPError) -> [UInt8]? in
            let piece = count.next()
            return piece < mebibytes * 16 ? [UInt8](repeating: UInt8(piece / 16), count: 64 << 10) : nil
        }
    }

    private static func bench(mebibytes: Int, onDisk: Int = 8 << 20, directory: String? = nil) throws -> Bench {
        var limits = HoldingLimits()
        limits.diskByteCount = onDisk
        limits.directory = directory
        return try Bench(holding: limits) { _ in
            ClientResponse(head: ResponseHead(status: 200), body: Self.body(mebibytes: mebibytes))
        }
    }

    @Test func `after: what is too large for memory waits on disk, comes whole, and leaves its room`() async throws {
        let bench = try Self.bench(mebibytes: 5)
        for number in 1...3 {
            let answer = try await bench.pay(try await bench.credential("/paid/1", .init(nonce: number)))
            #expect(answer.status == 200 && answer.isWhole && answer.body.count == 5 << 20)
            #expect(
                (0..<5).allSatisfy {
                    answer.body[($0 << 20)..<(($0 + 1) << 20)].allSatisfy { [index = $0] in $0 == UInt8(index) }
                })
        }
        #expect(bench.chain.transferCount == 3)
        // Too large to be kept: a GET is called again for whoever asks again.
        #expect(try await bench.records().allSatisfy { $0.isServed && !$0.hasAnswer })
    }

    @Test func `after: what is too large for the disk is not charged, and leaves its room`() async throws {
        let bench = try Self.bench(mebibytes: 9)
        for number in 1...2 {
            let answer = try await bench.pay(try await bench.credential("/paid/1", .init(nonce: number)))
            #expect(answer.status == 502 && answer.code == "answer_too_large")
        }
        #expect(bench.chain.transactionCount == 0)
    }

    @Test func `after: a disk that fails is nobody's money`() async throws {
        let bench = try Self.bench(mebibytes: 2, directory: "/nowhere/at/all")
        let answer = try await bench.pay(try await bench.credential())
        #expect(answer.status == 502 && answer.code == "upstream_failed")
        #expect(try await bench.records().first?.phase == .released)
    }

    // MARK: - Streams

    /// An upstream that sends its second event when the first has been seen, and then ends as told.
    private static func streaming(_ ending: HTTPError?) throws -> (bench: Bench, channel: RecordingResponseChannel) {
        let channel = RecordingResponseChannel()
        let count = Counter()
        let routes = [try Bench.route("/paid/*"), try Bench.route("/first/*", .before), try Bench.route("/later/*", .deferred)]
        let bench = try Bench(routes: routes + [try Bench.route("/free/**", nil)]) { _ in
            let body = BodyStream { () async throws(HTTPError) -> [UInt8]? in
                switch count.next() {
                case 0: return Array("data: 1\n\n".utf8)
                case 1:
                    guard channel.response?.text == "data: 1\n\n" else { throw HTTPError(.malformed, "the first is not out") }
                    return Array("data: 2\n\n".utf8)
                default:
                    if let ending { throw ending }
                    return nil
                }
            }
            return ClientResponse(head: ResponseHead(status: 200, fields: ["Content-Type": "text/event-stream"]), body: body)
        }
        return (bench, channel)
    }

    private static func trust(_ bench: Bench) async throws {
        let first = SamplePayment.claim(1_000_001, payer: Bench.payer.address.description)
        _ = try await bench.store.claim(first, at: Bench.now - 100)
        try await bench.store.append([.settled(SamplePayment.settlement(1)), .served], to: first.id, at: Bench.now - 100)
    }

    @Test(arguments: ["/free/1", "/first/1", "/later/1"])
    func `the first event is out before the second is made`(target: String) async throws {
        let (bench, channel) = try Self.streaming(nil)
        try await Self.trust(bench)
        let answer =
            target == "/free/1"
            ? try await bench.ask(.get, target, channel: channel)
            : try await bench.pay(.get, target, try await bench.credential(target), channel: channel)
        #expect(answer.isWhole && answer.text == "data: 1\n\ndata: 2\n\n")
    }

    @Test func `deferred: an answer that breaks off is not charged`() async throws {
        let (bench, channel) = try Self.streaming(HTTPError(.disconnected, "gone"))
        try await Self.trust(bench)
        let answer = try await bench.pay(.get, "/later/1", try await bench.credential("/later/1"), channel: channel)
        #expect(!answer.isWhole && answer.text == "data: 1\n\ndata: 2\n\n")
        let record = try #require(try await bench.records().last)
        #expect(record.claim.policy == .deferred && record.phase == .released)
    }

    @Test func `after: events are held, and the log says what to do about it`() async throws {
        let bench = try Bench { _ in .text("data: 1\n\n", type: "text/event-stream; charset=utf-8") }
        #expect(try await bench.pay(try await bench.credential()).status == 200)
        #expect(bench.log.holds("events are held", "/paid/*"))
    }

    // MARK: - Clients that go away

    /// Keeps the signal that comes with each request.
    private final class Listening: HTTPClient {
        let callers = Mutex<[ClientSignal?]>([])

        func send(_ request: ClientRequest) async throws(HTTPError) -> ClientResponse {
            self.callers.withLock { $0.append(request.caller) }
            return .text("ok")
        }
    }

    @Test func `a client that goes away takes a free call with it, never a paid one`() async throws {
        let client = Listening()
        let bench = try Bench(client: client)
        let gone = ClientSignal()
        gone.markGone()
        var head = RequestHead(method: .get, target: "/free/x", fields: ["Host": "api.example"])
        let request = Request(head: head, peer: Bench.peer, client: gone)
        await bench.gateway.handle(request, Responder(RecordingResponseChannel()))
        #expect(client.callers.withLock { $0.first??.isGone } == true)
        let credential = try await bench.credential()
        head = RequestHead(method: .get, target: "/paid/1", fields: ["Host": "api.example"])
        head.fields.append("PAYMENT-SIGNATURE", Bench.header(credential))
        await bench.gateway.handle(Request(head: head, peer: Bench.peer, client: gone), Responder(RecordingResponseChannel()))
        #expect(client.callers.withLock { $0.last??.isGone } == false)
        #expect(try await bench.records().first?.phase == .settled)
    }

    // MARK: - Free uploads that fail

    @Test(arguments: [
        (HTTPError.Code.tooLarge, 413, "body_too_large"), (.malformed, 400, "malformed_body"), (.timedOut, 408, "body_too_slow"),
    ])
    func `free: a body that fails is the client's fault`(code: HTTPError.Code, status: Int, problem: String) async throws {
        let bench = try Bench()
        let body = BodyStream { () async throws(HTTPError) -> [UInt8]? in throw HTTPError(code, "the client") }
        let answer = try await bench.ask(.post, "/free/x", body: body, framing: .chunked)
        #expect(answer.status == status && answer.code == problem)
        #expect(!bench.log.holds("upstream failed"))
    }
}
