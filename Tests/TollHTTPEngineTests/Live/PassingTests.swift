// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import Testing
import TollHTTP
import TollHTTPEngine
import TollTestKit

/// Requests that the server passes on by itself, over real sockets.
@Suite struct PassingTests {
    /// What the engine said to passages, in order.
    final class Notes: Sendable {
        private let state = Mutex<[String]>([])
        /// Lets a loop go on that waits within its event.
        let mayGoOn = Atomic<Bool>(false)

        func add(_ note: String) { self.state.withLock { $0.append(note) } }

        /// All of them, once there are so many: some are made after the client has its answer.
        func all(_ count: Int) async -> [String] {
            while self.state.withLock({ $0.count }) < count { await Task.yield() }
            return self.state.withLock { $0 }
        }
    }

    /// Passes everything without a body on to one origin.
    private struct Front: RequestHandler {
        let origin: Origin
        let notes: Notes

        func receive(_ head: RequestHead, peer: PeerAddress, answer: inout ImmediateAnswer) -> Disposition {
            guard !head.path.elementsEqual("/hold".utf8) else {
                self.notes.add("held")
                while !self.notes.mayGoOn.load(ordering: .relaxed) { sched_yield() }
                return .handle
            }
            return answer.passesOn && head.framing == .none ? .pass(Plain(self.origin, head.method, self.notes)) : .handle
        }

        func handle(_ request: Request, _ responder: consuming Responder) async {
            self.notes.add("handled")
            try? await responder.send(ResponseHead(status: 200), body: Array("handled".utf8))
        }
    }

    private final class Plain: Passage {
        let outgoing: ClientRequest
        private let notes: Notes

        init(_ origin: Origin, _ method: TollHTTP.Method, _ notes: Notes) {
            self.outgoing = .patient(method, origin, target: [])
            self.notes = notes
        }

        func unused() { self.notes.add("unused") }

        func fill(_ fields: inout Fields, of head: RequestHead, from peer: PeerAddress) {
            fields.append("X-From", peer.ip)
            if head.path.elementsEqual("/framed".utf8) { fields.append("Transfer-Encoding", "chunked") }
            fields.append(endToEnd: head.fields, roomFor: 0, byteCount: 0) { $0.count == 4 }
        }

        func answer(_ head: inout ResponseHead, to request: RequestHead) {
            if !request.path.elementsEqual("/careless".utf8) { head.fields.removeHopByHop() }
            head.fields.append("X-Passed", String(decoding: request.target, as: UTF8.self))
        }

        func sent(_ status: Int, byteCount: Int, to request: RequestHead, from peer: PeerAddress) {
            self.notes.add("sent \(status) \(byteCount) \(String(decoding: request.target, as: UTF8.self))")
        }

        func abandoned(_ request: RequestHead, from peer: PeerAddress) {
            self.notes.add("abandoned \(String(decoding: request.target, as: UTF8.self))")
        }

        func handle(
            _ outcome: Result<ClientResponse, HTTPError>, _ request: consuming Request, _ responder: consuming Responder
        ) async {
            let target = String(decoding: request.head.target, as: UTF8.self)
            switch outcome {
            case .failure(let error):
                self.notes.add("failed \(error.code) \(target)")
                try? await responder.send(ResponseHead(status: 502), body: Array("failed".utf8))
            case .success(var answer):
                self.notes.add("streamed \(answer.head.status) \(target)")
                answer.head.fields.removeHopByHop()
                do {
                    let writer = try await responder.stream(answer.head, length: answer.length)
                    while let piece = try await answer.body.next() { try await writer.write(piece) }
                    try await writer.finish()
                } catch { self.notes.add("broke \(target)") }
            }
        }
    }

    /// A server that passes on to an origin.
    private struct Passing {
        let server: HTTPServer
        let notes = Notes()
        var port: UInt16 { self.server.port }

        init(to port: UInt16, in group: EventLoopGroup, limits: ServerLimits = .patient) async throws {
            self.server = try await HTTPServer(
                group: group, host: "127.0.0.1", port: 0, handler: Front(origin: ClientTests.origin(port), notes: self.notes),
                passingBy: LoopHTTPClient(group: group, limits: .patient), limits: limits)
        }

        func talk(_ text: String) throws -> String {
            let client = try RawClient(port: self.port)
            client.send(text)
            return client.receiveAll()
        }
    }

    private static let close = "Host: a\r\nConnection: close\r\n\r\n"

