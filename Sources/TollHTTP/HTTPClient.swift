// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Sends requests. Never follows a redirect, never repeats what may have reached the peer unless the method is
/// idempotent, never changes the target's bytes.
public protocol HTTPClient: Sendable {
    /// Sends a request and returns when the head of its response is here. Whole short bodies are here with it.
    ///
    /// - Parameter request: Given away: a client that adds to it need not copy it first.
    /// - Throws: Also when a deadline passes or the task is cancelled. `isBeforeSend` tells whether the peer can
    ///   have seen anything.
    func send(_ request: consuming ClientRequest) async throws(HTTPError) -> ClientResponse
}

/// A request to send.
public struct ClientRequest: Sendable {
    /// Whom to connect to.
    public var origin: Origin
    /// The method.
    public var method: Method
    /// The target in origin-form, sent byte for byte.
    public var target: [UInt8]
    /// The fields. `Host` is added from the origin when missing; framing and `Connection` are the client's to write.
    public var fields: Fields
    /// The body.
    public var body: ClientBody
    /// The longest time from the call to the response's head, connecting included.
    public var deadline: Duration
    /// The longest silence while a body is sent or received.
    public var bodyIdle: Duration
    /// The protocol to switch to (RFC 9110 §7.8), as `websocket`: the client writes `Upgrade` and `Connection`, and takes a 101
    /// for an answer.
    public var upgrade: String?
    /// How long one attempt to connect may take; nil for the client's own limit.
    public var connectTime: Duration?
    /// Connections that may be open to the origin, in each loop; nil for the client's own limit. Plain HTTP and switches of
    /// protocols only.
    public var connectionMax: Int?
    /// How the origin is spoken to over TLS.
    public var security = ClientSecurity()
    /// For whom it is sent: when they go away, at whatever point, the exchange is given up as if its task were cancelled.
    /// Whoever gives one finishes it in the end: until then it holds the exchange.
    public var caller: ClientSignal?

    /// A request. Defaults: no body, 30 s to the head, 30 s of silence in a body.
    public init(
        _ method: Method,
        _ origin: Origin,
        target: [UInt8],
        fields: Fields = Fields(),
        body: ClientBody = .none,
        deadline: Duration = .seconds(30),
        bodyIdle: Duration = .seconds(30)
    ) {
        self.origin = origin
        self.method = method
        self.target = target
        self.fields = fields
        self.body = body
        self.deadline = deadline
        self.bodyIdle = bodyIdle
    }

    /// A request for a URL.
    public init(_ method: Method, _ url: URLParts, fields: Fields = Fields(), body: ClientBody = .none) {
        self.init(method, url.origin, target: url.target, fields: fields, body: body)
    }
}

/// How an `https` origin is spoken to. Its certificate is verified whatever this says.
public struct ClientSecurity: Hashable, Sendable {
    /// A PEM file of the authorities that its certificate may be from; nil for those that the client trusts anyway.
    public var authorities: String?
    /// Whether HTTP/2 is offered.
    public var allowsHTTP2: Bool

    /// By default the system's authorities, and HTTP/2.
    public init(authorities: String? = nil, allowsHTTP2: Bool = true) {
        self.authorities = authorities
        self.allowsHTTP2 = allowsHTTP2
    }
}

/// The body of a request to send.
public enum ClientBody: Sendable {
    /// None: no framing field is sent.
    case none
    /// Bytes at hand, sent with the head.
    case bytes([UInt8])
    /// A stream, of known length or chunked.
    case stream(BodyStream, length: UInt64?)
}

/// A response received.
public struct ClientResponse: Sendable {
    /// The head. Fields are as received; use ``Fields/removeHopByHop()`` before passing them on.
    public var head: ResponseHead
    /// What `Content-Length` says; nil when there is none. For `HEAD` the body is empty all the same.
    public var length: UInt64?
    /// The body. Drop it to give up the rest. After a 101 it is what the peer sends.
    public var body: BodyStream
    /// Sends to the peer after a 101; nil otherwise.
    public var tunnel: (any TunnelSink)?

    /// A response put together by hand, for tests and in-memory clients.
    public init(head: ResponseHead, length: UInt64? = nil, body: BodyStream = .empty) {
        self.head = head
        self.length = length
        self.body = body
    }
}
