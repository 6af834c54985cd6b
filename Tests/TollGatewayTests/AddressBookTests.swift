// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP
import TollPayments
import TollTestKit

@testable import TollGateway

/// Which address a request goes to, and when one is left alone.
@Suite struct AddressBookTests {
    private static func origin(_ host: String) -> Origin { Origin(scheme: .http, host: host, port: 80) }

    /// A book that answers a question at a time.
    private final class Book {
        private var book: AddressBook
        /// Where the question went that was asked last.
        private var place = 0

        init(_ weights: [String: Int]) {
            var breaker = Upstream.Breaker()
            breaker.failureCount = 2
            breaker.restMin = .seconds(1)
            breaker.restMax = .seconds(4)
            let addresses = weights.sorted { $0.key < $1.key }.map {
                Upstream.Address(AddressBookTests.origin($0.key), weight: $0.value)
            }
            self.book = AddressBook(addresses, breaker)
        }

        func turn(at now: Duration = .zero, except tried: [Int] = []) -> String? {
            guard let chosen = self.book.choose(at: now, except: tried) else { return nil }
            self.place = chosen.place
            return chosen.origin.host
        }

        func failed(at now: Duration, asked: Duration? = nil) -> Duration? { self.book.failed(self.place, at: now, asked: asked) }
        func succeeded() -> Bool { self.book.succeeded(self.place) }
        func abandoned() { self.book.abandoned(self.place) }
        func isReachable(at now: Duration) -> Bool { self.book.isReachable(at: now) }
        func restsFor(at now: Duration) -> Duration { self.book.restsFor(at: now) }
    }

    @Test func `weights are kept, and spread`() {
        let book = Book(["a": 3, "b": 1])
        let turns = (0..<8).compactMap { _ in book.turn() }.joined()
        #expect(turns == "aabaaaba")
    }

    @Test func `an address rests after failures in a row, longer each time, and one request tries it`() {
        let book = Book(["a": 1])
        #expect(book.failed(at: .zero) == nil)
        #expect(!book.succeeded())
        #expect(book.failed(at: .zero) == nil)
        #expect(book.failed(at: .zero) == .seconds(1))
        #expect(!book.isReachable(at: .milliseconds(999)) && book.turn(at: .milliseconds(999)) == nil)
        #expect(book.restsFor(at: .milliseconds(250)) == .milliseconds(750))
        // What was under way before tells nothing new.
        #expect(book.failed(at: .milliseconds(500)) == nil)
        var now = Duration.seconds(1)
        for rest in [2, 4, 4] {
            #expect(book.turn(at: now) == "a")
            #expect(book.turn(at: now) == nil, "one is enough to find out")
            #expect(book.failed(at: now) == .seconds(rest))
            now += .seconds(rest)
        }
        #expect(book.turn(at: now) == "a")
        book.abandoned()
        #expect(book.turn(at: now) == "a")
        #expect(book.succeeded())
        #expect(book.turn(at: now) == "a" && book.turn(at: now) == "a")
    }

    @Test func `others take over, and what was tried is not tried again`() {
        let book = Book(["a": 1, "b": 1])
        _ = (book.failed(at: .zero), book.failed(at: .zero))
        #expect((0..<3).map { _ in book.turn() } == ["b", "b", "b"])
        #expect(book.turn(except: [1]) == nil)
    }

    @Test func `one that says it is not well rests at once, until it says otherwise`() {
        let book = Book(["a": 1])
        #expect(book.failed(at: .zero, asked: .seconds(10)) == .seconds(20))
        #expect(book.failed(at: .seconds(10), asked: .seconds(10)) == nil)
        #expect(!book.isReachable(at: .seconds(29)))
        #expect(book.succeeded())
        #expect(book.isReachable(at: .seconds(29)))
    }

    // MARK: - Through the gateway

    private static func bench(
        _ hosts: [String] = ["a", "b"], _ answer: @escaping @Sendable (String) throws(HTTPError) -> ClientResponse
    ) throws -> Bench {
        let upstream = Upstream(name: "api", addresses: hosts.map { .init(Self.origin($0)) })
        let policies: [(String, SettlePolicy?)] = [("/free/**", nil), ("/paid/*", .after), ("/first/*", .before)]
        let routes = try policies.map { path, policy in
            Route(
                pattern: try RoutePattern(path), upstream: upstream,
                terms: policy.map { Terms(options: [Bench.option], settle: SettleRule($0), dialects: ["x402", "x402-v1"]) })
        }
        return try Bench(routes: routes) { sent throws(HTTPError) in try answer(sent.url) }
    }

