// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
public import TollHTTP

/// A handler of this process, called as if it were a server: what a gateway has for its client where the API that it protects
/// is a handler and not an origin.
///
/// Of the handler only ``RequestHandler/handle(_:_:)`` is called. Bodies pass piece by piece, and a writer waits for its reader.
public struct InProcessClient: HTTPClient {
    private let handler: any RequestHandler
    private let sleep: @Sendable (Duration) async throws -> Void

    /// - Parameter sleep: Returns after a duration, or throws when its task is cancelled before; for deadlines.
    public init(
        _ handler: any RequestHandler,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.handler = handler
        self.sleep = sleep
    }

    public func send(_ request: ClientRequest) async throws(HTTPError) -> ClientResponse {
        var fields = request.fields
        if !fields.contains(.host) { fields.append("Host", request.origin.authority) }
        let (body, framing): (BodyStream, BodyFraming) =
            switch request.body {
            case .none: (.empty, .none)
            case .bytes(let bytes): (BodyStream(bytes), .length(UInt64(bytes.count)))
            case .stream(let stream, let length): (stream, length.map { .length($0) } ?? .chunked)
            }
        let head = RequestHead(method: request.method, target: request.target, fields: fields, framing: framing)
        let call = Request(head: head, peer: PeerAddress(ip: "127.0.0.1", port: 0), body: body)
        let (channel, handler, sleep) = (InProcessChannel(isHead: request.method == .head), self.handler, self.sleep)
        let work = Task { await handler.handle(call, Responder(channel)) }
        let timer = Task {
            try await sleep(request.deadline)
            channel.fail(HTTPError(.timedOut, "the handler took longer than \(request.deadline)"))
            work.cancel()
        }
        defer { timer.cancel() }
        return try await channel.response()
    }
}

/// What a handler answers, on its way to whoever called it.
private final class InProcessChannel: ResponseChannel {
    private enum Answer {
        case expected
        case awaited(CheckedContinuation<Result<ClientResponse, HTTPError>, Never>)
        case here(Result<ClientResponse, HTTPError>)
        case given
    }

    private let isHead: Bool
    private let answer = Mutex(Answer.expected)
    private let pipe = Pipe()

    init(isHead: Bool) { self.isHead = isHead }

    func response() async throws(HTTPError) -> ClientResponse {
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<ClientResponse, HTTPError>, Never>) in
            let here = self.answer.withLock { answer -> Result<ClientResponse, HTTPError>? in
                guard case .here(let result) = answer else {
                    answer = .awaited(continuation)
                    return nil
                }
                answer = .given
                return result
            }
            if let here { continuation.resume(returning: here) }
        }
        return try result.get()
    }

    /// The first answer counts.
    private func give(_ result: Result<ClientResponse, HTTPError>) {
        let waiting = self.answer.withLock { answer -> CheckedContinuation<Result<ClientResponse, HTTPError>, Never>? in
            switch answer {
            case .expected: answer = .here(result)
            case .awaited(let continuation):
                answer = .given
                return continuation
            case .here, .given: break
            }
            return nil
        }
        waiting?.resume(returning: result)
    }

    func fail(_ error: HTTPError) { self.give(.failure(error)) }

    func send(_ head: ResponseHead, body: [UInt8]) async throws(HTTPError) {
        let hasBody = !self.isHead && !head.isBodyless
        self.give(.success(ClientResponse(head: head, length: UInt64(body.count), body: hasBody ? BodyStream(body) : .empty)))
    }

    func start(_ head: ResponseHead, length: UInt64?) async throws(HTTPError) {
        let hasBody = !self.isHead && !head.isBodyless
        self.give(
            .success(ClientResponse(head: head, length: length, body: hasBody ? BodyStream(PipeEnd(self.pipe)) : .empty)))
    }

    func write(_ bytes: [UInt8]) async throws(HTTPError) {
        if !bytes.isEmpty { try await self.pipe.write(bytes) }
    }

    func finish(trailers: Fields) async throws(HTTPError) { self.pipe.finish(trailers) }
    func responderReleased() { self.fail(HTTPError(.malformed, "the handler ended without an answer")) }
    func writerReleased() { self.pipe.cut() }
}

/// One piece at a time from a writer to a reader.
private final class Pipe: Sendable {
    private struct State {
        var piece: [UInt8]?
        /// Set at the end: the trailers, or why it is cut short.
        var end: Result<Fields, HTTPError>?
        var isReaderGone = false
        var reader: CheckedContinuation<Void, Never>?
        var writer: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// Changes the state, and lets whoever waits look again.
    private func change<Value: Sendable>(_ body: @Sendable (inout State) -> Value) -> Value {
        let (value, reader, writer) = self.state.withLock { state in
            let value = body(&state)
            defer { (state.reader, state.writer) = (nil, nil) }
            return (value, state.reader, state.writer)
        }
        reader?.resume()
        writer?.resume()
        return value
    }

    /// Returns when the reader has taken it.
    func write(_ bytes: [UInt8]) async throws(HTTPError) {
        self.change { $0.piece = bytes }
        while !self.state.withLock({ $0.piece == nil || $0.isReaderGone }) {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isDone = self.state.withLock { state in
                    if state.piece == nil || state.isReaderGone { return true }
                    state.writer = continuation
                    return false
                }
                if isDone { continuation.resume() }
            }
        }
        guard !self.state.withLock({ $0.isReaderGone }) else { throw HTTPError(.disconnected, "nobody reads any more") }
    }

    func finish(_ trailers: Fields) { self.change { $0.end = $0.end ?? .success(trailers) } }
    func cut() { self.change { $0.end = $0.end ?? .failure(HTTPError(.disconnected, "the handler stopped in its answer")) } }
    func leave() { self.change { $0.isReaderGone = true } }

    var trailers: Fields { self.state.withLock { (try? $0.end?.get()) ?? Fields() } }

    func next() async throws(HTTPError) -> [UInt8]? {
        while true {
            let (piece, end) = self.change { state in
                defer { state.piece = nil }
                return (state.piece, state.piece == nil ? state.end : nil)
            }
            if let piece { return piece }
            if let end {
                _ = try end.get()
                return nil
            }
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isHere = self.state.withLock { state in
                    if state.piece != nil || state.end != nil { return true }
                    state.reader = continuation
                    return false
                }
                if isHere { continuation.resume() }
            }
        }
    }
}

/// The reader's end of a pipe: when it is dropped the writer learns it.
private final class PipeEnd: BodySource {
    private let pipe: Pipe

    init(_ pipe: Pipe) { self.pipe = pipe }

    deinit { self.pipe.leave() }

    var trailers: Fields { self.pipe.trailers }

    func next() async throws(HTTPError) -> [UInt8]? { try await self.pipe.next() }
}
