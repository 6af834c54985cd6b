// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollHTTP
public import TollRuntime

/// One request while it is served: collects what the access log and the metrics say of it in the end.
final class ServedRequest: ResponseObserver {
    /// What it came for.
    enum Kind: String {
        /// Something free.
        case free
        /// Something that it presented a payment for.
        case paid
        /// Something that it brought a pass for.
        case pass
        /// It was refused, or told a price.
        case other
    }

    private struct State {
        var kind = Kind.other
        var route: RouteMetrics?
        var pattern = ""
        var status = 500
        var byteCount = 0
    }

    let context: RequestContext
    private let start: Duration
    private let state = Mutex(State())

    init(_ context: RequestContext, at start: Duration) {
        self.context = context
        self.start = start
    }

    func began(_ head: ResponseHead) { self.state.withLock { $0.status = head.status } }

    func wrote(byteCount: Int) { self.state.withLock { $0.byteCount += byteCount } }

    /// Notes its route.
    func matched(_ entry: RouteTable.Entry) {
        self.state.withLock { state in
            state.route = entry.metrics
            state.pattern = entry.name
            state.kind = entry.priced == nil ? .free : .other
        }
    }

    /// Notes that it presents a payment.
    func presentsPayment() { self.state.withLock { $0.kind = .paid } }

    /// Notes that it comes with a pass.
    func presentsPass() { self.state.withLock { $0.kind = .pass } }

    /// Counts it, and writes its line.
    func end(_ request: Request, at end: Duration, _ metrics: GatewayMetrics, _ access: AccessLog?) {
        let state = self.state.withLock { $0 }
        let took = end - self.start
        (state.route ?? metrics.unmatched).answered(status: state.status)
        metrics.took(took, state.kind)
        guard let access else { return }
        RequestContext.$current.withValue(self.context) {
            access.write(
                AccessLog.Entry(
                    head: request.head, client: request.clientIP, route: state.pattern, status: state.status,
                    byteCount: state.byteCount, took: took, context: self.context))
        }
    }
}

/// A line for each request that was answered.
///
/// Without the query unless it is asked for: that is where keys and names of people stand.
public struct AccessLog: Sendable {
    struct Entry {
        let head: RequestHead
        let client: String
        let route: String
        let status: Int
        let byteCount: Int
        let took: Duration
        let context: RequestContext
    }

    private let log: Logger
    private let hasQuery: Bool

    /// - Parameter hasQuery: Whether queries are written too.
    public init(_ log: Logger, hasQuery: Bool) {
        self.log = log
        self.hasQuery = hasQuery
    }

    /// The line of a request that was answered in its read event: it took no time to speak of.
    func writeImmediate(
        _ head: RequestHead, client: String, route: RoutePattern, status: Int, byteCount: Int, _ context: RequestContext
    ) {
        RequestContext.$current.withValue(context) {
            self.write(
                Entry(
                    head: head, client: client, route: route.description, status: status, byteCount: byteCount, took: .zero,
                    context: context))
        }
    }

    func write(_ entry: Entry) {
        let target = self.hasQuery ? entry.head.target[...] : entry.head.path
        self.log.info(
            "request",
            [
                "method": entry.head.method, "path": String(decoding: target, as: UTF8.self), "route": entry.route,
                "status": entry.status, "bytes": entry.byteCount, "microseconds": entry.took.wholeMicroseconds,
                "upstream_microseconds": entry.context.upstreamTime.wholeMicroseconds, "client": entry.client,
                "trace": entry.context.trace.traceText,
            ])
    }
}
