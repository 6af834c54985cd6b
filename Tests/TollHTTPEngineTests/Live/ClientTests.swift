// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP
import TollHTTPEngine
import TollTestKit

/// The clients a rule holds for.
enum ClientKind: String, Sendable, CaseIterable {
    case loop, curl

    func make(_ group: EventLoopGroup, limits: ClientLimits = .patient) -> any HTTPClient {
        switch self {
        case .loop: LoopHTTPClient(group: group, limits: limits)
        case .curl: CurlClient(group: group, limits: limits)
        }
    }
}

@Suite struct ClientTests {
    static func text(_ response: ClientResponse) async throws -> String {
        String(decoding: try await response.body.collect(upTo: 1 << 30), as: UTF8.self)
    }

    static func origin(_ port: UInt16) -> Origin { Origin(scheme: .http, host: "127.0.0.1", port: port) }

    static func failure(_ client: any HTTPClient, _ request: ClientRequest) async -> HTTPError? {
        do throws(HTTPError) {
            _ = try await client.send(request)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: ClientKind.allCases)
    func `a request goes out as it is and its answer comes back whole`(kind: ClientKind) async throws {
        let server = try await TestServer { request, responder in
            let body = try await request.body.collect(upTo: 100)
            let authority = "127.0.0.1:\(request.head.fields.firstText("x-port") ?? "")"
            #expect(request.head.authority?.elementsEqual(authority.utf8) == true)
            let line = "\(request.head.method) \(String(decoding: request.head.target, as: UTF8.self)) "
            let head = ResponseHead(status: 201, fields: ["X-Answer": "1", "x-answer": "2"])
            try await responder.send(head, body: Array(line.utf8) + body)
        }
        let client = kind.make(server.group)
        let target = Array("/a/%2e%2e/%2F//b?x=%41&%zz".utf8)
        var request = ClientRequest.patient(.patch, server.origin, target: target, fields: ["X-Port": "\(server.port)"])
        request.body = .bytes(Array("body".utf8))
        for _ in 0..<3 {
            let response = try await client.send(request)
            #expect(response.head.status == 201)
            #expect(response.head.fields.values(of: "X-Answer").map { String(decoding: $0, as: UTF8.self) } == ["1", "2"])
            let expected = "PATCH /a/%2e%2e/%2F//b?x=%41&%zz body"
            #expect(response.length == UInt64(expected.utf8.count))
            #expect(try await Self.text(response) == expected)
        }
    }

    @Test(arguments: ClientKind.allCases)
    func `bodies stream both ways`(kind: ClientKind) async throws {
        let server = try await TestServer(TestServer.echo)
        let client = kind.make(server.group)
        for length in [nil, UInt64(30_000_000)] {
            let pieces = Counter()
            let body = BodyStream { () throws(HTTPError) in
                guard pieces.value < 300 else { return nil }
                pieces.add()
                return [UInt8](repeating: UInt8(truncatingIfNeeded: pieces.value), count: 100_000)
            }
            var request = ClientRequest.patient(.post, server.origin, target: Array("/".utf8))
            request.body = .stream(body, length: length)
            let response = try await client.send(request)
            var count = 0
            while let piece = try await response.body.next() { count += piece.count }
            #expect(count == 30_000_000)
        }
    }

    @Test(arguments: ClientKind.allCases)
    func `the first piece is here before the last is made`(kind: ClientKind) async throws {
        let go = Latch()
        let server = try await TestServer { _, responder in
            let writer = try await responder.stream(ResponseHead(status: 200), length: nil)
            try await writer.write(Array("first".utf8))
            await go.wait()
            try await writer.write(Array("second".utf8))
            try await writer.finish()
        }
        let response = try await kind.make(server.group).send(ClientRequest.patient(.get, server.origin, target: Array("/".utf8)))
        #expect(try await response.body.next()?.elementsEqual("first".utf8) == true)
        go.open()
        #expect(try await response.body.next()?.elementsEqual("second".utf8) == true)
        #expect(try await response.body.next() == nil)
        #expect(try await response.body.next() == nil)
    }

    @Test(arguments: ClientKind.allCases)
    func `answers without a body end at once`(kind: ClientKind) async throws {
        let server = try await TestServer { request, responder in
            let isHead = request.head.method == .head
            try await responder.send(ResponseHead(status: isHead ? 200 : 304), body: isHead ? Array("body".utf8) : [])
        }
        let client = kind.make(server.group)
        for method in [Method.head, .get, .head] {
            let response = try await client.send(ClientRequest.patient(method, server.origin, target: Array("/".utf8)))
            #expect(response.length == (method == .head ? 4 : nil))
            #expect(try await Self.text(response) == "")
        }
    }

    @Test(arguments: ClientKind.allCases)
    func `a redirect is an answer and not followed`(kind: ClientKind) async throws {
        let server = try await TestServer { _, responder in
            try await responder.send(ResponseHead(status: 302, fields: ["Location": "/elsewhere"]))
        }
        let response = try await kind.make(server.group).send(ClientRequest.patient(.get, server.origin, target: Array("/".utf8)))
        #expect(response.head.status == 302)
    }

    @Test(arguments: ClientKind.allCases)
    func `nobody there is a failure to connect, before anything was sent`(kind: ClientKind) async throws {
        let (group, port) = (try EventLoopGroup(count: 1), try SilentPort())
        defer { withExtendedLifetime(port) {} }
        let client = kind.make(group)
        for host in ["127.0.0.1", "localhost", "no-such-name.invalid"] {
            let origin = Origin(scheme: .http, host: host, port: port.number)
            let error = await Self.failure(client, ClientRequest.patient(.post, origin, target: Array("/".utf8)))
            #expect(error?.code == .connectFailed)
            #expect(error?.isBeforeSend == true)
        }
    }

    @Test(arguments: ClientKind.allCases)
    func `a deadline ends the wait for a head`(kind: ClientKind) async throws {
        let release = Latch()
        let server = try await TestServer { _, responder in
            await release.wait()
            try await responder.send(ResponseHead(status: 200))
        }
        var request = ClientRequest.patient(.get, server.origin, target: Array("/".utf8))
        request.deadline = .milliseconds(100)
        let error = await Self.failure(kind.make(server.group), request)
        #expect(error?.code == .timedOut)
        #expect(error?.isBeforeSend == false)
        release.open()
    }

    @Test(arguments: ClientKind.allCases)
    func `a body that stalls times out, one that is only pulled late does not`(kind: ClientKind) async throws {
        let release = Latch()
        let server = try await TestServer { _, responder in
            let writer = try await responder.stream(ResponseHead(status: 200), length: nil)
            try await writer.write(Array("first".utf8))
            await release.wait()
        }
        var request = ClientRequest.patient(.get, server.origin, target: Array("/".utf8))
        request.bodyIdle = .milliseconds(150)
        let response = try await kind.make(server.group).send(request)
        #expect(try await response.body.next() != nil)
        #expect(await response.body.failure() == .timedOut)
        release.open()
    }

    @Test(arguments: ClientKind.allCases)
    func `cancelling the task ends the exchange`(kind: ClientKind) async throws {
        let started = Latch()
        let gone = Latch()
        let server = try await TestServer { request, responder in
            request.client.whenGone { gone.open() }
            started.open()
            await gone.wait()
            try await responder.send(ResponseHead(status: 200))
        }
        let client = kind.make(server.group)
        let origin = server.origin
        let task = Task { await Self.failure(client, ClientRequest.patient(.get, origin, target: Array("/".utf8))) }
        await started.wait()
        task.cancel()
        #expect(await task.value?.code == .cancelled)
        await gone.wait()
    }

    @Test(arguments: ClientKind.allCases)
    func `dropping a body ends the exchange`(kind: ClientKind) async throws {
        let gone = Latch()
        let server = try await TestServer { _, responder in
            let writer = try await responder.stream(ResponseHead(status: 200), length: nil)
            do throws(HTTPError) {
                while true { try await writer.write([UInt8](repeating: 1, count: 10_000)) }
            } catch {
                #expect(error.code == .disconnected)
                gone.open()
            }
        }
        let client = kind.make(server.group)
        do {
            let response = try await client.send(ClientRequest.patient(.get, server.origin, target: Array("/".utf8)))
            _ = try await response.body.next()
        }
        await gone.wait()
    }

    @Test(arguments: ClientKind.allCases)
    func `a body that is not pulled holds the server back`(kind: ClientKind) async throws {
        let written = Counter()
        let server = try await TestServer { _, responder in
            let writer = try await responder.stream(ResponseHead(status: 200), length: 100_000_000)
            for _ in 0..<1000 {
                try await writer.write([UInt8](repeating: 1, count: 100_000))
                written.add(100_000)
            }
            try await writer.finish()
        }
        let response = try await kind.make(server.group).send(ClientRequest.patient(.get, server.origin, target: Array("/".utf8)))
        _ = try await response.body.next()
        try await Task.sleep(for: .milliseconds(200))
        #expect(written.value < 20_000_000)
        var count = 0
        while let piece = try await response.body.next() { count += piece.count }
        #expect(count > 90_000_000)
        #expect(written.value == 100_000_000)
    }

    @Test(arguments: ClientKind.allCases)
    func `an answer to half a body is delivered`(kind: ClientKind) async throws {
        let server = try await TestServer { _, responder in
            try await responder.send(ResponseHead(status: 413), body: Array("too much".utf8))
        }
        let stalled = Latch()
        let first = Counter()
        let body = BodyStream { () throws(HTTPError) in
            first.add()
            if first.value > 1 { await stalled.wait() }
            return first.value > 1 ? nil : [UInt8](repeating: 1, count: 1000)
        }
        var request = ClientRequest.patient(.post, server.origin, target: Array("/".utf8))
        request.body = .stream(body, length: 2000)
        let response = try await kind.make(server.group).send(request)
        #expect(response.head.status == 413)
        #expect(try await Self.text(response) == "too much")
        stalled.open()
    }

    @Test(arguments: ClientKind.allCases)
    func `a request's body that fails is not taken for whole`(kind: ClientKind) async throws {
        let server = try await TestServer { request, responder in
            #expect(await request.body.failure() == .disconnected)
            try await responder.send(ResponseHead(status: 200))
        }
        let body = BodyStream { () throws(HTTPError) in throw HTTPError(.disconnected, "the client is gone") }
        for length in [nil, UInt64(100)] {
            var request = ClientRequest.patient(.post, server.origin, target: Array("/".utf8))
            request.body = .stream(body, length: length)
            #expect(await Self.failure(kind.make(server.group), request) != nil)
        }
    }

    @Test(arguments: ClientKind.allCases)
    func `what cannot be sent is refused before anything is`(kind: ClientKind) async throws {
        let server = try await TestServer()
        let client = kind.make(server.group)
        for target in ["", "a", "/a b", "/a#f", "/\r\nX: 1", "http://h/"] {
            let error = await Self.failure(client, ClientRequest.patient(.get, server.origin, target: Array(target.utf8)))
            #expect(error?.code == .invalidMessage)
            #expect(error?.isBeforeSend == true)
        }
        for name in ["Content-Length", "Transfer-Encoding", "Connection"] {
            var fields = Fields()
            fields.append(name, "1")
            let error = await Self.failure(
                client, ClientRequest.patient(.get, server.origin, target: Array("/".utf8), fields: fields))
            #expect(error?.code == .invalidMessage)
        }
    }

    @Test(arguments: ClientKind.allCases)
    func `many requests share few connections`(kind: ClientKind) async throws {
        let server = try await TestServer(loops: 2)
        var limits = ClientLimits.patient
        limits.connectionsPerOrigin = 4
        let client = kind.make(server.group, limits: limits)
        let origin = server.origin
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<300 {
                group.addTask {
                    let response = try await client.send(ClientRequest.patient(.get, origin, target: Array("/\(number)".utf8)))
                    return try await Self.text(response) == "GET /\(number) " ? 1 : 0
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(count == 300)
    }
}
