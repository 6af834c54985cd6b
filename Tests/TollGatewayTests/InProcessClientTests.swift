// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollEVM
import TollGateway
import TollHTTP
import TollHTTPEngine
import TollPrimitives
import TollTestKit

/// A handler of this process in the place of an upstream.
@Suite struct InProcessClientTests {
    /// A handler made of a closure.
    struct Handler: RequestHandler {
        let body: @Sendable (Request, consuming Responder) async -> Void

        init(_ body: @escaping @Sendable (Request, consuming Responder) async -> Void) { self.body = body }

        func handle(_ request: Request, _ responder: consuming Responder) async { await self.body(request, responder) }
    }

    static let origin = Origin(scheme: .http, host: "handler.invalid")

    /// Deadlines that never pass.
    static func client(_ body: @escaping @Sendable (Request, consuming Responder) async -> Void) -> InProcessClient {
        InProcessClient(Handler(body)) { _ in try await Task.sleep(for: .seconds(86_400)) }
    }

    static func request(_ method: TollHTTP.Method = .get, body: ClientBody = .none) -> ClientRequest {
        ClientRequest(method, self.origin, target: Array("/a?b=%2F".utf8), fields: ["X-Own": "1"], body: body)
    }

    @Test func `a handler sees the request as a server would, and its answer comes back whole`() async throws {
        let client = Self.client { request, responder in
            let body = (try? await request.body.collect(upTo: 100)) ?? []
            let head = request.head
            let text = "\(head.method) \(String(decoding: head.target, as: UTF8.self)) \(head.fields.firstText("host") ?? "") "
            try? await responder.send(
                ResponseHead(status: 201, fields: ["X-Seen": head.fields.firstText("x-own") ?? ""]), body: Array(text.utf8) + body
            )
        }
        let answer = try await client.send(Self.request(.post, body: .bytes(Array("hello".utf8))))
        #expect(answer.head.status == 201 && answer.head.fields.firstText("x-seen") == "1")
        let body = try await answer.body.collect(upTo: 1_000)
        #expect(String(decoding: body, as: UTF8.self) == "POST /a?b=%2F handler.invalid hello")
        #expect(answer.length == UInt64(body.count))
    }

    @Test func `a body streams piece by piece, with its trailers`() async throws {
        let client = Self.client { _, responder in
            guard let writer = try? await responder.stream(ResponseHead(status: 200), length: nil) else { return }
            for piece in 1...100 { try? await writer.write([UInt8(piece)]) }
            try? await writer.write([])
            try? await writer.finish(trailers: ["X-Sum": "5050"])
        }
        let answer = try await client.send(Self.request())
        var pieces: [[UInt8]] = []
        while let piece = try await answer.body.next() { pieces.append(piece) }
        #expect(pieces == (1...100).map { [UInt8($0)] })
        #expect(answer.body.trailers.firstText("x-sum") == "5050")
        #expect(try await answer.body.next() == nil)
    }

    @Test func `a HEAD has no body, whatever the handler sends`() async throws {
        let client = Self.client { _, responder in try? await responder.send(ResponseHead(status: 200), body: [1, 2, 3]) }
        let answer = try await client.send(Self.request(.head))
        #expect(answer.length == 3)
        #expect(try await answer.body.next() == nil)
    }

    @Test func `a handler that ends without an answer, or in the middle of one, is an error`() async throws {
        let silent = Self.client { _, _ in }
        await #expect(throws: HTTPError.self) { _ = try await silent.send(Self.request()) }
        let cut = Self.client { _, responder in
            guard let writer = try? await responder.stream(ResponseHead(status: 200), length: nil) else { return }
            try? await writer.write([1])
        }
        let answer = try await cut.send(Self.request())
        #expect(try await answer.body.next() == [1])
        await #expect(throws: HTTPError.self) { _ = try await answer.body.next() }
    }

    @Test func `a handler that takes too long is given up, and told`() async throws {
        let isCancelled = Mutex(false)
        let (passes, pass) = AsyncStream.makeStream(of: Void.self)
        let client = InProcessClient(
            Handler { _, responder in
                pass.yield()
                while !Task.isCancelled { await Task.yield() }
                try? await responder.send(ResponseHead(status: 200))
                isCancelled.withLock { $0 = true }
            },
            sleep: { _ in for await _ in passes { return } })
        let error = await #expect(throws: HTTPError.self) { _ = try await client.send(Self.request()) }
        #expect(error?.code == .timedOut)
        while !isCancelled.withLock({ $0 }) { await Task.yield() }
    }

    @Test func `a writer whose reader has gone ends`() async throws {
        let error = Mutex<HTTPError?>(nil)
        let client = Self.client { _, responder in
            do throws(HTTPError) {
                let writer = try await responder.stream(ResponseHead(status: 200), length: nil)
                while true { try await writer.write([1]) }
            } catch let failure { error.withLock { $0 = failure } }
        }
        do {
            let answer = try await client.send(Self.request())
            #expect(try await answer.body.next() == [1])
        }
        while error.withLock({ $0 }) == nil { await Task.yield() }
        #expect(error.withLock { $0?.code } == .disconnected)
    }

    @Test func `a gateway sells what a handler answers`() async throws {
        let client = Self.client { request, responder in
            let payer = request.head.fields.firstText("tollgate-payer") ?? ""
            try? await responder.send(ResponseHead(status: 200), body: Array(payer.utf8))
        }
        let bench = try Bench(client: client)
        #expect(try await bench.ask().status == 402)
        let paid = try await bench.pay(try await bench.credential())
        #expect(paid.status == 200 && paid.receipt["success"] == true)
        #expect(paid.text == Bench.payer.address.description)
    }
}