    private static let refused = HTTPError(.connectFailed, "refused", isBeforeSend: true)

    @Test(arguments: [TollHTTP.Method.get, .post])
    func `where nothing can have happened, the next address has its turn`(method: TollHTTP.Method) async throws {
        let bench = try Self.bench { url throws(HTTPError) in
            guard url.hasPrefix("http://b/") else { throw Self.refused }
            return .text("b")
        }
        for _ in 0..<4 { #expect(try await bench.ask(method, "/free/x").text == "b") }
        #expect(bench.upstream.sent.contains { $0.url.hasPrefix("http://a/") })
    }

    @Test func `what may have happened is not done again elsewhere`() async throws {
        let bench = try Self.bench { _ throws(HTTPError) in throw HTTPError(.disconnected, "closed") }
        #expect(try await bench.ask(.post, "/free/x").status == 502)
        #expect(bench.upstream.sent.count == 1)
    }

    @Test func `when all are out it is said at once, and when they are back they serve`() async throws {
        let isBack = Counter()
        let bench = try Self.bench(["a"]) { _ throws(HTTPError) in
            guard isBack.next() >= 5 else { throw Self.refused }
            return .text("back")
        }
        for _ in 0..<5 { #expect(try await bench.ask(.get, "/free/x").status == 502) }
        let out = try await bench.ask(.get, "/free/x")
        #expect(out.status == 503 && out.code == "upstream_unavailable" && out["retry-after"] == "1")
        #expect(bench.upstream.sent.count == 5)
        // Nobody is asked to pay for a call that cannot be made, whatever the policy.
        for target in ["/paid/1", "/first/1"] {
            let answer = try await bench.pay(.get, target, try await bench.credential(target))
            #expect(answer.status == 503 && answer.code == "unavailable")
        }
        #expect(try await bench.records().isEmpty && bench.chain.transactionCount == 0)
        bench.time.advance(by: .seconds(1))
        #expect(try await bench.ask(.get, "/free/x").text == "back")
        #expect(bench.log.holds("upstream rests", "upstream=api") && bench.log.holds("upstream is back"))
    }

    @Test func `a reload leaves an unchanged upstream at rest, and gives one that was changed a new start`() async throws {
        let bench = try Self.bench(["a"]) { _ throws(HTTPError) in throw Self.refused }
        for _ in 0..<5 { #expect(try await bench.ask(.get, "/free/x").status == 502) }
        let reloaded = bench.with(bench.gateway.reconfigured(bench.configuration))
        #expect(try await reloaded.ask(.get, "/free/x").status == 503)
        #expect(bench.upstream.sent.count == 5)
        var changed = bench.configuration
        for index in changed.routes.indices { changed.routes[index].upstream.timeout = .seconds(5) }
        #expect(try await bench.with(reloaded.gateway.reconfigured(changed)).ask(.get, "/free/x").status == 502)
        #expect(bench.upstream.sent.count == 6)
    }

    @Test func `a client that breaks off its bodies puts no upstream to rest`() async throws {
        let bench = try Self.bench(["a"]) { _ in .text("ok") }
        for _ in 0..<10 {
            let body = BodyStream { () async throws(HTTPError) -> [UInt8]? in throw HTTPError(.disconnected, "the client is gone")
            }
            _ = try await bench.ask(.post, "/free/x", body: body, framing: .chunked)
        }
        #expect(try await bench.ask(.get, "/free/x").status == 200)
    }

    @Test func `what was paid for and kept is given again though the upstream is out`() async throws {
        let count = Counter()
        let bench = try Self.bench(["a"]) { _ throws(HTTPError) in
            guard count.next() == 0 else { throw Self.refused }
            return .text("kept")
        }
        let credential = try await bench.credential()
        #expect(try await bench.pay(credential).text == "kept")
        for _ in 0..<5 { _ = try await bench.ask(.get, "/free/x") }
        #expect(try await bench.ask(.get, "/free/x").status == 503)
        let again = try await bench.pay(credential)
        #expect(again.status == 200 && again.text == "kept")
    }
}
