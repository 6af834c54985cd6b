// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollHTTP
import TollHTTPEngine
import TollTestKit

/// A server on a free loopback port whose handler is a closure per test. `/now` is answered at once.
struct TestServer {
    let server: HTTPServer
    let group: EventLoopGroup

    var port: UInt16 { self.server.port }

    var origin: Origin { Origin(scheme: .http, host: "127.0.0.1", port: self.port) }

    typealias Handle = @Sendable (Request, consuming Responder) async throws -> Void

    init(
        limits: ServerLimits = .patient, loops: Int = 1,
        endpoints: [ServerEndpoint] = [ServerEndpoint(.tcp(host: "127.0.0.1", port: 0))],
        _ handle: @escaping Handle = Self.describe
    ) async throws {
        self.group = try EventLoopGroup(count: loops)
        self.server = try await HTTPServer(
            group: self.group,
            endpoints: endpoints,
            handler: TestHandler(handle: handle),
            limits: limits
        )
    }

    func connect(receiveBuffer: Int32? = nil) throws -> RawClient { try RawClient(port: self.port, receiveBuffer: receiveBuffer) }

    /// Sends text on a new connection and returns everything until the close.
    func talk(_ text: String) throws -> String {
        let client = try self.connect()
        client.send(text)
        return client.receiveAll()
    }

    /// Answers with the request's method, target and body.
    static let describe: Handle = { request, responder in
        let body = try await request.body.collect(upTo: 1 << 20)
        let line = "\(request.head.method) \(String(decoding: request.head.target, as: UTF8.self)) "
        try await responder.send(ResponseHead(status: 200), body: Array(line.utf8) + body)
    }

    /// Sends back what comes, as it comes.
    static let echo: Handle = { request, responder in
        let writer = try await responder.stream(ResponseHead(status: 200), length: nil)
        while let piece = try await request.body.next() { try await writer.write(piece) }
        try await writer.finish(trailers: request.body.trailers)
    }
}

struct TestHandler: RequestHandler {
    let handle: TestServer.Handle

    func receive(_ head: RequestHead, peer: PeerAddress, answer: inout ImmediateAnswer) -> Disposition {
        guard head.path.elementsEqual("/now".utf8) else { return .handle }
        let body = head.method == .head ? [] : Array("now\n".utf8)
        ResponseSerializer.append(ResponseHead(status: 402), framing: .length(4), date: answer.dateField, to: &answer.bytes)
        answer.bytes += body
        return .answered
    }

    func handle(_ request: Request, _ responder: consuming Responder) async {
        try? await self.handle(request, responder)
    }
}

/// Counts from any thread.
final class Counter: Sendable {
    private let count = Mutex(0)

    var value: Int { self.count.withLock { $0 } }

    func add(_ number: Int = 1) { self.count.withLock { $0 += number } }
}

/// Lets tasks wait until someone opens it.
final class Latch: Sendable {
    private struct State {
        var isOpen = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())

    var isOpen: Bool { self.state.withLock { $0.isOpen } }

    func open() {
        let waiters = self.state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func wait() async {
        await withCheckedContinuation { waiter in
            let isOpen = self.state.withLock { state in
                if !state.isOpen { state.waiters.append(waiter) }
                return state.isOpen
            }
            if isOpen { waiter.resume() }
        }
    }
}

extension Responder {
    /// Sends, and says how that failed; nil when it did not.
    consuming func failure(sending head: ResponseHead, body: [UInt8] = []) async -> HTTPError.Code? {
        do throws(HTTPError) {
            try await self.send(head, body: body)
            return nil
        } catch {
            return error.code
        }
    }
}

extension BodyStream {
    /// Reads everything, and says how that failed; nil when it did not.
    func failure(collecting limit: Int = 1000) async -> HTTPError.Code? {
        do throws(HTTPError) {
            _ = try await self.collect(upTo: limit)
            return nil
        } catch {
            return error.code
        }
    }
}