    @Test func `request and answer pass as the passage has them`() async throws {
        let upstream = try RawServer([
            .init(
                answers: ["HTTP/1.1 201 Created\r\nA: 1\r\nKeep-Alive: 5\r\nDate: now\r\nContent-Length: 2\r\n\r\nok"],
                lingers: true)
        ])
        let passing = try await Passing(to: upstream.port, in: try EventLoopGroup(count: 1))
        let answer = try passing.talk("GET /x?y HTTP/1.1\r\nB: 2\r\nTE: gzip\r\n\(Self.close)")
        let fields = "A: 1\r\nDate: now\r\nX-Passed: /x?y\r\nContent-Length: 2\r\nConnection: close\r\n"
        #expect(answer == "HTTP/1.1 201 Created\r\n\(fields)\r\nok")
        #expect(
            upstream.requests == ["GET /x?y HTTP/1.1\r\nHost: 127.0.0.1:\(upstream.port)\r\nX-From: 127.0.0.1\r\nB: 2\r\n\r\n"])
        #expect(await passing.notes.all(1) == ["sent 201 2 /x?y"])
    }

    @Test func `a passage cannot frame a message, neither upward nor downward`() async throws {
        let group = try EventLoopGroup(count: 1)
        let upstream = try await TestServer(TestServer.describe)
        let passing = try await Passing(to: upstream.port, in: group)
        #expect(try passing.talk("GET /framed HTTP/1.1\r\n\(Self.close)").hasSuffix("failed"))
        let careless = try passing.talk("GET /careless HTTP/1.1\r\n\(Self.close)")
        #expect(careless.hasPrefix("HTTP/1.1 500 ") && careless.hasSuffix("\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
        #expect(await passing.notes.all(2) == ["failed invalidMessage /framed", "sent 500 0 /careless"])
    }

    @Test func `requests that come all at once are answered in their order, passed on or not`() async throws {
        let group = try EventLoopGroup(count: 1)
        let upstream = try await TestServer(TestServer.describe)
        let passing = try await Passing(to: upstream.port, in: group)
        let answer = try passing.talk(
            "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPUT /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
                + "GET /3 HTTP/1.1\r\nHost: a\r\n\r\nDELETE /4 HTTP/1.1\r\n\(Self.close)")
        let bodies = answer.split(separator: "\r\n\r\n").dropFirst().map { $0.split(separator: "HTTP/1.1")[0] }
        #expect(bodies == ["GET /1 ", "handled", "GET /3 ", "DELETE /4 "])
        #expect(await passing.notes.all(4) == ["sent 200 7 /1", "handled", "sent 200 7 /3", "sent 200 10 /4"])
    }

    @Test func `bytes of one client and of one server may come in any pieces`() async throws {
        let group = try EventLoopGroup(count: 1)
        let upstream = try await TestServer { request, responder in
            let writer = try await responder.stream(ResponseHead(status: 200, fields: ["A": "1"]), length: 6)
            for piece in ["a", "bc", "def"] { try await writer.write(Array(piece.utf8)) }
            try await writer.finish()
        }
        let passing = try await Passing(to: upstream.port, in: group)
        let client = try RawClient(port: passing.port)
        for _ in 0..<3 {
            for piece in ["GET / HT", "TP/1.1\r\nHost: a\r", "\n\r", "\n"] { client.send(piece) }
            #expect(client.receive(until: "abcdef").contains("\r\nContent-Length: 6\r\n"))
        }
        #expect(await passing.notes.all(3) == Array(repeating: "sent 200 6 /", count: 3))
    }

    @Test func `what is no short answer is streamed by a task`() async throws {
        let group = try EventLoopGroup(count: 1)
        let upstream = try await TestServer { request, responder in
            switch request.head.target.count {
            case 1:
                let writer = try await responder.stream(ResponseHead(status: 200), length: nil)
                for _ in 0..<40 { try await writer.write([UInt8](repeating: 0x61, count: 100_000)) }
                try await writer.finish()
            case 2: try await responder.send(ResponseHead(status: 204))
            case 3: try await responder.send(ResponseHead(status: 304))
            default: try await responder.send(ResponseHead(status: 200), body: [1, 2, 3])
            }
        }
        let passing = try await Passing(to: upstream.port, in: group)
        let answer = try passing.talk("GET / HTTP/1.1\r\n\(Self.close)")
        #expect(answer.contains("\r\nTransfer-Encoding: chunked\r\n") && answer.count(where: { $0 == "a" }) > 4_000_000)
        #expect(try passing.talk("GET /2 HTTP/1.1\r\n\(Self.close)").hasPrefix("HTTP/1.1 204 "))
        #expect(try passing.talk("GET /33 HTTP/1.1\r\n\(Self.close)").hasPrefix("HTTP/1.1 304 "))
        let head = try passing.talk("HEAD /444 HTTP/1.1\r\n\(Self.close)")
        #expect(head.hasSuffix("\r\n\r\n") && head.contains("\r\nContent-Length: 3\r\n"))
        #expect(await passing.notes.all(4) == ["streamed 200 /", "streamed 204 /2", "streamed 304 /33", "streamed 200 /444"])
    }

    @Test func `a client that goes away before its answer takes the call along`() async throws {
        let group = try EventLoopGroup(count: 1)
        let (gone, reached) = (Latch(), Latch())
        let upstream = try await TestServer { request, responder in
            request.client.whenGone { gone.open() }
            reached.open()
            await gone.wait()
        }
        let passing = try await Passing(to: upstream.port, in: group)
        do {
            let client = try RawClient(port: passing.port)
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await reached.wait()
        }
        await gone.wait()
        #expect(await passing.notes.all(1) == ["abandoned /"])
    }

    @Test func `nothing is sent for a client that says at once that nothing more comes`() async throws {
        let group = try EventLoopGroup(count: 1)
        let upstream = try await TestServer(TestServer.describe)
        let passing = try await Passing(to: upstream.port, in: group)
        let (first, client) = (try RawClient(port: passing.port), try RawClient(port: passing.port))
        // The request and its end are both there when the loop looks.
        first.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await passing.notes.all(1) == ["held"])
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        client.shutdownWrite()
        passing.notes.mayGoOn.store(true, ordering: .relaxed)
        #expect(client.receiveAll().isEmpty)
        #expect(first.receive(until: "handled").hasSuffix("handled"))
        #expect(await Set(passing.notes.all(3)) == ["held", "handled", "unused"])
    }

    @Test func `a client that goes away within a streamed answer takes the call along`() async throws {
        let group = try EventLoopGroup(count: 1)
        let gone = Latch()
        let upstream = try await TestServer { request, responder in
            request.client.whenGone { gone.open() }
            let writer = try await responder.stream(ResponseHead(status: 200), length: nil)
            try await writer.write(Array("first".utf8))
            await gone.wait()
        }
        let passing = try await Passing(to: upstream.port, in: group)
        do {
            let client = try RawClient(port: passing.port)
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(client.receive(until: "first\r\n").hasSuffix("first\r\n"))
        }
        await gone.wait()
        #expect(await passing.notes.all(1).first == "streamed 200 /")
    }

    @Test func `a kept connection that has gone stale is replaced, where doing it twice does no harm`() async throws {
        let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        for (method, isRepeated) in [("GET", true), ("POST", false)] {
            let upstream = try RawServer([.init(answers: [ok, ""]), .init(answers: [ok], lingers: true)])
            let passing = try await Passing(to: upstream.port, in: try EventLoopGroup(count: 1))
            let client = try RawClient(port: passing.port)
            client.send("\(method) / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(client.receive(until: "ok").hasSuffix("ok"))
            client.send("\(method) / HTTP/1.1\r\n\(Self.close)")
            #expect(client.receiveAll().hasSuffix(isRepeated ? "ok" : "failed"))
            #expect(await passing.notes.all(2) == ["sent 200 2 /", isRepeated ? "sent 200 2 /" : "failed disconnected /"])
            #expect(upstream.requests.count == (isRepeated ? 3 : 2))
        }
    }

    @Test func `an upstream that is not there, speaks no HTTP or breaks off is told of in a task`() async throws {
        let (group, unused) = (try EventLoopGroup(count: 1), try SilentPort())
        defer { withExtendedLifetime(unused) {} }
        let absent = try await Passing(to: unused.number, in: group)
        #expect(try absent.talk("GET / HTTP/1.1\r\n\(Self.close)").hasSuffix("failed"))
        #expect(await absent.notes.all(1) == ["failed connectFailed /"])
        for (said, code) in [
            ("SSH-2.0\r\n\r\n", "malformed"), ("", "disconnected"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "disconnected"),
        ] {
            let upstream = try RawServer([.init(answers: [said])])
            let passing = try await Passing(to: upstream.port, in: group)
            #expect(try passing.talk("GET / HTTP/1.1\r\n\(Self.close)").hasSuffix("failed"))
            #expect(await passing.notes.all(1) == ["failed \(code) /"])
        }
    }

    @Test func `a client that reads slowly gets all of every answer`() async throws {
        let group = try EventLoopGroup(count: 1)
        let body = [UInt8](repeating: 0x62, count: 60_000)
        let upstream = try await TestServer { _, responder in try await responder.send(ResponseHead(status: 200), body: body) }
        let passing = try await Passing(to: upstream.port, in: group)
        let client = try RawClient(port: passing.port, receiveBuffer: 4096)
        for _ in 0..<100 { client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
        client.send("GET / HTTP/1.1\r\n\(Self.close)")
        #expect(client.receiveAll().count(where: { $0 == "b" }) == 101 * 60_000)
        #expect(await passing.notes.all(101) == Array(repeating: "sent 200 60000 /", count: 101))
    }

    @Test func `draining waits for what is passed on, and closes behind its answer`() async throws {
        let group = try EventLoopGroup(count: 1)
        let (reached, mayAnswer) = (Latch(), Latch())
        let upstream = try await TestServer { _, responder in
            reached.open()
            await mayAnswer.wait()
            try await responder.send(ResponseHead(status: 200), body: Array("late".utf8))
        }
        let passing = try await Passing(to: upstream.port, in: group)
        let client = try RawClient(port: passing.port)
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await reached.wait()
        async let drained: Void = passing.server.drain(within: Patience.time)
        mayAnswer.open()
        #expect(client.receiveAll().hasSuffix("late"))
        await drained
    }

    @Test func `a client of HTTP 1.0 is answered and its connection closed`() async throws {
        let group = try EventLoopGroup(count: 1)
        let upstream = try await TestServer(TestServer.describe)
        let passing = try await Passing(to: upstream.port, in: group)
        #expect(try passing.talk("GET /old HTTP/1.0\r\n\r\n").hasSuffix("\r\nConnection: close\r\n\r\nGET /old "))
    }
}
