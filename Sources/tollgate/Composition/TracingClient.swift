// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollHTTP
import TollRuntime

/// Sends each call in the trace of the request that it is made for: to upstreams, nodes and facilitators alike.
struct TracingClient: HTTPClient {
    let client: any HTTPClient

    func send(_ request: ClientRequest) async throws(HTTPError) -> ClientResponse {
        guard let context = RequestContext.current else { return try await self.client.send(request) }
        var request = request
        request.fields.remove("traceparent")
        request.fields.append("traceparent", context.trace.traceparent)
        // Whoever could not be understood about the trace is not quoted about it either (W3C Trace Context §3.3).
        if !context.continuesTrace { request.fields.remove("tracestate") }
        return try await self.client.send(request)
    }
}
