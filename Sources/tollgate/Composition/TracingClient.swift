// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollHTTP
import TollRuntime

private let (traceParent, traceState): (FieldName, FieldName) = ("traceparent", "tracestate")

/// Sends each call in the trace of the request that it is made for: to upstreams, nodes and facilitators alike.
struct TracingClient<Client: HTTPClient>: HTTPClient {
    let client: Client

    func send(_ request: consuming ClientRequest) async throws(HTTPError) -> ClientResponse {
        Self.addTrace(to: &request.fields)
        return try await self.client.send(consume request)
    }

    private static func addTrace(to fields: inout Fields) {
        guard let context = RequestContext.current else { return }
        fields.remove(traceParent)
        fields.append("traceparent".utf8Span.span) { context.trace.append(traceparentTo: &$0) }
        // Whoever could not be understood about the trace is not quoted about it either (W3C Trace Context §3.3).
        if !context.continuesTrace { fields.remove(traceState) }
    }
}
