// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollGateway
import TollHTTP
import TollPayments
import TollPrimitives
import TollRuntime
import TollTestKit

/// Many requests, several processes, and chains that stand still.
@Suite struct CrowdTests {
    /// Opens once, for all who wait.
    private final class Gate: Sendable {
        private let isOpen = Mutex(false)

        func open() { self.isOpen.withLock { $0 = true } }

        func pass() async { while !self.isOpen.withLock({ $0 }) { await Task.yield() } }
    }

    // MARK: - A chain that stands still

    @Test func `as many as may wait for a chain that stands still, and everyone else is refused unclaimed`() async throws {
        let bench = try Bench(settlingCountMax: 2)
        var credentials: [JSON] = []
        for nonce in 1...4 { credentials.append(try await bench.credential("/paid/1", .init(nonce: nonce))) }
        bench.chain.isMining = false
        #expect(try await bench.pay(credentials[0]).code == "settlement_pending")
        #expect(try await bench.pay(credentials[1]).code == "settlement_pending")
        let (claimed, called) = (try await bench.records().count, bench.upstream.sent.count)
        bench.time.advance(by: .seconds(1))
        for credential in credentials[2...] {
            let refused = try await bench.pay(credential)
            #expect(refused.status == 503 && refused.code == "unavailable")
            #expect(refused["retry-after"] != nil)
        }
        #expect(bench.log.holds("too many requests wait"))
        #expect(try await bench.records().count == claimed && bench.upstream.sent.count == called)

        bench.chain.isMining = true
        bench.chain.mine()
        bench.time.advance(by: .seconds(1))
        for record in try await bench.records() {
            try await bench.store.append([.settled(SamplePayment.settlement(1))], to: record.id, at: Bench.now + 60)
        }
        #expect(try await bench.pay(credentials[2]).status == 200)
    }

    @Test func `what is deferred waits for no chain`() async throws {
        let bench = try Bench(
            routes: [try Bench.route("/later/*", settle: SettleRule(.deferred)), try Bench.route("/paid/*")],
            settlingCountMax: 1)
        #expect(try await bench.pay(try await bench.credential("/paid/1", .init(nonce: 9))).status == 200)
        let credential = try await bench.credential("/paid/1", .init(nonce: 1))
        let later = try await bench.credential("/later/1", .init(nonce: 2))
        bench.chain.isMining = false
        #expect(try await bench.pay(credential).status == 503)
        bench.time.advance(by: .seconds(1))
        #expect(try await bench.pay(.get, "/later/1", later).status == 200)
    }

    @Test(arguments: ["/paid/1", "/first/1"])
    func `every 503 says when to come again`(target: String) async throws {
        let bench = try Bench()
        let credential = try await bench.credential(target)
        bench.chain.weather = .down
        let answer = try await bench.pay(.get, target, credential)
        #expect(answer.status == 503 && answer["retry-after"] != nil)
    }

    @Test func `a chain that goes down behind the answer: the answer is kept, and settled when it is back`() async throws {
        let bench = try Bench { _ in .text("once") }
        let credential = try await bench.credential()
        let down = try Bench(store: bench.store, chain: bench.chain, time: bench.time) { _ in
            bench.chain.weather = .down
            return .text("once")
        }
        #expect(try await down.pay(.post, "/paid/1", credential).code == "unavailable")
        bench.chain.weather = .fine
        let answer = try await bench.pay(.post, "/paid/1", credential)
        #expect(answer.status == 200 && answer.text == "once")
        #expect(bench.upstream.sent.isEmpty && bench.chain.transferCount == 1)
    }

    // MARK: - Another request at work

    @Test func `who waits too long for another request is told to come again, or that it is taken`() async throws {
        let gate = Gate()
        let bench = try Bench { _ in
            await gate.pass()
            return .text("slow")
        }
        let credential = try await bench.credential()
        async let first = bench.pay(credential)
        while bench.upstream.sent.isEmpty { await Task.yield() }
        let same = try await bench.pay(credential)
        #expect(same.status == 503 && same.code == "settlement_pending" && same["retry-after"] != nil)
        let stranger = try await bench.pay(credential.changing("accepted.extra.challenge", to: nil))
        #expect(stranger.status == 409 && stranger.code == "already_used")
        gate.open()
        #expect(try await first.status == 200)
        #expect(bench.upstream.sent.count == 1)
    }

    // MARK: - Several gateways on one ledger

