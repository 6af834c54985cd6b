// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// A request without a body that is passed on as it is, and its answer passed back: what ``RequestHandler/handle(_:_:)`` would
/// come to, in steps that an engine takes within its own events. No task waits, and nothing is made for one.
///
/// The engine sends what ``outgoing`` and ``fill(_:of:from:)`` say, unless the client is gone: then the passage is ``unused()``.
/// One of three ends what was sent: ``answer(_:to:)``, which ``sent(_:byteCount:to:from:)`` follows, ``abandoned(_:from:)`` or
/// ``handle(_:_:_:)``. All but the last are called on the loop and must not wait.
public protocol Passage: AnyObject, Sendable {
    /// Whom it goes to and for how long, without target, fields and body. Plain HTTP, and no switch of protocols.
    var outgoing: ClientRequest { get }

    /// Nothing was sent, and nothing is going to be: the client was gone already.
    func unused()

    /// Appends the fields that the server behind is to get; again where a connection broke and another takes its place.
    func fill(_ fields: inout Fields, of head: RequestHead, from peer: PeerAddress)

    /// The whole answer is here: makes of its head what the client is to get. Framing fields are the engine's to write.
    func answer(_ head: inout ResponseHead, to request: RequestHead)

    /// The answer was handed to the kernel.
    ///
    /// - Parameter byteCount: Of the body; 0 where the client was gone.
    func sent(_ status: Int, byteCount: Int, to request: RequestHead, from peer: PeerAddress)

    /// The client has gone away, and with it the call of the server behind.
    func abandoned(_ request: RequestHead, from peer: PeerAddress)

    /// Called in a task where the answer is more than a whole short one, or there is none.
    func handle(
        _ outcome: Result<ClientResponse, HTTPError>, _ request: consuming Request, _ responder: consuming Responder) async
}
