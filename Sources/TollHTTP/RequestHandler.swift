// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// What the engine does next with a request.
public enum Disposition: Sendable {
    /// A complete response stands in the ``ImmediateAnswer``.
    case answered
    /// Pass the request on. Only where ``ImmediateAnswer/passesOn`` says that the engine does.
    case pass(any Passage)
    /// Make a task and call ``RequestHandler/handle(_:_:)``.
    case handle
}

/// Whoever serves requests. The engine calls it; it never sees a socket.
public protocol RequestHandler: Sendable {
    /// Called on the loop, in the read event, as soon as a head is complete. It must not wait: every other connection
    /// of the loop waits with it.
    ///
    /// To answer at once, append a complete serialized response to `answer.bytes` and return `.answered`. The bytes
    /// carry no `Connection` field: when the connection ends with this answer (HTTP/1.0, `Connection: close`, a body
    /// that is not worth reading) the engine inserts `Connection: close` after the status line and closes. For `HEAD`
    /// leave the body out. A request body is read and thrown away, up to ``ServerLimits/discardedBytes``.
    func receive(_ head: RequestHead, peer: PeerAddress, answer: inout ImmediateAnswer) -> Disposition

    /// Called in a task on the loop's executor, once per request for which `receive` returned `.handle`. Requests of
    /// one connection are handled one after the other. The task is not cancelled when the client goes away.
    ///
    /// - Parameter request: Given away: a handler that changes it need not copy it first.
    func handle(_ request: consuming Request, _ responder: consuming Responder) async
}

extension RequestHandler {
    /// Answers nothing at once.
    public func receive(_ head: RequestHead, peer: PeerAddress, answer: inout ImmediateAnswer) -> Disposition { .handle }
}

/// A request to be handled.
public struct Request: Sendable {
    /// The head.
    public var head: RequestHead
    /// Who has connected: the client, or a proxy in front.
    public var peer: PeerAddress
    /// The client's address, for limits and logs: the peer's, until a handler that trusts proxies in front knows better, see
    /// ``TrustedProxies``.
    public var clientIP: String
    /// The body. `100 Continue`, when the client waits for it, is sent when the first piece is asked for.
    public var body: BodyStream
    /// Tells when the client has gone away.
    public var client: ClientSignal

    /// A request put together by hand, for tests and in-memory engines.
    public init(head: RequestHead, peer: PeerAddress, body: BodyStream = .empty, client: ClientSignal = ClientSignal()) {
        self.head = head
        self.peer = peer
        self.clientIP = peer.ip
        self.body = body
        self.client = client
    }
}
