// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing
import TollHTTP
import TollHTTPEngine
import TollTestKit

@Suite struct ServerBodyTests {
    static let host = "HTTP/1.1\r\nHost: h\r\n"

    @Test func `chunks go both ways, with trailers`() async throws {
        let server = try await TestServer(TestServer.echo)
        let client = try server.connect()
        client.send("POST / \(Self.host)Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n")
        let answer = client.receive(until: "X-T: 1\r\n\r\n")
        #expect(answer.contains("\r\nTransfer-Encoding: chunked\r\n"))
        #expect(answer.hasSuffix("\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n"))
        client.send("POST / \(Self.host)Content-Length: 2\r\n\r\nhi")
        #expect(client.receive(until: "0\r\n\r\n").hasSuffix("\r\n\r\n2\r\nhi\r\n0\r\n\r\n"))
    }

    @Test func `an answer flows while its request's body still comes`() async throws {
        let server = try await TestServer(TestServer.echo)
        let client = try server.connect()
        client.send("POST / \(Self.host)Transfer-Encoding: chunked\r\n\r\n")
        for piece in ["one", "two", "six"] {
            client.send("3\r\n\(piece)\r\n")
            #expect(client.receive(until: "\(piece)\r\n").hasSuffix("3\r\n\(piece)\r\n"))
        }
        client.send("0\r\n\r\n")
        #expect(client.receive(until: "0\r\n\r\n") == "0\r\n\r\n")
    }

    @Test func `100 Continue is sent when the body is asked for and not before`() async throws {
        let server = try await TestServer { request, responder in
            if request.head.path.elementsEqual("/refuse".utf8) {
                try await responder.send(ResponseHead(status: 403))
            } else {
                try await TestServer.describe(request, responder)
            }
        }
        let expect = "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        let client = try server.connect()
        client.send("PUT /a \(Self.host)\(expect)")
        #expect(client.receive(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
        client.send("hello")
        #expect(client.receive(until: "hello").hasSuffix("PUT /a hello"))
        for path in ["/refuse", "/now"] {
            let answer = try server.talk("PUT \(path) \(Self.host)\(expect)")
            #expect(!answer.contains("100 Continue"))
            #expect(answer.contains("\r\nConnection: close\r\n"))
        }
    }

    @Test(arguments: ["/now", "/refuse"])
    func `a body nobody wants is thrown away and the connection goes on`(path: String) async throws {
        let server = try await TestServer { _, responder in
            try await responder.send(ResponseHead(status: 403), body: Array("now\n".utf8))
        }
        let client = try server.connect()
        let body = String(repeating: "GET /smuggled HTTP/1.1\r\n\r\n", count: 4000)
        for _ in 0..<3 {
            client.send("POST \(path) \(Self.host)Content-Length: \(body.utf8.count)\r\n\r\n")
            let answer = client.receive(until: "now\n")
            #expect(answer.count(of: "HTTP/1.1") == 1)
            #expect(!answer.contains("Connection: close"))
            client.send(body)
        }
        client.send("GET /now \(Self.host)Connection: close\r\n\r\n")
        #expect(client.receiveAll().count(of: "HTTP/1.1") == 1)
    }

    @Test func `a body too large to throw away ends the connection after the answer`() async throws {
        let server = try await TestServer()
        let client = try server.connect()
        client.send("POST /now \(Self.host)Content-Length: 10000000\r\n\r\n")
        #expect(client.receive(until: "now\n").contains("\r\nConnection: close\r\n"))
        var taken = 0
        while taken < 10_000_000, client.send([UInt8](repeating: 0, count: 50_000)) { taken += 50_000 }
        #expect(taken < 10_000_000)
    }

    @Test func `a bad chunk fails the body and ends the connection`() async throws {
        let server = try await TestServer { request, responder in
            #expect(await request.body.failure() == .malformed)
            try await responder.send(ResponseHead(status: 400))
        }
        let chunks = "0x5\r\nhello\r\n0\r\n\r\nGET /now \(Self.host)\r\n"
        let answer = try server.talk("POST / \(Self.host)Transfer-Encoding: chunked\r\n\r\n\(chunks)")
        #expect(answer.hasPrefix("HTTP/1.1 400 "))
        #expect(answer.contains("\r\nConnection: close\r\n"))
        #expect(answer.count(of: "HTTP/1.1") == 1)
    }

