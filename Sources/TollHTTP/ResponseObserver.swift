// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Whoever wants to know what became of a response: logs and metrics. Called in the handler's task; must not wait.
public protocol ResponseObserver: Sendable {
    /// A head was handed to the engine.
    func began(_ head: ResponseHead)
    /// So many bytes of body were accepted by the engine.
    func wrote(byteCount: Int)
}

/// A channel that tells what passes through it.
struct ObservedChannel: ResponseChannel {
    let channel: any ResponseChannel
    let observer: any ResponseObserver

    func send(_ head: ResponseHead, body: [UInt8]) async throws(HTTPError) {
        self.observer.began(head)
        try await self.channel.send(head, body: body)
        self.observer.wrote(byteCount: body.count)
    }

    func start(_ head: ResponseHead, length: UInt64?) async throws(HTTPError) {
        self.observer.began(head)
        try await self.channel.start(head, length: length)
    }

    func write(_ bytes: [UInt8]) async throws(HTTPError) {
        try await self.channel.write(bytes)
        self.observer.wrote(byteCount: bytes.count)
    }

    func upgrade(_ head: ResponseHead) async throws(HTTPError) -> BodyStream {
        self.observer.began(head)
        return try await self.channel.upgrade(head)
    }

    func finish(trailers: Fields) async throws(HTTPError) { try await self.channel.finish(trailers: trailers) }

    func responderReleased() { self.channel.responderReleased() }

    func writerReleased() { self.channel.writerReleased() }
}