    /// Two processes, which stay: the second's time stands still while it waits.
    private static func pair(
        sleepPasses: Bool, upstream: @escaping @Sendable (ScriptedHTTPClient.Sent) async throws(HTTPError) -> ClientResponse
    ) async throws -> (Bench, Bench) {
        let one = try Bench(sleepPasses: false, upstream: upstream)
        let time = ManualTime(start: .seconds(Bench.now), sleepPasses: sleepPasses)
        let other = try Bench(
            store: one.store, chain: one.chain, time: time,
            upstream: { _ in .text("the other's") })
        for bench in [one, other] { try await bench.stay() }
        return (one, other)
    }

    @Test(arguments: ["/paid/1", "/first/1"])
    func `another process at work is waited for, and its answer given`(target: String) async throws {
        let gate = Gate()
        let (one, other) = try await Self.pair(sleepPasses: false) { _ in
            await gate.pass()
            return .text("the first's")
        }
        let credential = try await one.credential(target)
        async let first = one.pay(.get, target, credential)
        while one.upstream.sent.isEmpty { await Task.yield() }
        async let second = other.pay(.get, target, credential)
        for _ in 0..<200 { await Task.yield() }
        gate.open()
        #expect(try await first.text == "the first's")
        #expect(try await second.text == "the first's")
        #expect(other.upstream.sent.isEmpty && one.chain.transferCount == 1)
    }

    @Test(arguments: ["/paid/1", "/first/1"])
    func `a process that takes longer than one waits is not taken for dead`(target: String) async throws {
        let gate = Gate()
        let (one, other) = try await Self.pair(sleepPasses: true) { _ in
            await gate.pass()
            return .text("the first's")
        }
        let credential = try await one.credential(target)
        async let first = one.pay(.get, target, credential)
        while one.upstream.sent.isEmpty { await Task.yield() }
        let second = try await other.pay(.get, target, credential)
        #expect(second.status == 503 && second.code == "settlement_pending" && second["retry-after"] != nil)
        #expect(other.upstream.sent.isEmpty)
        gate.open()
        #expect(try await first.status == 200)
        #expect(try await other.pay(.get, target, credential).text == "the first's")
    }

    /// A process that dies behind its claim: its upstream's answer never comes.
    private static func dying(beside bench: Bench) throws -> Bench {
        try Bench(
            store: bench.store, chain: bench.chain, time: bench.time,
            upstream: { _ throws(HTTPError) in
                while !Task.isCancelled { await Task.yield() }
                throw HTTPError(.cancelled, "")
            })
    }

