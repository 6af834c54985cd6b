// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// The body of a response under way. When nobody holds it any more the exchange is given up.
final class ClientBodySource: BodySource {
    private let exchange: LoopBound<ClientExchange>
    private let trailerBox: TrailerBox

    init(_ exchange: LoopBound<ClientExchange>, _ trailers: TrailerBox) {
        self.exchange = exchange
        self.trailerBox = trailers
    }

    deinit { self.exchange.execute { $0.abandon() } }

    func next() async throws(HTTPError) -> [UInt8]? {
        if let piece = self.exchange.ifCurrent?.takeBody() { return try piece.get() }
        return try await withTaskCancellationHandler {
            await withLoopContinuation { waiter in
                self.exchange.execute { $0.awaitBody(waiter) }
            }
        } onCancel: {
            self.exchange.execute { $0.cancel() }
        }.get()
    }

    var trailers: Fields { self.trailerBox.fields }
}

/// Carries a request's body from its stream to the connection, no faster than the peer takes it.
struct ClientUpload: Sendable {
    private let exchange: LoopBound<ClientExchange>
    private let length: UInt64?

    init(_ exchange: LoopBound<ClientExchange>, length: UInt64?) {
        self.exchange = exchange
        self.length = length
    }

    func run(_ stream: BodyStream) async {
        var encoder = self.length.map { BodyEncoder.length($0) } ?? .chunked
        do throws(HTTPError) {
            while let piece = try await stream.next() {
                var bytes: [UInt8] = []
                try encoder.append(piece, to: &bytes)
                guard await self.send(bytes, isLast: false) else { return }
            }
            var bytes: [UInt8] = []
            try encoder.finish(trailers: stream.trailers, to: &bytes)
            _ = await self.send(bytes, isLast: true)
        } catch {
            self.exchange.execute { $0.uploadFailed(error) }
        }
    }

    /// False when the peer takes no more; what it says to that is the response.
    private func send(_ bytes: [UInt8], isLast: Bool) async -> Bool {
        if case .success = await self.exchange.send(bytes, isLast: isLast) { true } else { false }
    }
}

/// Sends after a switch of protocols. Who drops the response's body gives this up with it.
struct ClientTunnel: TunnelSink {
    private let exchange: LoopBound<ClientExchange>

    init(_ exchange: LoopBound<ClientExchange>) { self.exchange = exchange }

    func write(_ bytes: [UInt8]) async throws(HTTPError) { try await self.exchange.send(bytes, isLast: false).get() }

    func end() { self.exchange.execute { $0.endTunnel() } }
}

extension LoopBound<ClientExchange> {
    /// Returns when the peer has room for more.
    fileprivate func send(_ bytes: [UInt8], isLast: Bool) async -> Result<Void, HTTPError> {
        await withLoopContinuation { waiter in
            self.execute { exchange in
                if let result = exchange.send(bytes, isLast: isLast) {
                    waiter.resume(returning: result)
                } else {
                    exchange.awaitSend(waiter)
                }
            }
        }
    }
}
