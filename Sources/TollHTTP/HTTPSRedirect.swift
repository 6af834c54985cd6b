// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Sends every client to the same place over TLS (308, RFC 9110 §15.4.9), method and body included. It serves nothing else.
///
/// Only requests for the configured host are redirected, and only there: whoever asks for another host gets 421, so that no
/// `Host` of a client's choosing ever stands in a `Location`.
public final class HTTPSRedirect: RequestHandler {
    private let target: Mutex<Origin>

    /// - Parameter origin: Where clients are sent.
    public init(to origin: Origin) { self.target = Mutex(origin) }

    /// Sends them elsewhere from now on.
    public func replace(origin: Origin) { self.target.withLock { $0 = origin } }

    public func receive(_ head: RequestHead, peer: PeerAddress, answer: inout ImmediateAnswer) -> Disposition {
        let origin = self.target.withLock { $0 }
        let isOurs = head.authority.flatMap { Authority($0) }?.host == origin.host && head.target.first == 0x2F
        var response = ResponseHead(status: isOurs ? 308 : 421)
        if isOurs { response.fields.append("Location", origin.description + String(decoding: head.target, as: UTF8.self)) }
        ResponseSerializer.append(response, framing: .length(0), date: answer.dateField, to: &answer.bytes)
        return .answered
    }

    /// Never called: everything is answered at once.
    public func handle(_ request: Request, _ responder: consuming Responder) async {}
}
