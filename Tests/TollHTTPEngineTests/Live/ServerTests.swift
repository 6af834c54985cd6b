// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing
import TollHTTP
import TollHTTPEngine
import TollTestKit

@Suite struct ServerTests {
    @Test func `a request is handled in a task, another answered at once, on one connection`() async throws {
        let server = try await TestServer()
        let client = try server.connect()
        client.send("GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n")
        let first = client.receive(until: "GET /a?b ")
        #expect(first.hasPrefix("HTTP/1.1 200 OK\r\nDate: "))
        #expect(first.contains("\r\nContent-Length: 9\r\n\r\nGET /a?b "))
        #expect(!first.contains("Connection:"))
        client.send("GET /now HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(client.receive(until: "now\n").hasPrefix("HTTP/1.1 402 Payment Required\r\n"))
    }

    @Test func `pipelined requests are answered in order`() async throws {
        let server = try await TestServer()
        let paths = (0..<50).map { $0 % 3 == 0 ? "/now" : "/\($0)" }
        let requests = paths.map { "GET \($0) HTTP/1.1\r\nHost: h\r\n\r\n" }.joined()
        let answer = try server.talk(requests + "GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        let bodies = answer.components(between: "\r\n\r\n", and: "HTTP/1.1")
        let expected = paths.map { $0 == "/now" ? "now\n" : "GET \($0) " } + ["GET /last "]
        #expect(bodies == expected)
    }

    @Test func `a request may come byte by byte`() async throws {
        let server = try await TestServer()
        let client = try server.connect()
        for byte in Array("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello".utf8) { client.send([byte]) }
        #expect(client.receive(until: "hello").hasSuffix("POST /a hello"))
    }

    @Test func `whoever pipelines without reading is not served on`() async throws {
        let server = try await TestServer()
        let client = try server.connect(receiveBuffer: 65536)
        let requests = String(repeating: "GET /now HTTP/1.1\r\nHost: h\r\n\r\n", count: 1000)
        let sender = Thread { for _ in 0..<50 { client.send(requests) } }
        sender.start()
        usleep(300_000)
        var count = 0
        var tail = ""
        while count < 50_000, let bytes = client.receive(), !bytes.isEmpty {
            tail += String(decoding: bytes, as: UTF8.self)
            let parts = tail.components(separatedBy: "now\n")
            count += parts.count - 1
            tail = parts.last ?? ""
        }
        #expect(count == 50_000)
    }

    @Test func `a connection that never stops sending leaves others their turn`() async throws {
        let server = try await TestServer()
        let loud = try server.connect()
        let requests = String(repeating: "GET /now HTTP/1.1\r\nHost: h\r\n\r\n", count: 1000)
        let sender = Thread { while loud.send(requests) {} }
        let reader = Thread { while let bytes = loud.receive(), !bytes.isEmpty {} }
        sender.start()
        reader.start()
        for _ in 0..<5 {
            let client = try server.connect()
            client.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(client.receive(until: "GET /a ").hasSuffix("GET /a "))
        }
        await server.server.drain(within: .milliseconds(1))
    }

    @Test func `HTTP 1.0 and Connection close end the connection and say so`() async throws {
        let server = try await TestServer()
        for request in ["GET /P HTTP/1.0\r\n\r\n", "GET /P HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"] {
            for path in ["/now", "/task"] {
                let answer = try server.talk(request.replacing("/P", with: path) + "GET /now HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(answer.contains("\r\nConnection: close\r\n"))
                #expect(answer.count(of: "HTTP/1.1") == 1)
            }
        }
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\n\r\n", 400, "no_host"),
        ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 5\r\n\r\n", 400, "bad_content_length"),
        ("GET / HTTP/3.0\r\n\r\n", 505, "version_not_supported"), ("CONNECT h:1 HTTP/1.1\r\n\r\n", 501, "connect_not_supported"),
        ("GET / HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\n", 417, "unknown_expectation"),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n", 413, "body_too_large"),
    ])
    func `a refused request gets one answer and the connection ends`(text: String, status: Int, code: String) async throws {
        let server = try await TestServer()
        let answer = try server.talk(text + "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
        #expect(answer.contains("\r\nConnection: close\r\n"))
        #expect(answer.hasSuffix("\r\n\r\n\(code)\n"))
        #expect(answer.count(of: "HTTP/1.1") == 1)
    }

    @Test(arguments: [(8_000, 200), (64_000, 431), (1_000_000, 431)])
    func `a head over the limit is refused, however much of it comes`(size: Int, status: Int) async throws {
        let server = try await TestServer()
        let client = try server.connect()
        client.send("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX: \(String(repeating: "x", count: size))\r\n\r\n")
        #expect(client.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 \(status) "))
    }

    @Test func `answers without a body have none`() async throws {
        let server = try await TestServer { request, responder in
            let status = Int(String(decoding: request.head.path.dropFirst(), as: UTF8.self)) ?? 200
            try await responder.send(ResponseHead(status: status), body: Array("body".utf8))
        }
        let client = try server.connect()
        let length = "Content-Length: 4\r\n"
        for (line, framing) in [("HEAD /", length), ("GET /304", ""), ("GET /204", ""), ("HEAD /now", length)] {
            client.send("\(line) HTTP/1.1\r\nHost: h\r\n\r\n")
            let answer = client.receive(until: "\r\n\r\n")
            #expect(answer.hasSuffix("\r\n\r\n"))
            #expect(framing.isEmpty ? !answer.contains("Content-Length") : answer.contains(framing))
        }
    }

    @Test func `HEAD of a stream says its length and sends none of it`() async throws {
        let server = try await TestServer { _, responder in
            let writer = try await responder.stream(ResponseHead(status: 200), length: 1000)
            try await writer.finish()
        }
        let client = try server.connect()
        for _ in 0..<2 {
            client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
            let answer = client.receive(until: "\r\n\r\n")
            #expect(answer.contains("\r\nContent-Length: 1000\r\n"))
        }
    }

    @Test func `framing fields of a handler are refused and the client gets a 500`() async throws {
        for name in ["Content-Length", "Transfer-Encoding", "Connection"] {
            let server = try await TestServer { _, responder in
                var head = ResponseHead(status: 200)
                head.fields.append(name, "1")
                let failure = await responder.failure(sending: head)
                #expect(failure == .invalidMessage)
            }
            #expect(try server.talk("GET / HTTP/1.1\r\nHost: h\r\n\r\n").hasPrefix("HTTP/1.1 500 "))
        }
    }

    @Test func `a dropped responder is a 500 and a close`() async throws {
        let server = try await TestServer { _, _ in }
        let answer = try server.talk("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 500 Internal Server Error\r\n"))
        #expect(answer.contains("\r\nConnection: close\r\n"))
    }

    @Test func `a dropped writer cuts the connection before the last chunk`() async throws {
        let server = try await TestServer { _, responder in
            let writer = try await responder.stream(ResponseHead(status: 200), length: nil)
            try await writer.write(Array("half".utf8))
        }
        let answer = try server.talk("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(answer.hasSuffix("4\r\nhalf\r\n"))
    }

    @Test func `a Date of the handler's is kept`() async throws {
        let server = try await TestServer { _, responder in
            try await responder.send(ResponseHead(status: 200, fields: ["Date": "then", "X": "1"]))
        }
        let client = try server.connect()
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(client.receive(until: "\r\n\r\n") == "HTTP/1.1 200 OK\r\nDate: then\r\nX: 1\r\nContent-Length: 0\r\n\r\n")
    }

    @Test func `an idle connection and a slow head are ended in time`() async throws {
        var limits = ServerLimits.patient
        limits.headerTime = .milliseconds(100)
        limits.idleTime = .milliseconds(100)
        let server = try await TestServer(limits: limits)
        #expect(try server.talk("") == "")
        #expect(try server.talk("GET / HTTP/1.1\r\nHost:").hasPrefix("HTTP/1.1 408 "))
        #expect(try server.talk("GET /now HTTP/1.1\r\nHost: h\r\n\r\n").hasSuffix("now\n"))
        let trickle = try server.connect()
        var sent = 0
        while sent < 100, trickle.send("G") {
            usleep(20_000)
            sent += 1
        }
        #expect(sent < 100)
    }

    @Test func `many connections are served over several loops`() async throws {
        let server = try await TestServer(loops: 2)
        let clients = try (0..<500).map { _ in try server.connect() }
        for round in 0..<3 {
            for client in clients { client.send("GET /\(round % 2 == 0 ? "now" : "x") HTTP/1.1\r\nHost: h\r\n\r\n") }
            let end = round % 2 == 0 ? "now\n" : "GET /x "
            for client in clients { #expect(client.receive(until: end).hasSuffix(end)) }
        }
    }

    @Test func `over the limit of connections the next waits its turn`() async throws {
        var limits = ServerLimits.patient
        limits.connections = 2
        let server = try await TestServer(limits: limits)
        var clients = try (0..<3).map { _ in try server.connect() }
        for client in clients { client.send("GET /now HTTP/1.1\r\nHost: h\r\n\r\n") }
        #expect(clients[0].receive(until: "now\n").hasSuffix("now\n"))
        #expect(clients[1].receive(until: "now\n").hasSuffix("now\n"))
        clients.removeFirst()
        #expect(clients[1].receive(until: "now\n").hasSuffix("now\n"))
    }

    @Test(arguments: ["/now", "/x"])
    func `a connection that has served as often as it may ends behind the answer, and what is left is not answered`(
        target: String
    ) async throws {
        var limits = ServerLimits.patient
        limits.requestsPerConnection = 3
        let server = try await TestServer(limits: limits)
        let answers = try server.talk(String(repeating: "GET \(target) HTTP/1.1\r\nHost: h\r\n\r\n", count: 5))
        #expect(answers.components(separatedBy: "HTTP/1.1 ").count - 1 == 3)
        let last = try #require(answers.range(of: "Connection: close\r\n"))
        #expect(answers[..<last.lowerBound].components(separatedBy: "HTTP/1.1 ").count - 1 == 3)
    }

    @Test(arguments: ["/now", "/x"])
    func `a connection that is old enough ends behind its next answer`(target: String) async throws {
        var limits = ServerLimits.patient
        limits.connectionTime = .zero
        let server = try await TestServer(limits: limits)
        let answer = try server.talk("GET \(target) HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(answer.contains("\r\nConnection: close\r\n"))
    }

    @Test func `another handler and other limits hold from the next request on, over the connections that are open`() async throws
    {
        let started = Latch()
        let release = Latch()
        let server = try await TestServer(loops: 2) { _, responder in
            started.open()
            await release.wait()
            try await responder.send(ResponseHead(status: 200), body: Array("before".utf8))
        }
        let (idle, active, halfway) = (try server.connect(), try server.connect(), try server.connect())
        idle.send("GET /now HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(idle.receive(until: "now\n").hasSuffix("now\n"))
        active.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await started.wait()
        halfway.send("GET /now HTTP/1.1\r\nHo")
        var limits = ServerLimits()
        limits.headerBytes = 100
        await server.server.replace(
            handler: TestHandler { _, responder in
                try await responder.send(ResponseHead(status: 200), body: Array("after".utf8))
            }, limits: limits)
        idle.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(idle.receive(until: "after").hasSuffix("after"))
        release.open()
        #expect(active.receive(until: "before").hasSuffix("before"))
        active.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(active.receive(until: "after").hasSuffix("after"))
        halfway.send("st: h\r\n\r\n")
        #expect(halfway.receive(until: "now\n").hasSuffix("now\n"))
        for client in [idle, halfway] {
            client.send("GET / HTTP/1.1\r\nHost: h\r\nX: \(String(repeating: "x", count: 100))\r\n\r\n")
            #expect(client.receiveAll().hasPrefix("HTTP/1.1 431 "))
        }
    }

    @Test func `a drain lets active requests finish and closes idle connections`() async throws {
        let started = Latch()
        let release = Latch()
        let server = try await TestServer { _, responder in
            started.open()
            await release.wait()
            try await responder.send(ResponseHead(status: 200), body: Array("done".utf8))
        }
        let idle = try server.connect()
        idle.send("GET /now HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(idle.receive(until: "now\n").hasSuffix("now\n"))
        let active = try server.connect()
        active.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await started.wait()
        // On the loop, since the lines below block a thread of the pool.
        let drain = Task(executorPreference: server.group.loops[0]) { await server.server.drain(within: Patience.time) }
        #expect(idle.receiveAll() == "")
        release.open()
        let answer = active.receiveAll()
        #expect(answer.contains("\r\nConnection: close\r\n"))
        #expect(answer.hasSuffix("done"))
        await drain.value
        #expect(throws: RawClient.Failure.self) { try server.connect() }
    }

    @Test func `a drain cuts what does not finish in time`() async throws {
        let started = Latch()
        let server = try await TestServer { request, responder in
            started.open()
            let gone = Latch()
            request.client.whenGone { gone.open() }
            await gone.wait()
            let failure = await responder.failure(sending: ResponseHead(status: 200))
            #expect(failure == .disconnected)
        }
        let client = try server.connect()
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await started.wait()
        await server.server.drain(within: .milliseconds(50))
        #expect(client.receiveAll() == "")
    }

    @Test func `an address that is taken or none is said so`() async throws {
        let server = try await TestServer()
        await #expect { try await HTTPServer(group: server.group, host: "localhost", port: 0, handler: Nobody()) } throws: {
            ($0 as? HTTPError)?.code == .invalidMessage
        }
        await #expect { try await HTTPServer(group: server.group, host: "192.0.2.1", port: 0, handler: Nobody()) } throws: {
            ($0 as? HTTPError)?.code == .unavailable
        }
    }

    @TaskLocal private static var mark = 0

    @Test func `a request finds nothing of the one before it, whose task it takes over`() async throws {
        let server = try await TestServer { request, responder in
            let body = Array("\(Self.mark)".utf8)
            var slot: Responder? = consume responder
            // The next one begins while this one is answered.
            try await Self.$mark.withValue(1) {
                if let responder = slot.take() { try await responder.send(ResponseHead(status: 200), body: body) }
            }
        }
        let client = try server.connect()
        let request = "GET / HTTP/1.1\r\nHost: h\r\n"
        client.send("\(request)\r\n\(request)\r\n\(request)Connection: close\r\n\r\n")
        #expect(client.receiveAll().count(of: "\r\n\r\n0") == 3)
    }

    private struct Nobody: RequestHandler {
        func handle(_ request: Request, _ responder: consuming Responder) async {}
    }
}

extension String {
    /// How often `part` stands in it.
    func count(of part: String) -> Int { self.ranges(of: part).count }

    /// What stands after each `start` up to the next `end`.
    func components(between start: String, and end: String) -> [String] {
        self.split(separator: end, omittingEmptySubsequences: true).compactMap { part in
            part.firstRange(of: start).map { String(part[$0.upperBound...]) }
        }
    }
}
