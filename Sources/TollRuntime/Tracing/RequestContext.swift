// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Synchronization

/// The request that a task works for: what every line that is logged meanwhile bears, and where in a trace its calls belong.
///
/// The one thing that is found and not passed on, since those who log and call are far from those who know the request.
public final class RequestContext: Sendable {
    /// That of the running task; nil outside of requests.
    @TaskLocal public static var current: RequestContext?

    /// Its place in a trace. The request's id in the logs is that of this part.
    public let trace: TraceContext
    /// Whether the client named the trace: then what else it said of it (`tracestate`) holds.
    public let continuesTrace: Bool
    private let found = Mutex<(payment: String?, upstreamTime: Duration)>((nil, .zero))

    /// A request at a place of a trace.
    public init(_ trace: TraceContext, continuesTrace: Bool) {
        self.trace = trace
        self.continuesTrace = continuesTrace
    }

    /// The payment that it turned out to be about; nil until then.
    public var payment: String? { self.found.withLock { $0.payment } }

    /// How long upstreams took for it so far.
    public var upstreamTime: Duration { self.found.withLock { $0.upstreamTime } }

    /// Notes the payment.
    public func note(payment: String) { self.found.withLock { $0.payment = payment } }

    /// Notes a call of an upstream.
    public func note(upstreamTook duration: Duration) { self.found.withLock { $0.upstreamTime += duration } }
}
