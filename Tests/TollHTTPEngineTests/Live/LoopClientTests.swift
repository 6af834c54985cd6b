// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP
import TollHTTPEngine
import TollTestKit

/// How the plain client treats servers that are not proper, and connections that go stale.
@Suite struct LoopClientTests {
    static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    typealias Outcome = Result<Int, HTTPError>

    static func status(_ client: LoopHTTPClient, _ port: UInt16, _ method: Method = .get, _ body: ClientBody = .none) async
        -> Outcome
    {
        var request = ClientRequest.patient(method, ClientTests.origin(port), target: Array("/".utf8), body: body)
        request.deadline = Patience.time
        do throws(HTTPError) {
            let response = try await client.send(request)
            _ = try await response.body.collect(upTo: 1000)
            return .success(response.head.status)
        } catch {
            return .failure(error)
        }
    }

    static func code(_ result: Outcome) -> HTTPError.Code? {
        if case .failure(let error) = result { error.code } else { nil }
    }

    @Test func `a connection is used again`() async throws {
        let server = try RawServer([.init(answers: [Self.ok, Self.ok, Self.ok])])
        let client = LoopHTTPClient(group: try EventLoopGroup(count: 1), limits: .patient)
        for _ in 0..<3 { #expect(await Self.status(client, server.port) == .success(200)) }
        #expect(server.requests.count == 3)
        #expect(server.requests[0] == "GET / HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n\r\n")
    }

    @Test func `a request on a stale connection is repeated once if repeating does no harm`() async throws {
        for (method, isRepeated) in [(Method.get, true), (.put, true), (.post, false), (.patch, false)] {
            // The server reads the second request and closes without a word: it may have acted on it.
            let server = try RawServer([.init(answers: [Self.ok, ""]), .init(answers: [Self.ok])])
            let client = LoopHTTPClient(group: try EventLoopGroup(count: 1), limits: .patient)
            #expect(await Self.status(client, server.port, method, .bytes([])) == .success(200))
            let second = await Self.status(client, server.port, method, .bytes([]))
            #expect(isRepeated ? second == .success(200) : Self.code(second) == .disconnected)
            #expect(server.requests.count == (isRepeated ? 3 : 2))
        }
    }

    @Test func `a request on a fresh connection is never repeated`() async throws {
        let server = try RawServer([.init(answers: [""]), .init(answers: [Self.ok])])
        let client = LoopHTTPClient(group: try EventLoopGroup(count: 1), limits: .patient)
        #expect(Self.code(await Self.status(client, server.port)) == .disconnected)
        #expect(server.requests.count == 1)
    }

    @Test func `a request is not repeated once a byte of its answer came, nor when its body streamed`() async throws {
        for (answer, body) in [("H", ClientBody.none), ("", .stream(BodyStream([]), length: 0))] {
            let server = try RawServer([.init(answers: [Self.ok, answer]), .init(answers: [Self.ok])])
            let client = LoopHTTPClient(group: try EventLoopGroup(count: 1), limits: .patient)
            #expect(await Self.status(client, server.port) == .success(200))
            #expect(Self.code(await Self.status(client, server.port, .get, body)) == .disconnected)
        }
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nok",
    ])
    func `an answer that is not HTTP is an error`(answer: String) async throws {
        let server = try RawServer([.init(answers: [answer], lingers: true)])
        let client = LoopHTTPClient(group: try EventLoopGroup(count: 1), limits: .patient)
        #expect(Self.code(await Self.status(client, server.port)) == .malformed)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
        "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 100 Continue\r\n\r\n",
    ])
    func `an answer that ends too early is an error`(answer: String) async throws {
        let server = try RawServer([.init(answers: [answer])])
        let client = LoopHTTPClient(group: try EventLoopGroup(count: 1), limits: .patient)
        #expect(Self.code(await Self.status(client, server.port)) == .disconnected)
    }

    @Test func `a body until close ends with the connection, and bytes behind an answer end it too`() async throws {
        let answers = [
            "HTTP/1.1 200 OK\r\n\r\nall of it", Self.ok + Self.ok,
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        ]
        for answer in answers {
            let server = try RawServer([.init(answers: [answer]), .init(answers: [Self.ok])])
            let client = LoopHTTPClient(group: try EventLoopGroup(count: 1), limits: .patient)
            #expect(await Self.status(client, server.port, .post) == .success(200))
            #expect(await Self.status(client, server.port, .post) == .success(200))
        }
    }

    @Test func `a head over the limit is an error`() async throws {
        let answer = "HTTP/1.1 200 OK\r\nX: \(String(repeating: "x", count: 100_000))\r\n\r\n"
        let server = try RawServer([.init(answers: [answer], lingers: true)])
        let client = LoopHTTPClient(group: try EventLoopGroup(count: 1), limits: .patient)
        #expect(Self.code(await Self.status(client, server.port)) == .tooLarge)
    }

    @Test func `who waits for a connection gets it, within a limit`() async throws {
        let started = Latch()
        let release = Latch()
        let server = try await TestServer { request, responder in
            started.open()
            await release.wait()
            try await responder.send(ResponseHead(status: 200))
        }
        var limits = ClientLimits.patient
        limits.connectionsPerOrigin = 1
        limits.waitingPerOrigin = 1
        let client = LoopHTTPClient(group: server.group, limits: limits)
        let port = server.port
        await withTaskGroup(of: Outcome.self) { group in
            group.addTask { await Self.status(client, port) }
            await started.wait()
            group.addTask { await Self.status(client, port) }
            group.addTask { await Self.status(client, port) }
            let turnedAway = await group.next()
            #expect(turnedAway.flatMap(Self.code) == .unavailable)
            release.open()
            for await outcome in group { #expect(outcome == .success(200)) }
        }
    }

    @Test func `an https origin is not for this client`() async throws {
        let client = LoopHTTPClient(group: try EventLoopGroup(count: 1), limits: .patient)
        let request = ClientRequest.patient(.get, Origin(scheme: .https, host: "h"), target: Array("/".utf8))
        #expect(await ClientTests.failure(client, request)?.code == .invalidMessage)
    }
}
