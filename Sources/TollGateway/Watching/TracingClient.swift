// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
internal import TollRuntime

private let (traceParent, traceState): (FieldName, FieldName) = ("traceparent", "tracestate")

/// Sends each call in the trace of the request that it is made for: to upstreams, nodes and facilitators alike.
public struct TracingClient<Client: HTTPClient>: HTTPClient {
    private let client: Client

    /// Sends by `client`.
    public init(_ client: Client) { self.client = client }

    /// Sends a request, which says where in the trace it belongs.
    public func send(_ request: consuming ClientRequest) async throws(HTTPError) -> ClientResponse {
        if let context = RequestContext.current {
            request.fields.setTrace(context.trace, isContinued: context.continuesTrace)
        }
        return try await self.client.send(consume request)
    }
}

extension Fields {
    /// Says where in a trace a message belongs (W3C Trace Context, 2021), in place of whatever it said.
    ///
    /// - Parameter isContinued: Whether the client could be understood about the trace: else it is not quoted about it either
    ///   (§3.3).
    mutating func setTrace(_ trace: TraceContext, isContinued: Bool) {
        self.remove(traceParent)
        self.appendParsed(name: "traceparent", room: TraceContext.byteCount) { trace.append(traceparentTo: &$0) }
        if !isContinued { self.remove(traceState) }
    }
}
