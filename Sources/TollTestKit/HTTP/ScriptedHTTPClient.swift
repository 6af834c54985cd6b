// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
public import TollHTTP

/// An HTTP client without a network: keeps what it is asked to send and answers as the test says.
public final class ScriptedHTTPClient: HTTPClient {
    /// A request that was sent, its body read whole.
    public struct Sent: Sendable {
        /// The method.
        public let method: Method
        /// Origin and target as one URL.
        public let url: String
        /// The fields.
        public let fields: Fields
        /// The body.
        public let body: [UInt8]
        /// The trailers of a streamed body.
        public let trailers: Fields

        /// The body as text.
        public var text: String { String(decoding: self.body, as: UTF8.self) }
    }

    private let requests = Mutex<[Sent]>([])
    private let answer: @Sendable (Sent) async throws(HTTPError) -> ClientResponse

    /// A client whose every answer is `answer`'s.
    public init(_ answer: @escaping @Sendable (Sent) async throws(HTTPError) -> ClientResponse) {
        self.answer = answer
    }

    /// Everything that was sent, in order.
    public var sent: [Sent] { self.requests.withLock { $0 } }

    /// Keeps the request and answers as the script says.
    public func send(_ request: ClientRequest) async throws(HTTPError) -> ClientResponse {
        let body: [UInt8] =
            switch request.body {
            case .none: []
            case .bytes(let bytes): bytes
            case .stream(let stream, _): try await stream.collect(upTo: .max)
            }
        let url = request.origin.description + String(decoding: request.target, as: UTF8.self)
        let trailers: Fields = if case .stream(let stream, _) = request.body { stream.trailers } else { [:] }
        let sent = Sent(method: request.method, url: url, fields: request.fields, body: body, trailers: trailers)
        self.requests.withLock { $0.append(sent) }
        return try await self.answer(sent)
    }
}

extension ClientResponse {
    /// A whole response of this text.
    public static func text(_ text: String, status: Int = 200, type: String = "application/json") -> ClientResponse {
        ClientResponse(
            head: ResponseHead(status: status, fields: ["Content-Type": type]),
            length: UInt64(text.utf8.count),
            body: BodyStream(Array(text.utf8))
        )
    }
}
