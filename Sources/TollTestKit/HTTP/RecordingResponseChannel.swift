// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
public import TollHTTP
public import TollPrimitives

/// What a handler answered.
public struct RecordedResponse: Sendable {
    /// The head.
    public var head: ResponseHead
    /// The body as far as it was written.
    public var body: [UInt8]
    /// Whether the handler brought it to its end.
    public var isWhole: Bool
    /// What came after the body.
    public var trailers: Fields

    /// The status.
    public var status: Int { self.head.status }
    /// The body as JSON; null when it is none.
    public var json: JSON { (try? JSON(parsing: self.body)) ?? .null }

    /// A response by its parts.
    public init(head: ResponseHead, body: [UInt8], isWhole: Bool, trailers: Fields = [:]) {
        self.head = head
        self.body = body
        self.isWhole = isWhole
        self.trailers = trailers
    }

    /// The first field of this name.
    public subscript(_ name: FieldName) -> String? { self.head.fields.firstText(name) }

    /// The body as text.
    public var text: String { String(decoding: self.body, as: UTF8.self) }
}

/// A connection that keeps what it is sent, or fails when told to: hand `Responder(channel)` to a handler and look here after.
public final class RecordingResponseChannel: ResponseChannel {
    private let state = Mutex<RecordedResponse?>(nil)
    private let beforeFirstByte: @Sendable () async throws(HTTPError) -> Void

    /// A channel.
    ///
    /// - Parameter beforeFirstByte: Runs before anything is taken; when it throws, so does the send, and nothing is taken.
    public init(beforeFirstByte: @escaping @Sendable () async throws(HTTPError) -> Void = {}) {
        self.beforeFirstByte = beforeFirstByte
    }

    /// A channel whose client is gone.
    public static func disconnected() -> RecordingResponseChannel {
        RecordingResponseChannel { () async throws(HTTPError) in throw HTTPError(.disconnected, "the client is gone") }
    }

    /// What was sent; nil when nothing was.
    public var response: RecordedResponse? { self.state.withLock { $0 } }

    /// Keeps a whole response.
    public func send(_ head: ResponseHead, body: [UInt8]) async throws(HTTPError) {
        try await self.beforeFirstByte()
        self.state.withLock { $0 = RecordedResponse(head: head, body: body, isWhole: true) }
    }

    /// Keeps a head whose body follows.
    public func start(_ head: ResponseHead, length: UInt64?) async throws(HTTPError) {
        try await self.beforeFirstByte()
        self.state.withLock { $0 = RecordedResponse(head: head, body: [], isWhole: false) }
    }

    /// Keeps one piece of body.
    public func write(_ bytes: [UInt8]) async throws(HTTPError) {
        self.state.withLock { $0?.body += bytes }
    }

    /// Notes that the body is whole.
    public func finish(trailers: Fields) async throws(HTTPError) {
        self.state.withLock { response in
            response?.isWhole = true
            response?.trailers = trailers
        }
    }

    /// Keeps a head behind which HTTP is left; the client sends nothing.
    public func upgrade(_ head: ResponseHead) async throws(HTTPError) -> BodyStream {
        try await self.start(head, length: nil)
        return .empty
    }

    /// Nothing: a channel without an answer says so by having none.
    public func responderReleased() {}
    /// Nothing: an unfinished body says so by not being whole.
    public func writerReleased() {}
}
