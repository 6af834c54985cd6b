// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollHTTP

/// Turns the gateway's answer into one that the proxy understands: leave to pass stays as it is, and nothing else is a 2xx.
final class AdmissionChannel: ResponseChannel {
    static let challengeField: FieldName = "tollgate-challenge"

    private struct State: ~Copyable {
        var responder: Responder?
        /// An answer under way that is sent when it is whole: the gateway's own are short.
        var head: ResponseHead?
        var body: [UInt8] = []
    }

    private let kept: KeptAnswers?
    private let state: Mutex<State>

    /// - Parameter kept: Where what the proxy cannot relay is kept; nil when it relays everything.
    init(_ responder: consuming Responder, keeping kept: KeptAnswers?) {
        self.kept = kept
        self.state = Mutex(State(responder: consume responder))
    }

    func send(_ head: ResponseHead, body: [UInt8]) async throws(HTTPError) {
        guard let responder = self.state.withLock({ $0.responder.take() }) else {
            throw HTTPError(.invalidMessage, "answered twice")
        }
        if head.status == 200, head.fields.contains(AdmissionClient.field) {
            try await responder.send(head)
        } else if let kept {
            let id = kept.keep(KeptAnswers.Answer(head: head, body: body))
            var fields: Fields = ["Cache-Control": "no-store"]
            fields.append(Self.challengeField, id.utf8)
            try await responder.send(ResponseHead(status: 401, fields: fields))
        } else if (200..<300).contains(head.status) {
            // A preflight, for one. To the proxy any 2xx is leave to pass.
            let problem = GatewayProblem.notRelayed
            try await responder.send(problem.head, body: problem.body)
        } else {
            try await responder.send(head, body: body)
        }
    }

    func start(_ head: ResponseHead, length: UInt64?) async throws(HTTPError) {
        self.state.withLock { $0.head = head }
    }

    func write(_ bytes: [UInt8]) async throws(HTTPError) {
        self.state.withLock { $0.body += bytes }
    }

    func finish(trailers: Fields) async throws(HTTPError) {
        let (head, body) = self.state.withLock { ($0.head, $0.body) }
        guard let head else { throw HTTPError(.invalidMessage, "finished before it was begun") }
        try await self.send(head, body: body)
    }

    func responderReleased() {}

    /// The answer was left unfinished: with the right to answer, the engine says so.
    func writerReleased() {
        _ = self.state.withLock { $0.responder.take() }
    }
}
