// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// Whoever has an exchange done within the loop's events, with no task that waits for it.
protocol ClientCaller: AnyObject {
    /// Writes the request's head: again where the exchange begins anew. Why it cannot be sent; nil when it can.
    func writeHead(of request: ClientRequest, with scratch: inout ClientScratch) -> String?

    /// The whole response is here, and its body is as long as was said. The last word, as is ``ended(_:)``.
    func answered(_ head: inout ResponseHead, _ body: [UInt8])

    /// A response is here that is to be pulled or has no body, or there is none.
    func ended(_ outcome: Result<ClientResponse, HTTPError>)
}

/// Memory that exchanges use within one event.
struct ClientScratch {
    /// The fields of a request.
    var fields = Fields()
    /// A request's head as it is sent.
    var head: [UInt8] = []
    /// Where the head of a response is read into.
    var response = ResponseHead(status: 0)
    /// Where a short body is read into.
    var body: [UInt8] = []

    /// More than this is not kept for the next exchange.
    private static let keptMax = 16 * 1024

    /// Takes back what a response was read into.
    mutating func keep(_ head: inout ResponseHead, _ body: inout [UInt8]) {
        if head.fields.storedByteCount <= Self.keptMax {
            head.status = 0
            head.fields.removeAll()
            swap(&head, &self.response)
        }
        guard body.count <= Self.keptMax else { return }
        body.removeAll(keepingCapacity: true)
        swap(&body, &self.body)
    }
}
