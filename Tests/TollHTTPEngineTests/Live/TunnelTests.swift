// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP
import TollHTTPEngine
import TollTestKit

/// Connections that leave HTTP (RFC 9110 §7.8).
@Suite struct TunnelTests {
    private static let switching = ResponseHead(status: 101, fields: ["Upgrade": "echo"])

    /// Sends back what comes, and ends when the client does.
    private static let echo: TestServer.Handle = { request, responder in
        let writer = try await responder.upgrade(Self.switching)
        let input = writer.input
        while let piece = try await input.next() { try await writer.write(piece) }
        try await writer.finish()
    }

    private static let ask = "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"

    private static func request(_ server: TestServer, _ method: TollHTTP.Method = .get) -> ClientRequest {
        var request = ClientRequest(
            method, server.origin, target: Array("/".utf8), deadline: .seconds(60), bodyIdle: .seconds(60))
        request.upgrade = "echo"
        return request
    }

    @Test func `the server passes bytes as they are, what came with the head first, and ends with the client`() async throws {
        let server = try await TestServer(Self.echo)
        let client = try server.connect()
        client.send(Self.ask + "early")
        let head = client.receive(until: "early")
        #expect(head.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n") && head.contains("\r\nConnection: Upgrade\r\n"))
        #expect(!head.contains("Content-Length") && !head.contains("Transfer-Encoding"))
        client.send("GET / HTTP/1.1\r\n\r\n")
        #expect(client.receive(until: "\r\n\r\n") == "GET / HTTP/1.1\r\n\r\n")
        client.shutdownWrite()
        #expect(client.receiveAll() == "")
    }

