// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollGateway
import TollHTTP
import TollPayments
import TollRuntime
import TollTestKit

/// A free request that the engine passes on by itself comes to what handling it comes to.
@Suite struct PassageTests {
    /// What can be seen of a request from outside.
    private struct Seen: Equatable {
        var sent: [String] = []
        var answer: String?
        var log: [String] = []
        var metrics: [String] = []
    }

    typealias Behind = @Sendable (ScriptedHTTPClient.Sent) async throws(HTTPError) -> ClientResponse

    /// The same request to two equal gateways, one with an engine that passes on.
    private static func bothWays(
        _ method: TollHTTP.Method = .get, _ target: String = "/free/x?a=%20b", _ fields: Fields = [:], isGone: Bool = false,
        routes: [Route]? = nil, cors: CORSPolicy = .any, mode: GatewayMode = .live, trustedProxies: TrustedProxies = .none,
        rateLimits: RateLimits = RateLimits(), counts: (any SharedCache)? = nil,
        upstream: @escaping Behind = { _ in .text("{}") }
    ) async throws -> (passed: Seen, handled: Seen) {
        var seen: [Seen] = []
        for enginePassesOn in [true, false] {
            var bench = try Bench(
                cors: cors, routes: routes, access: .query, mode: mode, trustedProxies: trustedProxies, rateLimits: rateLimits,
                counts: counts, upstream: upstream)
            bench.enginePassesOn = enginePassesOn
            var given = fields
            given.append("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
            let channel = isGone ? RecordingResponseChannel.disconnected() : RecordingResponseChannel()
            let answer = try await bench.answer(method, target, given, channel: channel)
            seen.append(
                Seen(
                    sent: bench.upstream.sent.map { "\($0.method) \($0.url)\n\(Self.text($0.fields))" },
                    answer: answer.map { "\($0.status)\n\(Self.text($0.head.fields))\n\($0.text)\($0.isWhole)" },
                    log: bench.log.lines.map(Self.withoutIDs),
                    metrics: await bench.metrics.text().split(separator: "\n").map(String.init)))
        }
        return (seen[0], seen[1])
    }

    private static func text(_ fields: Fields) -> String {
        fields.map {
            "\(String(decoding: $0.name, as: UTF8.self)): \(self.withoutIDs(String(decoding: $0.value, as: UTF8.self)))"
        }
        .joined(separator: "\n")
    }

    /// The ids of a request's parts are drawn.
    private static func withoutIDs(_ text: String) -> String {
        text.replacing(#/request=[0-9a-f]{16}/#, with: "request=").replacing(#/(736)-[0-9a-f]{16}-/#, with: { "\($0.1)--" })
    }

    @Test func `a whole answer is passed back`() async throws {
        let (passed, handled) = try await Self.bothWays(
            .get, "/free/x?a=%20b",
            [
                "Accept": "*/*", "Connection": "X-Hop", "X-Hop": "1", "Cookie": "tollgate-pass-a=1; b=2", "Tollgate-Payer": "me",
                "PAYMENT-SIGNATURE": "x", "X-Forwarded-For": "203.0.113.66", "tracestate": "a=b",
            ]
        ) { _ in
            var answer = ClientResponse.text("{}", status: 418)
            answer.head.fields.append("Access-Control-Allow-Origin", "https://other.example")
            answer.head.fields.append("PAYMENT-RESPONSE", "forged")
            answer.head.fields.append("Tollgate-Mode", "forged")
            answer.head.fields.append("Keep-Alive", "timeout=5")
            return answer
        }
        #expect(passed == handled)
        #expect(passed.sent.count == 1 && passed.answer?.hasPrefix("418\n") == true)
        #expect(passed.log.count == 1 && passed.metrics.contains { $0.hasSuffix(#"route="/free/**",status="418"} 1"#) })
    }

    @Test func `every other answer is passed back`() async throws {
        let answers: [(method: TollHTTP.Method, status: Int, length: UInt64?, body: String)] = [
            (.get, 204, nil, ""), (.get, 304, 9, ""), (.head, 200, 9, ""), (.get, 200, 0, ""),
            (.delete, 200, nil, "until the end"), (.post, 500, 4, "gone"),
        ]
        for answer in answers {
            let (passed, handled) = try await Self.bothWays(answer.method) { _ in
                ClientResponse(
                    head: ResponseHead(status: answer.status, fields: ["ETag": "\"a\""]), length: answer.length,
                    body: BodyStream(Array(answer.body.utf8)))
            }
            #expect(passed == handled)
            #expect(passed.answer?.hasPrefix("\(answer.status)\n") == true)
            #expect(passed.answer?.hasSuffix("\n\(answer.body)true") == true)
        }
    }

    @Test func `a streamed answer is passed back piece by piece`() async throws {
        let body = BodyStream(StreamedTwice(pieces: ["a", "bc"]))
        let (passed, handled) = try await Self.bothWays { _ in
            ClientResponse(head: ResponseHead(status: 200), length: 3, body: body)
        }
        #expect(passed == handled)
        #expect(passed.answer?.hasSuffix("abctrue") == true)
    }

    /// These pieces and then the end, and all of it again: each of two gateways reads it once.
    private final class StreamedTwice: BodySource {
        private let pieces: [String]
        private let count = Mutex(0)

        init(pieces: [String]) { self.pieces = pieces }

        func next() async throws(HTTPError) -> [UInt8]? {
            let place = self.count.withLock { count in
                defer { count += 1 }
                return count % (self.pieces.count + 1)
            }
            return place < self.pieces.count ? Array(self.pieces[place].utf8) : nil
        }

        var trailers: Fields { Fields() }
    }

    @Test(arguments: [HTTPError.Code.connectFailed, .timedOut, .disconnected, .malformed, .unavailable, .cancelled])
    func `an upstream that fails is told of`(code: HTTPError.Code) async throws {
        // Nothing but its client's leave ends a call so.
        let (passed, handled) = try await Self.bothWays(isGone: code == .cancelled) { _ throws(HTTPError) in
            throw HTTPError(code, "so it was", isBeforeSend: code == .unavailable || code == .connectFailed)
        }
        #expect(passed.metrics == handled.metrics)
        #expect(passed.sent == handled.sent)
        // A client that is gone gets no answer, and its call is no failure.
        #expect(passed.log.last == handled.log.last)
        guard code != .cancelled else { return #expect(passed.log.count == 1) }
        #expect(passed == handled)
        #expect(passed.answer?.hasPrefix("50") == true)
    }

    @Test func `where an address cannot be connected to the next is asked, and the first rests after some`() async throws {
        var upstream = Bench.upstreamServer()
        upstream.addresses.append(.init(Origin(scheme: .http, host: "second.internal", port: 9000)))
        let routes = [Route(pattern: try RoutePattern("/free/**"), upstream: upstream, terms: nil)]
        let (passed, handled) = try await Self.bothWays(routes: routes) { sent throws(HTTPError) in
            guard sent.url.contains("second") else { throw HTTPError(.connectFailed, "refused", isBeforeSend: true) }
            return .text("second")
        }
        #expect(passed == handled)
        #expect(passed.sent.count == 2 && passed.answer?.contains("second") == true)
    }

    @Test func `a client that is gone when the answer comes is counted and logged alike`() async throws {
        let (passed, handled) = try await Self.bothWays(isGone: true)
        #expect(passed.metrics == handled.metrics)
        #expect(passed.log.last == handled.log.last && passed.log.last?.contains("bytes=0") == true)
    }

    @Test func `the rules of a gateway hold`() async throws {
        let proxies = TrustedProxies([try #require(AddressRange("192.0.2.0/24"))])
        let (passed, handled) = try await Self.bothWays(
            .get, "/free/x", ["Origin": "https://a.example", "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http"],
            cors: .only(["https://a.example"]), mode: .test, trustedProxies: proxies)
        #expect(passed == handled)
        #expect(passed.answer?.contains("Tollgate-Mode: test") == true && passed.answer?.contains("https://a.example") == true)
        #expect(passed.log.last?.contains("client=203.0.113.9") == true)
    }

    @Test func `limits hold, and answers say how the client stands to them`() async throws {
        let (passed, handled) = try await Self.bothWays(rateLimits: RateLimits(address: [RateLimit(2, per: 60)]))
        #expect(passed == handled)
        #expect(passed.answer?.contains("RateLimit-Remaining: 1") == true)

        let bench = try Bench(rateLimits: RateLimits(address: [RateLimit(2, per: 60)]))
        var statuses: [Int] = []
        for _ in 0..<4 { statuses.append(try await bench.ask(.get, "/free/x").status) }
        #expect(statuses == [200, 200, 429, 429])
        #expect(bench.upstream.sent.count == 2)
    }

    @Test func `what more is to be done for is handled`() async throws {
        func passesOn(
            _ bench: Bench, _ method: TollHTTP.Method = .get, _ target: String = "/free/x", _ fields: Fields = [:],
            framing: BodyFraming = .none
        ) -> Bool {
            var answer = ImmediateAnswer(dateField: [], passesOn: true) { _ in }
            let head = RequestHead(method: method, target: target, fields: fields, framing: framing)
            if case .pass = bench.gateway.receive(head, peer: Bench.peer, answer: &answer) { return true }
            return false
        }
        let bench = try Bench()
        #expect(passesOn(bench))
        #expect(passesOn(bench, .post))
        #expect(!passesOn(bench, .post, framing: .length(1)))
        #expect(!passesOn(bench, .options))
        #expect(!passesOn(bench, .get, "/free/x", ["Upgrade": "websocket", "Connection": "Upgrade"]))
        #expect(!passesOn(bench, .get, "/paid/x") && !passesOn(bench, .get, "/nowhere"))
        bench.gateway.pauses.pause("/free/**")
        #expect(!passesOn(bench))
        bench.gateway.pauses.resume(nil)
        #expect(passesOn(bench))

        let limits = RateLimits(address: [RateLimit(1, per: 60)])
        #expect(!passesOn(try Bench(rateLimits: limits, counts: MemoryCache(now: { .zero }))), "replicas are asked")
        let limited = try Bench(rateLimits: limits)
        #expect(passesOn(limited))
        #expect(!passesOn(limited), "who is refused gets an answer")

        let secure = Upstream(name: "api", origin: Origin(scheme: .https, host: "upstream.internal"))
        let routes = [Route(pattern: try RoutePattern("/free/**"), upstream: secure, terms: nil)]
        #expect(!passesOn(try Bench(routes: routes)))
    }
}
