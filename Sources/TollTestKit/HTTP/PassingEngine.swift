// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP

extension Passage {
    /// Does with a passage what the engine does, over any client.
    ///
    /// - Parameter channel: Gets the answer; one that is disconnected stands for a client that is gone when it comes.
    public func carry(
        _ head: RequestHead, from peer: PeerAddress, by client: any HTTPClient, to channel: RecordingResponseChannel
    ) async {
        var request = self.outgoing
        request.target = head.target
        self.fill(&request.fields, of: head, from: peer)
        let outcome: Result<ClientResponse, HTTPError>
        do throws(HTTPError) { outcome = .success(try await client.send(request)) } catch { outcome = .failure(error) }
        if case .success(var answer) = outcome, let body = answer.body.whole, answer.length == UInt64(body.count),
            head.method != .head, !answer.head.isBodyless
        {
            let status = answer.head.status
            self.answer(&answer.head, to: head)
            let isSent = (try? await channel.send(answer.head, body: body)) != nil
            self.sent(status, byteCount: isSent ? body.count : 0, to: head, from: peer)
        } else if case .failure(let error) = outcome, error.code == .cancelled {
            self.abandoned(head, from: peer)
        } else {
            await self.handle(outcome, Request(head: head, peer: peer), Responder(channel))
        }
    }
}
