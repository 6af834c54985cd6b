// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// The engine's side of one response.
public protocol ResponseChannel: Sendable {
    /// Sends a whole response. Returns when the kernel has accepted its last byte.
    func send(_ head: ResponseHead, body: [UInt8]) async throws(HTTPError)
    /// Sends the head of a response whose body follows.
    func start(_ head: ResponseHead, length: UInt64?) async throws(HTTPError)
    /// Sends one piece of body. Returns when the engine wants more.
    func write(_ bytes: [UInt8]) async throws(HTTPError)
    /// Ends the body. Returns when the kernel has accepted its last byte.
    func finish(trailers: Fields) async throws(HTTPError)
    /// Sends a 101 with `Connection: Upgrade`; what is written then goes out as it is. Returns what the client sends.
    func upgrade(_ head: ResponseHead) async throws(HTTPError) -> BodyStream
    /// The responder is gone: when no answer was begun the engine sends 500. Called once per response, from any thread.
    func responderReleased()
    /// The writer is gone: when the body is unfinished the engine cuts the connection. Called once, from any thread.
    func writerReleased()
}

extension ResponseChannel {
    /// Switches to nothing.
    public func upgrade(_ head: ResponseHead) async throws(HTTPError) -> BodyStream {
        throw HTTPError(.invalidMessage, "this engine switches no protocols")
    }
}

/// The right to answer one request, once. Dropped without an answer it makes the engine answer 500 and close.
public struct Responder: ~Copyable, Sendable {
    private let channel: any ResponseChannel
    private var observer: (any ResponseObserver)?

    /// For engines, real and in memory.
    public init(_ channel: some ResponseChannel) { self.channel = channel }

    deinit { self.channel.responderReleased() }

    /// Tells `observer` of the response.
    public mutating func observe(by observer: any ResponseObserver) { self.observer = observer }

    /// Answers with a whole response, head and body in one write.
    ///
    /// The engine writes `Content-Length` and, unless the head has one, `Date`; for `HEAD`, 204 and 304 it leaves
    /// the body out. Returns only when the kernel has accepted every byte.
    ///
    /// - Throws: `disconnected` when the client is gone, also when nothing was written; `timedOut` when it does not
    ///   read; `invalidMessage` when the head has framing fields or a status below 200 (the client then gets a 500).
    public consuming func send(_ head: ResponseHead, body: [UInt8] = []) async throws(HTTPError) {
        self.observer?.began(head)
        try await self.channel.send(head, body: body)
        self.observer?.wrote(byteCount: body.count)
    }

    /// Answers with a head now and a body in pieces.
    ///
    /// - Parameter length: The body's size when known, else it goes out chunked (HTTP/1.0: until close). For `HEAD`
    ///   it is what `Content-Length` says; nothing may be written then.
    public consuming func stream(_ head: ResponseHead, length: UInt64?) async throws(HTTPError) -> ResponseWriter {
        self.observer?.began(head)
        try await self.channel.start(head, length: length)
        return ResponseWriter(self.channel, self.observer)
    }

    /// Switches protocols: answers 101 with this head, which has an `Upgrade` field, and hands the connection over. It is closed
    /// when the writer is finished.
    public consuming func upgrade(_ head: ResponseHead) async throws(HTTPError) -> ResponseWriter {
        self.observer?.began(head)
        let input = try await self.channel.upgrade(head)
        return ResponseWriter(self.channel, self.observer, input: input)
    }
}

/// The body of a response under way. Dropped unfinished it cuts the connection, so that the client sees the loss.
public struct ResponseWriter: ~Copyable, Sendable {
    private let channel: any ResponseChannel
    private let observer: (any ResponseObserver)?
    /// What the client sends after the switch of protocols; empty without one.
    public let input: BodyStream

    fileprivate init(_ channel: any ResponseChannel, _ observer: (any ResponseObserver)?, input: BodyStream = .empty) {
        self.channel = channel
        self.observer = observer
        self.input = input
    }

    deinit { self.channel.writerReleased() }

    /// Sends one piece. Returns when there is room for more: awaiting it is the back-pressure.
    public func write(_ bytes: [UInt8]) async throws(HTTPError) {
        try await self.channel.write(bytes)
        self.observer?.wrote(byteCount: bytes.count)
    }

    /// Ends the body. Returns only when the kernel has accepted every byte. Trailers are sent in a chunked body only.
    ///
    /// - Throws: `invalidMessage` when fewer bytes were written than announced.
    public consuming func finish(trailers: Fields = Fields()) async throws(HTTPError) {
        try await self.channel.finish(trailers: trailers)
    }
}