    @Test func `a chunked body over the limit fails`() async throws {
        var limits = ServerLimits.patient
        limits.bodyBytes = 10
        let server = try await TestServer(limits: limits) { request, responder in
            #expect(await request.body.failure() == .tooLarge)
            try await responder.send(ResponseHead(status: 413))
        }
        let answer = try server.talk("POST / \(Self.host)Transfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 413 "))
    }

    @Test func `a body that stalls times out`() async throws {
        var limits = ServerLimits.patient
        limits.bodyIdleTime = .milliseconds(100)
        let server = try await TestServer(limits: limits) { request, responder in
            #expect(await request.body.failure() == .timedOut)
            try await responder.send(ResponseHead(status: 408))
        }
        let answer = try server.talk("POST / \(Self.host)Content-Length: 5\r\n\r\nhel")
        #expect(answer.hasPrefix("HTTP/1.1 408 "))
    }

    @Test func `a body that trickles has only so much time in all`() async throws {
        var limits = ServerLimits.patient
        limits.bodyIdleTime = .milliseconds(200)
        limits.bodyRate = 10_000
        let server = try await TestServer(limits: limits) { request, responder in
            #expect(await request.body.failure() == .timedOut)
            try await responder.send(ResponseHead(status: 408))
        }
        let client = try server.connect()
        client.send("POST / \(Self.host)Content-Length: 100000\r\n\r\n")
        var sent = 0
        while sent < 1000, client.send([1]) {
            usleep(10_000)
            sent += 1
        }
        #expect(sent < 1000)
    }

    @Test func `a client that hangs up is told of, and nothing is sent to it`() async throws {
        let started = Latch()
        let outcome = Latch()
        let server = try await TestServer { request, responder in
            let gone = Latch()
            request.client.whenGone { gone.open() }
            started.open()
            await gone.wait()
            #expect(request.client.isGone)
            let failure = await responder.failure(sending: ResponseHead(status: 200))
            #expect(failure == .disconnected)
            outcome.open()
        }
        let client = try server.connect()
        client.send("GET / \(Self.host)\r\n")
        await started.wait()
        client.shutdownWrite()
        #expect(client.receiveAll() == "")
        await outcome.wait()
    }

    @Test func `a half-closed client still gets an answer that needs no waiting`() async throws {
        let server = try await TestServer()
        let client = try server.connect()
        client.send("GET /now \(Self.host)\r\n")
        client.shutdownWrite()
        #expect(client.receiveAll().hasSuffix("now\n"))
    }

    @Test func `a slow reader holds the writer back`() async throws {
        let written = Counter()
        let server = try await TestServer { _, responder in
            let writer = try await responder.stream(ResponseHead(status: 200), length: 100_000_000)
            for _ in 0..<1000 {
                try await writer.write([UInt8](repeating: 1, count: 100_000))
                written.add(100_000)
            }
            try await writer.finish()
        }
        let client = try server.connect(receiveBuffer: 65536)
        client.send("GET / \(Self.host)\r\n")
        _ = client.receive(upTo: 1000)
        usleep(200_000)
        #expect(written.value < 20_000_000)
        var received = 0
        while received < 99_999_000, let piece = client.receive(), !piece.isEmpty { received += piece.count }
        #expect(written.value > 90_000_000)
    }

    @Test func `a slow consumer holds the client back`() async throws {
        let go = Latch()
        let server = try await TestServer { request, responder in
            _ = try await request.body.next()
            await go.wait()
            var count = 0
            while let piece = try await request.body.next() { count += piece.count }
            try await responder.send(ResponseHead(status: 200), body: Array("done".utf8))
        }
        let client = try server.connect()
        client.send("POST / \(Self.host)Content-Length: 60000000\r\n\r\n")
        let sent = Counter()
        let isSent = Latch()
        let sender = Thread {
            for _ in 0..<600 where client.send([UInt8](repeating: 1, count: 100_000)) { sent.add(100_000) }
            isSent.open()
        }
        sender.start()
        usleep(200_000)
        #expect(sent.value < 30_000_000)
        go.open()
        await isSent.wait()
        #expect(client.receive(until: "done").hasSuffix("done"))
    }

    @Test func `a client that does not read is given up`() async throws {
        var limits = ServerLimits.patient
        limits.writeIdleTime = .milliseconds(100)
        let ended = Latch()
        let server = try await TestServer(limits: limits) { _, responder in
            let body = [UInt8](repeating: 1, count: 50_000_000)
            let failure = await responder.failure(sending: ResponseHead(status: 200), body: body)
            #expect(failure != nil)
            ended.open()
        }
        let client = try server.connect(receiveBuffer: 65536)
        client.send("GET / \(Self.host)\r\n")
        await ended.wait()
        _ = client
    }
}
