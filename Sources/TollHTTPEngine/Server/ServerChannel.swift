// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// What a handler's task holds of an exchange: usable from every thread, quick on the loop's own.
struct ServerChannel: ResponseChannel, BodySource {
    private let exchange: LoopBound<ServerExchange>
    private let trailerBox: TrailerBox?

    init(_ exchange: LoopBound<ServerExchange>, _ trailers: TrailerBox?) {
        self.exchange = exchange
        self.trailerBox = trailers
    }

    // MARK: ResponseChannel

    func send(_ head: ResponseHead, body: [UInt8]) async throws(HTTPError) {
        // The usual way, where nothing is waited for, takes no memory.
        guard let exchange = self.exchange.ifCurrent else { return try await self.perform { $0.send(head, body: body) } }
        if let result = exchange.send(head, body: body) { return try result.get() }
        try await self.written()
    }

    func start(_ head: ResponseHead, length: UInt64?) async throws(HTTPError) {
        try await self.perform { $0.start(head, length: length) }
    }

    func write(_ bytes: [UInt8]) async throws(HTTPError) { try await self.perform { $0.write(bytes) } }

    func finish(trailers: Fields) async throws(HTTPError) { try await self.perform { $0.finish(trailers: trailers) } }

    func upgrade(_ head: ResponseHead) async throws(HTTPError) -> BodyStream {
        try await self.perform { $0.upgrade(head) }
        return BodyStream(self)
    }

    func responderReleased() { self.exchange.execute { $0.responderReleased() } }

    func writerReleased() { self.exchange.execute { $0.writerReleased() } }

    /// Runs `action` on the loop and waits when it says that the output has to be waited for.
    private func perform(
        _ action: @escaping @Sendable (ServerExchange) -> Result<Void, HTTPError>?
    ) async throws(HTTPError) {
        if let result = self.exchange.ifCurrent.map(action) {
            if let result { return try result.get() }
            return try await self.written()
        }
        try await withLoopContinuation { waiter in
            self.exchange.execute { exchange in
                if let result = action(exchange) { waiter.resume(returning: result) } else { exchange.awaitWrite(waiter) }
            }
        }.get()
    }

    /// Returns when the client has taken what waits for it.
    private func written() async throws(HTTPError) {
        try await withLoopContinuation { waiter in
            self.exchange.execute { $0.awaitWrite(waiter) }
        }.get()
    }

    // MARK: BodySource

    func next() async throws(HTTPError) -> [UInt8]? {
        if let piece = self.exchange.ifCurrent?.takeBody() { return try piece.get() }
        return try await withLoopContinuation { waiter in
            self.exchange.execute { $0.awaitBody(waiter) }
        }.get()
    }

    var trailers: Fields { self.trailerBox?.fields ?? Fields() }
}
