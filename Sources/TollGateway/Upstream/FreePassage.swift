// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollHTTP
internal import TollRuntime

/// A free request that an engine passes on by itself: what ``Gateway/handle(_:_:)`` would come to, and counted as there.
final class FreePassage: Passage {
    /// What is the same for every request to a gateway.
    final class Rules: Sendable {
        let trustedProxies: TrustedProxies
        let environment: Environment
        let metrics: GatewayMetrics
        let access: AccessLog?

        init(_ trustedProxies: TrustedProxies, _ parts: Gateway.Parts) {
            self.trustedProxies = trustedProxies
            self.environment = parts.environment
            self.metrics = parts.metrics
            self.access = parts.access
        }
    }

    private let rules: Rules
    private let proxy: Proxy
    private let method: Method
    private let route: RouteTable.Entry
    private let attempt: UpstreamPool.Attempt
    private let trace: TraceContext
    private let continuesTrace: Bool
    /// In microseconds, for the access log.
    private let upstreamTook = Atomic<UInt64>(0)

    /// - Parameter proxy: Knows how the client stands to its limits.
    init(
        _ method: Method, on route: RouteTable.Entry, _ attempt: UpstreamPool.Attempt, _ trace: TraceContext,
        continuesTrace: Bool, by proxy: Proxy, _ rules: Rules
    ) {
        self.rules = rules
        self.proxy = proxy
        self.method = method
        self.route = route
        self.attempt = attempt
        self.trace = trace
        self.continuesTrace = continuesTrace
    }

    var outgoing: ClientRequest {
        var outgoing = self.route.upstream.blank(for: self.attempt)
        outgoing.method = self.method
        return outgoing
    }

    func unused() { self.route.upstream.release(self.attempt) }

    func fill(_ fields: inout Fields, of head: RequestHead, from peer: PeerAddress) {
        self.proxy.forwarding.write(&fields, of: head, from: peer)
        fields.setTrace(self.trace, isContinued: self.continuesTrace)
    }

    func answer(_ head: inout ResponseHead, to request: RequestHead) {
        let took = self.route.upstream.answered(head.status, self.attempt)
        if self.rules.access != nil { self.upstreamTook.store(took.wholeMicroseconds, ordering: .relaxed) }
        self.proxy.prepare(&head, from: self.route.upstream.settings, to: request)
    }

    func sent(_ status: Int, byteCount: Int, to request: RequestHead, from peer: PeerAddress) {
        let took = self.rules.environment.monotonic() - self.attempt.start
        self.route.metrics.answered(status: status)
        self.rules.metrics.took(took, .free)
        guard let access = self.rules.access else { return }
        let (client, context) = (self.rules.trustedProxies.clientIP(of: request, from: peer), self.context)
        context.note(upstreamTook: .microseconds(self.upstreamTook.load(ordering: .relaxed)))
        RequestContext.$current.withValue(context) {
            access.write(
                AccessLog.Entry(
                    head: request, client: client, route: self.route.name, status: status, byteCount: byteCount, took: took,
                    context: context))
        }
    }

    func abandoned(_ request: RequestHead, from peer: PeerAddress) {
        let took = self.route.upstream.abandoned(self.attempt)
        self.upstreamTook.store(took.wholeMicroseconds, ordering: .relaxed)
        self.sent(GatewayProblem.upstreamFailed.head.status, byteCount: 0, to: request, from: peer)
    }

    func handle(
        _ outcome: Result<ClientResponse, HTTPError>, _ request: consuming Request, _ responder: consuming Responder
    ) async {
        request.clientIP = self.rules.trustedProxies.clientIP(of: request.head, from: request.peer)
        let served = ServedRequest(self.context, at: self.attempt.start)
        served.matched(self.route)
        responder.observe(by: served)
        // Only once, but a closure does not know that.
        var slot: Responder? = consume responder
        await RequestContext.$current.withValue(served.context) {
            guard let responder = slot.take() else { return }
            await self.goOn(with: outcome, request, responder)
        }
        served.end(request, at: self.rules.environment.monotonic(), self.rules.metrics, self.rules.access)
    }

    private func goOn(
        with outcome: Result<ClientResponse, HTTPError>, _ request: Request, _ responder: consuming Responder
    ) async {
        let pool = self.route.upstream
        switch outcome {
        case .success(let answer):
            pool.answered(answer.head.status, self.attempt)
            await self.proxy.relay(answer, from: pool.settings, request.head, receipt: [], responder)
        case .failure(let error):
            await self.proxy.pass(
                request, to: pool, after: UpstreamPool.Failure(attempt: self.attempt, error: error), responder)
        }
    }

    private var context: RequestContext { RequestContext(self.trace, continuesTrace: self.continuesTrace) }
}