    @Test(arguments: [(Method.get, "/paid/1", 200), (.post, "/paid/1", 409), (.get, "/first/1", 200), (.post, "/first/1", 409)])
    func `what a dead process left is taken up within one request, when its lease ends`(
        method: TollHTTP.Method, target: String, status: Int
    ) async throws {
        let (one, other) = try await Self.pair(sleepPasses: true) { _ in .text("never") }
        let credential = try await one.credential(target, .init(validBefore: UInt64(Bench.now + 1_000)))
        let dying = try Self.dying(beside: one)
        try await dying.stay(for: WorkerLease.seconds)
        let died = Task { try await dying.pay(method, target, credential) }
        while dying.upstream.sent.isEmpty { await Task.yield() }
        let answer = try await other.pay(method, target, credential)
        #expect(answer.status == status)
        #expect(other.time.environment.now() - UInt64(Bench.now) <= UInt64(WorkerLease.seconds) + 1)
        #expect(other.upstream.sent.count == (status == 200 ? 1 : 0))
        if target == "/first/1", method == .post { #expect(answer["tollgate-debt"] != nil) }
        died.cancel()
        _ = try? await died.value
    }

    @Test func `a lease that lapsed is another one when it begins again`() async throws {
        let time = ManualTime(start: .seconds(Bench.now))
        let lease = WorkerLease(on: MemoryPaymentStore(), environment: time.environment, log: .silent)
        #expect(lease.term == nil, "it has not begun")
        try await lease.begin()
        let first = try #require(lease.term)
        time.advance(by: .seconds(10))
        try await lease.begin()
        #expect(lease.term == first, "renewed in time it is the same")
        time.advance(by: .seconds(WorkerLease.seconds))
        #expect(lease.term == nil)
        try await lease.begin()
        #expect(lease.term != nil && lease.term != first)
    }

    @Test(arguments: ["/paid/1", "/first/1"])
    func `a process that could not renew its lease calls no upstream until it has it again`(target: String) async throws {
        let (store, time) = (MemoryPaymentStore(), ManualTime(start: .seconds(Bench.now)))
        let lease = WorkerLease(on: store, environment: time.environment, log: .silent)
        try await lease.begin()
        let bench = try Bench(store: store, time: time, lease: lease)
        let credential = try await bench.credential(target, .init(validBefore: UInt64(Bench.now + 1_000)))
        time.advance(by: .seconds(WorkerLease.seconds))
        let refused = try await bench.pay(.get, target, credential)
        #expect(refused.status == 503 && refused["retry-after"] != nil)
        #expect(bench.upstream.sent.isEmpty)
        try await lease.begin()
        #expect(try await bench.pay(.get, target, credential).status == 200)
        #expect(bench.upstream.sent.count == 1 && bench.chain.transferCount == 1)
    }

    @Test func `two servers of one process let one request at a time work on a payment`() async throws {
        let gate = Gate()
        let one = try Bench(sleepPasses: false) { _ in
            await gate.pass()
            return .text("the first's")
        }
        let time = ManualTime(start: .seconds(Bench.now), sleepPasses: false)
        let other = try Bench(store: one.store, chain: one.chain, time: time, lease: one.lease) { _ in .text("the other's") }
        let credential = try await one.credential()
        async let first = one.pay(credential)
        while one.upstream.sent.isEmpty { await Task.yield() }
        async let second = other.pay(credential)
        for _ in 0..<200 { await Task.yield() }
        gate.open()
        #expect(try await first.text == "the first's")
        #expect(try await second.text == "the first's")
        #expect(other.upstream.sent.isEmpty && one.chain.transferCount == 1)
    }

    // MARK: - Bodies

    @Test func `a chunked body over the limit is the client's fault: 413, and nothing is charged`() async throws {
        let bench = try Bench()
        let answer = try await bench.pay(.post, "/paid/1", try await bench.credential(), body: Self.endless(), framing: .chunked)
        #expect(answer.status == 413 && answer.code == "body_too_large")
        #expect(answer["payment-response"] == nil)
        #expect(try await bench.records().first?.phase == .released)
        #expect(!bench.log.holds("upstream failed"))
    }

    @Test func `before: it has been paid for, and is nobody's debt`() async throws {
        let bench = try Bench()
        let credential = try await bench.credential("/first/1")
        let answer = try await bench.pay(.post, "/first/1", credential, body: Self.endless(), framing: .chunked)
        #expect(answer.status == 413 && answer.receipt["success"] == true)
        let record = try #require(try await bench.records().first)
        #expect(record.isServed && !record.isOwed)
    }

    /// More than is read before the claim, then what an engine says when the limit is passed.
    private static func endless() -> BodyStream {
        let count = Counter()
        return BodyStream { () async throws(HTTPError) -> [UInt8]? in
            guard count.next() < 4 else { throw HTTPError(.tooLarge, "the body has more than 64 MiB") }
            return [UInt8](repeating: 1, count: 1 << 19)
        }
    }

    // MARK: - HEAD

    @Test func `HEAD again says the same length`() async throws {
        for target in ["/paid/1", "/first/1"] {
            let bench = try Bench { _ in ClientResponse(head: ResponseHead(status: 200, fields: ["ETag": "a"]), length: 1_234) }
            let credential = try await bench.credential(target)
            let lengths = LengthChannel(), again = LengthChannel()
            for channel in [lengths, again] {
                var fields: Fields = ["Host": "api.example"]
                fields.append("PAYMENT-SIGNATURE", Base64.encode(credential.utf8))
                let head = RequestHead(method: .head, target: target, fields: fields)
                await bench.gateway.handle(Request(head: head, peer: Bench.peer), Responder(channel))
            }
            #expect(lengths.length == 1_234 && again.length == 1_234)
            #expect(again.head?.fields.firstText("etag") == "a" && again.head?.fields.count(of: .contentLength) == 0)
            #expect(bench.upstream.sent.count == 1)
        }
    }
}

/// A connection that keeps the length an answer to HEAD announces.
private final class LengthChannel: ResponseChannel {
    private let state = Mutex<(ResponseHead, UInt64?)?>(nil)

    var length: UInt64? { self.state.withLock { $0?.1 } }
    var head: ResponseHead? { self.state.withLock { $0?.0 } }

    func send(_ head: ResponseHead, body: [UInt8]) async throws(HTTPError) {
        self.state.withLock { $0 = (head, UInt64(body.count)) }
    }

    func start(_ head: ResponseHead, length: UInt64?) async throws(HTTPError) { self.state.withLock { $0 = (head, length) } }
    func write(_ bytes: [UInt8]) async throws(HTTPError) {}
    func finish(trailers: Fields) async throws(HTTPError) {}
    func responderReleased() {}
    func writerReleased() {}
}