    @Test func `more than a body may have passes, no faster than it is read`() async throws {
        var limits = ServerLimits()
        limits.bodyBytes = 1_000
        let server = try await TestServer(limits: limits, Self.echo)
        let client = LoopHTTPClient(group: try EventLoopGroup(count: 1))
        let response = try await client.send(Self.request(server))
        #expect(response.head.status == 101)
        let tunnel = try #require(response.tunnel)
        let sent = (0..<512).map { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: 16_384) }
        async let upward: Void = {
            for piece in sent { try await tunnel.write(piece) }
            tunnel.end()
        }()
        var got: [UInt8] = []
        while let piece = try await response.body.next() { got += piece }
        try await upward
        #expect(got == sent.flatMap { $0 })
    }

    @Test func `dropping the client's end closes the server's`() async throws {
        let closed = Latch()
        let server = try await TestServer { request, responder in
            let writer = try await responder.upgrade(Self.switching)
            let input = writer.input
            while (try? await input.next()) != nil {}
            closed.open()
            try await writer.finish()
        }
        let client = LoopHTTPClient(group: try EventLoopGroup(count: 1))
        let caller = ClientSignal()
        var request = Self.request(server)
        request.caller = caller
        let response = try await client.send(request)
        #expect(response.tunnel != nil)
        caller.markGone()
        await closed.wait()
    }

    @Test func `over TLS more than one record passes both ways, to a server that proves its name`() async throws {
        let authority = try CertificateAuthority()
        let identity = try authority.issue("server", for: ["IP:127.0.0.1"]).identity()
        let server = try await TestServer(
            endpoints: [ServerEndpoint(.tcp(host: "127.0.0.1", port: 0), tls: ServerTLS([identity]))], Self.echo)
        let client = EngineHTTPClient(group: try EventLoopGroup(count: 1), authorities: authority.certificate)
        let response = try await client.send(Self.secure(server))
        #expect(response.head.status == 101)
        let tunnel = try #require(response.tunnel)
        let sent = (0..<64).map { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: 50_000) }
        async let upward: Void = {
            for piece in sent { try await tunnel.write(piece) }
            tunnel.end()
        }()
        var got: [UInt8] = []
        while let piece = try await response.body.next() { got += piece }
        try await upward
        // Not compared in the expectation, which would print megabytes.
        let isWhole = got == sent.flatMap { $0 }
        #expect(isWhole, "\(got.count) bytes came back")
    }

    @Test func `over TLS nothing is asked of a server of another name, of another authority, or without TLS`() async throws {
        let (authority, other) = (try CertificateAuthority(), try CertificateAuthority())
        let served = Counter()
        for (issuer, name, speaksTLS) in [
            (authority, "DNS:elsewhere.example", true), (other, "IP:127.0.0.1", true), (authority, "IP:127.0.0.1", false),
        ] {
            let identity = try issuer.issue("server", for: [name]).identity()
            let tls = speaksTLS ? ServerTLS([identity]) : nil
            let server = try await TestServer(endpoints: [ServerEndpoint(.tcp(host: "127.0.0.1", port: 0), tls: tls)]) { _, _ in
                served.add()
            }
            let client = LoopHTTPClient(group: try EventLoopGroup(count: 1), authorities: authority.certificate)
            let error = await ClientTests.failure(client, Self.secure(server))
            #expect(error?.code == .tls && error?.isBeforeSend == true, "\(name): \(String(describing: error))")
        }
        #expect(served.value == 0)
    }

    @Test func `over TLS a refusal is an answer, and the connection is not used again`() async throws {
        let authority = try CertificateAuthority()
        let identity = try authority.issue("server", for: ["IP:127.0.0.1"]).identity()
        let server = try await TestServer(
            endpoints: [ServerEndpoint(.tcp(host: "127.0.0.1", port: 0), tls: ServerTLS([identity]))]
        ) { request, responder in
            try await responder.send(ResponseHead(status: 403), body: Array("\(request.peer.port)".utf8))
        }
        let client = LoopHTTPClient(group: try EventLoopGroup(count: 1), authorities: authority.certificate)
        var ports: Set<[UInt8]> = []
        for _ in 0..<2 {
            let response = try await client.send(Self.secure(server))
            #expect(response.head.status == 403 && response.tunnel == nil)
            ports.insert(try await response.body.collect(upTo: 100))
        }
        #expect(ports.count == 2)
    }

    private static func secure(_ server: TestServer) -> ClientRequest {
        var request = Self.request(server)
        request.origin = Origin(scheme: .https, host: "127.0.0.1", port: server.port)
        return request
    }

    @Test func `whoever asks may be refused like anybody`() async throws {
        let server = try await TestServer()
        let client = LoopHTTPClient(group: try EventLoopGroup(count: 1))
        let response = try await client.send(Self.request(server))
        #expect(response.head.status == 200 && response.tunnel == nil)
    }

    @Test func `another protocol than asked for is no answer`() async throws {
        let server = try RawServer([
            .init(answers: ["HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n"], lingers: true)
        ])
        let client = LoopHTTPClient(group: try EventLoopGroup(count: 1))
        var request = ClientRequest(.get, ClientTests.origin(server.port), target: Array("/".utf8), deadline: .seconds(60))
        request.upgrade = "echo"
        #expect(await Self.failure(client, request) == .malformed)
    }

    @Test func `a tunnel that stands still ends`() async throws {
        let server = try await TestServer(Self.echo)
        let client = LoopHTTPClient(group: try EventLoopGroup(count: 1))
        var request = Self.request(server)
        request.bodyIdle = .milliseconds(50)
        let response = try await client.send(request)
        #expect(await response.body.failure() == .timedOut)
    }

    // MARK: - Whoever is not there any more

    private static func failure(_ client: LoopHTTPClient, _ request: ClientRequest) async -> HTTPError.Code? {
        do throws(HTTPError) {
            _ = try await client.send(request)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func `a call whose caller goes away is given up, before and within its answer`() async throws {
        let isAsked = Latch()
        let server = try await TestServer { request, responder in
            if request.head.target == Array("/slow".utf8) {
                isAsked.open()
                await withCheckedContinuation { done in request.client.whenGone { done.resume() } }
                return
            }
            let writer = try await responder.stream(ResponseHead(status: 200), length: nil)
            try await writer.write([1])
            await withCheckedContinuation { done in request.client.whenGone { done.resume() } }
        }
        let client = LoopHTTPClient(group: try EventLoopGroup(count: 1))
        let caller = ClientSignal()
        var slow = ClientRequest(.get, server.origin, target: Array("/slow".utf8), deadline: .seconds(60))
        slow.caller = caller
        let sent = slow
        async let code = Self.failure(client, sent)
        await isAsked.wait()
        caller.markGone()
        #expect(await code == .cancelled)
        let other = ClientSignal()
        var streaming = ClientRequest(
            .get, server.origin, target: Array("/".utf8), deadline: .seconds(60), bodyIdle: .seconds(60))
        streaming.caller = other
        let response = try await client.send(streaming)
        #expect(try await response.body.next() == [1])
        other.markGone()
        #expect(await response.body.failure() == .cancelled)
    }
}
