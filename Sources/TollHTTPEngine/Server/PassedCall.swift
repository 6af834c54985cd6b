// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// A request that is passed on within the loop's events: stands between its client's connection and the exchange with the server
/// behind.
final class PassedCall: ClientCaller {
    private let passage: any Passage
    private(set) var head: RequestHead
    /// Nil once it has its answer, or the client has gone away.
    private var connection: ServerConnection?
    private var exchange: ClientExchange?

    init(_ passage: any Passage, _ head: consuming RequestHead, of connection: ServerConnection) {
        self.passage = passage
        self.head = head
        self.connection = connection
    }

    func start(in shard: ClientShard) {
        let exchange = ClientExchange(self.passage.outgoing, limits: shard.limits)
        self.exchange = exchange
        exchange.start(in: shard, for: self)
    }

    /// Hands out the head, for its memory.
    func takeHead() -> RequestHead {
        var head = RequestHead(method: .get, target: [])
        swap(&head, &self.head)
        return head
    }

    /// The client has gone away.
    func clientGone() {
        guard let connection = self.connection.take() else { return }
        self.exchange.take()?.cancel()
        self.passage.abandoned(self.head, from: connection.peer)
    }

    // MARK: ClientCaller

    func writeHead(of request: ClientRequest, with scratch: inout ClientScratch) -> String? {
        guard let connection = self.connection else { return "the client has gone away" }
        scratch.fields.removeAll()
        self.passage.fill(&scratch.fields, of: self.head, from: connection.peer)
        if let fault = ClientMessage.fault(in: scratch.fields) { return fault }
        scratch.head.removeAll(keepingCapacity: true)
        RequestSerializer.append(
            self.head.method, target: self.head.target, host: request.origin.authority, fields: scratch.fields,
            framing: ClientMessage.framing(of: request), to: &scratch.head)
        return nil
    }

    func answered(_ head: inout ResponseHead, _ body: [UInt8]) {
        self.exchange = nil
        guard let connection = self.connection.take() else { return }
        self.passage.answer(&head, to: self.head)
        var body = body
        // As for any handler: what cannot be sent as it is becomes a 500.
        if ServerExchange.fault(in: head) != nil { (head, body) = (ResponseHead(status: 500), []) }
        let isSent = connection.answer(self, head, body)
        self.passage.sent(head.status, byteCount: isSent ? body.count : 0, to: self.head, from: connection.peer)
        connection.answered(self)
    }

    func ended(_ outcome: Result<ClientResponse, HTTPError>) {
        let exchange = self.exchange.take()
        guard let connection = self.connection.take() else { return }
        connection.handle(self, by: Ending(passage: self.passage, outcome: outcome), cancelling: exchange)
    }

    /// What a task does in the end.
    private struct Ending: RequestHandler {
        let passage: any Passage
        let outcome: Result<ClientResponse, HTTPError>

        func handle(_ request: consuming Request, _ responder: consuming Responder) async {
            await self.passage.handle(self.outcome, request, responder)
        }
    }
}
