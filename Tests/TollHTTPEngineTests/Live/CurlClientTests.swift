// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP
import TollHTTPEngine
import TollTestKit

/// What libcurl does by itself and must not, seen over plain HTTP.
@Suite struct CurlClientTests {
    static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    static func status(_ client: CurlClient, _ port: UInt16, _ method: Method = .get) async -> Result<Int, HTTPError> {
        let body: ClientBody = method == .get ? .none : .bytes([1])
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

    @Test func `a request carries nothing that was not asked for`() async throws {
        let server = try RawServer([.init(answers: [Self.ok])])
        let client = CurlClient(group: try EventLoopGroup(count: 1), limits: .patient)
        let fields: Fields = ["X-One": "1", "X-Empty": ""]
        let request = ClientRequest.patient(
            .get, ClientTests.origin(server.port), target: Array("/a/../b?%zz".utf8), fields: fields)
        _ = try await client.send(request)
        let head = "GET /a/../b?%zz HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nX-One: 1\r\nX-Empty:\r\n\r\n"
        #expect(server.requests == [head])
    }

    @Test func `a request on a stale connection is repeated only if repeating does no harm`() async throws {
        for (method, isRepeated) in [(Method.get, true), (.post, false)] {
            let server = try RawServer([.init(answers: [Self.ok, ""]), .init(answers: [Self.ok])])
            let client = CurlClient(group: try EventLoopGroup(count: 1), limits: .patient)
            #expect(await Self.status(client, server.port) == .success(200))
            let second = await Self.status(client, server.port, method)
            #expect(isRepeated ? second == .success(200) : LoopClientTests.code(second) == .disconnected)
            #expect(server.requests.count == (isRepeated ? 3 : 2))
        }
    }

    @Test func `an answer's head and body have an end`() async throws {
        let long = "HTTP/1.1 200 OK\r\nX: \(String(repeating: "x", count: 100_000))\r\n\r\n"
        let twice = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"
        let short = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok"
        for (answer, code) in [(long, HTTPError.Code.tooLarge), (twice, .malformed), (short, .disconnected)] {
            let server = try RawServer([.init(answers: [answer])])
            let client = CurlClient(group: try EventLoopGroup(count: 1), limits: .patient)
            #expect(LoopClientTests.code(await Self.status(client, server.port)) == code)
        }
    }

    @Test func `a peer without TLS is a failure of TLS before anything was sent`() async throws {
        let server = try await TestServer()
        let client = EngineHTTPClient(group: server.group)
        let request = ClientRequest.patient(
            .post, Origin(scheme: .https, host: "127.0.0.1", port: server.port), target: Array("/".utf8))
        let error = await ClientTests.failure(client, request)
        #expect(error?.code == .tls)
        #expect(error?.isBeforeSend == true)
    }
}

@Suite struct TrailerTests {
    @Test(arguments: ClientKind.allCases)
    func `trailers are given after the body and kept apart`(kind: ClientKind) async throws {
        let server = try await TestServer { _, responder in
            let writer = try await responder.stream(ResponseHead(status: 200), length: nil)
            try await writer.write([UInt8](repeating: 1, count: 300_000))
            try await writer.finish(trailers: ["X-T": "1"])
        }
        let response = try await kind.make(server.group).send(ClientRequest.patient(.get, server.origin, target: Array("/".utf8)))
        #expect(try await response.body.collect(upTo: 1_000_000).count == 300_000)
        #expect(response.body.trailers == ["X-T": "1"])
        #expect(!response.head.fields.contains("x-t"))
    }
}
