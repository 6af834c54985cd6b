// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
public import TollPayments
public import TollRuntime

/// Asks for payment, takes it, and passes the request on.
///
/// A gateway is one configuration made ready; it never changes. After a reload there is another (``reconfigured(_:)``), with the
/// same ledger and the same memory, which the server asks from the next request on; requests under way end with this one.
public struct Gateway: RequestHandler {
    /// What it works with, whatever the configuration.
    struct Parts {
        let dialects: [any Dialect]
        let methods: [any PaymentMethod]
        let store: any PaymentStore
        let lease: WorkerLease
        let cache: (any SharedCache)?
        let signIns: (any SignInVerifier)?
        let statuses: (any PaymentStatuses)?
        let client: any HTTPClient
        let environment: Environment
        let log: Logger
        let metrics: GatewayMetrics
        let access: AccessLog?
        let traces: TraceIDs
        let memory: GatewayMemory
    }

    // Every step of a request has a gateway in hand: what is large stands behind a reference.
    let parts: Shared<Parts>
    let table: RouteTable
    private let former: FormerRoutes
    /// Nil where no route has a limit.
    private let rates: RateGate?
    private let trustedProxies: TrustedProxies
    private(set) var paidCalls: PaidCalls
    private let signIns: SignIns
    /// What is the same for every request that is only passed on.
    private let passing: FreePassage.Rules
    var proxy: Proxy { self.paidCalls.proxy }
    var log: Logger { self.parts.log }

    /// What takes no requests for now, whichever configuration is in force.
    public var pauses: Pauses { self.parts.memory.pauses }

    /// A gateway.
    ///
    /// - Parameters:
    ///   - dialects: Every dialect this program speaks; a route offers those that its terms name.
    ///   - methods: How money moves; the first that takes an option is used.
    ///   - store: The ledger.
    ///   - lease: What keeps other processes on the ledger from taking over what this one works on; without it there are none.
    ///   - cache: Keeps copies of stored answers.
    ///   - counts: Where replicas count requests together; nil where this process counts for itself.
    ///   - signIns: Checks the signatures of sign-ins; without it they are all refused.
    ///   - statuses: Tells how far payments are; nil where nobody is told.
    ///   - client: Talks to the upstreams. Each call says where it belongs in the trace of its request.
    ///   - metrics: Where it counts.
    ///   - access: Gets a line for each request; nil for none.
    ///   - traces: Makes the ids of requests.
    public init(
        _ configuration: GatewayConfiguration, dialects: [any Dialect], methods: [any PaymentMethod], store: any PaymentStore,
        lease: WorkerLease? = nil, cache: (any SharedCache)? = nil, counts: (any SharedCache)? = nil,
        signIns: (any SignInVerifier)? = nil, statuses: (any PaymentStatuses)? = nil, client: some HTTPClient,
        environment: Environment, log: Logger,
        metrics: GatewayMetrics = GatewayMetrics(MetricsRegistry()),
        access: AccessLog? = nil, traces: TraceIDs = TraceIDs()
    ) {
        let parts = Parts(
            dialects: dialects, methods: methods, store: store, lease: lease ?? WorkerLease(environment: environment),
            cache: cache, signIns: signIns, statuses: statuses, client: TracingClient(client),
            environment: environment, log: log,
            metrics: metrics, access: access,
            traces: traces,
            memory: GatewayMemory(store: store, counts: counts, environment: environment))
        self.init(configuration, RouteTable(configuration, parts), FormerRoutes(), Shared(parts))
    }

    /// The gateway that takes this one's place. It honours what this one has offered for as long as was said.
    public func reconfigured(_ configuration: GatewayConfiguration) -> Gateway {
        let table = RouteTable(configuration, self.parts.value, replacing: self.table)
        let former = self.former.adding(self.table, replacedBy: table, at: Int64(self.parts.environment.now()))
        return Gateway(configuration, table, former, self.parts)
    }

    private init(_ configuration: GatewayConfiguration, _ table: RouteTable, _ former: FormerRoutes, _ parts: Shared<Parts>) {
        self.parts = parts
        self.table = table
        self.former = former
        self.trustedProxies = configuration.trustedProxies
        let way = ForwardedFields(proxies: configuration.trustedProxies, publicURL: configuration.publicURL)
        self.rates = table.routes.contains { $0.rates != nil } ? parts.memory.rates : nil
        let proxy = Proxy(
            forwarding: Forwarding(dialects: configuration.spoken(of: parts.dialects), way: way), crossOrigin: table.crossOrigin,
            mode: configuration.mode,
            log: parts.log)
        let means = PaidCalls.Means(
            methods: parts.methods, store: parts.store, answers: StoredAnswers(parts.store, copies: parts.cache),
            holding: AnswerHolding(configuration.holding), settleWait: configuration.settleWait,
            deferral: configuration.deferral, settlingCountMax: configuration.settlingCountMax, lease: parts.lease,
            memory: parts.memory,
            screening: Screening(
                denied: configuration.denied, hook: configuration.screening, client: parts.client,
                environment: parts.environment, log: parts.log),
            metrics: parts.metrics, environment: parts.environment, log: parts.log)
        self.paidCalls = PaidCalls(means, proxy)
        self.passing = FreePassage.Rules(configuration.trustedProxies, parts.value)
        self.signIns = SignIns(
            to: configuration.publicURL, verifier: parts.signIns, environment: parts.environment, log: parts.log)
    }

    /// Answers at once what needs no waiting, the challenge of a priced route, and has passed on what is only passed on.
    public func receive(_ head: RequestHead, peer: PeerAddress, answer: inout ImmediateAnswer) -> Disposition {
        guard case .route(let index) = self.table.router.decide(head.method, path: head.path) else { return .handle }
        let route = self.table.routes[index]
        guard route.priced == nil else { return self.challenges(head, from: peer, for: route, &answer) ? .answered : .handle }
        guard answer.passesOn, let passage = self.passage(of: head, from: peer, on: route) else { return .handle }
        return .pass(passage)
    }

    /// Writes the challenge for a request, where it is made already; whether it is.
    func challengesAtOnce(_ head: RequestHead, from peer: PeerAddress, _ answer: inout ImmediateAnswer) -> Bool {
        guard case .route(let index) = self.table.router.decide(head.method, path: head.path) else { return false }
        return self.challenges(head, from: peer, for: self.table.routes[index], &answer)
    }

    /// A free request that nothing has to be waited for but the upstream; nil when there is more to it.
    private func passage(of head: RequestHead, from peer: PeerAddress, on route: RouteTable.Entry) -> FreePassage? {
        guard head.framing == .none, head.method != .options, !head.fields.contains(.upgrade), !PaymentStatusPath.isOne(head),
            !self.pauses.holds(route.name, isPriced: false), let attempt = route.upstream.attempt()
        else { return nil }
        var proxy = self.proxy
        if let rates = route.rates, let gate = self.rates {
            guard let verdict = self.admitHere(head, from: peer, within: rates.address, gate) else {
                route.upstream.release(attempt)
                return nil
            }
            proxy.rates = verdict
        }
        let (trace, isContinued) = self.trace(of: head)
        return FreePassage(head.method, on: route, attempt, trace, continuesTrace: isContinued, by: proxy, self.passing)
    }

    /// How a client stands to limits that this process counts alone, where it is within them. What is refused is not counted: it
    /// is looked at anew when it is handled.
    private func admitHere(
        _ head: RequestHead, from peer: PeerAddress, within rules: [RateRule], _ gate: RateGate
    ) -> RateVerdict? {
        guard !gate.isShared else { return nil }
        let verdict = gate.admitHere(rules, self.trustedProxies.source(of: head, from: peer).subscriber)
        return verdict.isAdmitted ? verdict : nil
    }

    private func challenges(
        _ head: RequestHead, from peer: PeerAddress, for route: RouteTable.Entry, _ answer: inout ImmediateAnswer
    ) -> Bool {
        guard let priced = route.priced, !priced.mustRead(head), priced.terms.isEnforced, priced.isPreparable,
            !CrossOrigin.isPreflight(head), !BrowserPage.isWanted(by: head), head.maxForwards != 0,
            !priced.mayHideStatuses || PaymentStatusPath.name(in: head) == nil,
            !priced.mayHideDocuments || self.table.discovery?.kind(at: head.path) == nil,
            !self.pauses.holds(priced.pattern.description, isPriced: true)
        else { return false }
        let challenge = priced.challenge(forPath: head.path)
        if let rates = route.rates, let gate = self.rates {
            guard let verdict = self.admitHere(head, from: peer, within: rates.unpaid, gate) else { return false }
            challenge.write(to: &answer, for: head, adding: verdict.fields)
        } else {
            challenge.write(to: &answer, for: head)
        }
        route.metrics.challenged()
        if let access = self.parts.access {
            access.writeImmediate(
                head, client: self.trustedProxies.clientIP(of: head, from: peer), route: priced.pattern, status: 402,
                byteCount: head.method == .head ? 0 : challenge.bodyByteCount, self.context(of: head))
        }
        return true
    }

    /// Everything else: free routes, paid requests, errors, preflights, browsers.
    public func handle(_ request: consuming Request, _ responder: consuming Responder) async {
        request.clientIP = self.trustedProxies.clientIP(of: request.head, from: request.peer)
        let served = ServedRequest(self.context(of: request.head), at: self.parts.environment.monotonic())
        responder.observe(by: served)
        // Only once, but a closure does not know that.
        var slot: Responder? = consume responder
        await RequestContext.$current.withValue(served.context) {
            if let responder = slot.take() { await self.answer(request, served, responder) }
        }
        served.end(request, at: self.parts.environment.monotonic(), self.parts.metrics, self.parts.access)
    }

    private func answer(_ request: Request, _ served: ServedRequest, _ responder: consuming Responder) async {
        if request.head.method == .options, CrossOrigin.isPreflight(request.head) {
            await self.answerPreflight(request.head, responder)
            return
        }
        if request.head.method == .options, request.head.target == [UInt8(ascii: "*")] || request.head.maxForwards == 0 {
            await self.tellMethods(request.head, responder)
            return
        }
        let decision = self.table.router.decide(request.head.method, path: request.head.path)
        guard let route = self.table.route(of: request.head, by: decision) else {
            await self.answerOutsideOfRoutes(request.head, decision, responder)
            return
        }
        // A pattern with wildcards may take in where payments are told of.
        if PaymentStatusPath.isOne(request.head), let status = await self.paymentStatus(for: request.head) {
            await self.proxy.send(status.head, body: status.body, request.head, receipt: [], responder)
            return
        }
        served.matched(route)
        let pass = self.pass(in: request.head, for: route)
        if let rates = route.rates, let gate = self.rates {
            await self.serve(route, pass, request, served, within: rates, gate, responder)
        } else {
            await self.serve(route, pass, request, served, responder)
        }
    }

    // What a request seldom needs has functions of its own, see ``Proxy``.

    @inline(never)
    private func answerOutsideOfRoutes(
        _ head: RequestHead, _ decision: Router.Decision, _ responder: consuming Responder
    ) async {
        if let (answer, body) = self.table.document(for: head, by: decision) {
            await self.proxy.send(answer, body: body, head, receipt: [], responder)
            return
        }
        if PaymentStatusPath.isOne(head), let status = await self.paymentStatus(for: head) {
            await self.proxy.send(status.head, body: status.body, head, receipt: [], responder)
            return
        }
        switch decision {
        case .notFound: await self.proxy.refuse(.notFound, head, responder)
        case .malformed: await self.proxy.refuse(.malformedPath, head, responder)
        case .ambiguous: await self.proxy.refuse(.ambiguousPath, head, responder)
        case .methodNotAllowed(let allow):
            await self.proxy.refuse(.methodNotAllowed(allow), head, responder) {
                $0.append("Allow", allow.joined(separator: ", "))
            }
        case .route: preconditionFailure("What has a route is not answered outside of routes.")
        }
    }

    /// Serves a request where there are limits, if it is within them.
    @inline(never)
    private func serve(
        _ route: RouteTable.Entry, _ pass: PassReading, _ request: Request, _ served: ServedRequest, within rates: RouteRates,
        _ gate: RateGate, _ responder: consuming Responder
    ) async {
        let head = request.head
        let source = self.trustedProxies.source(of: head, from: request.peer)
        let isUnpaid = route.priced.map { !$0.hasCredential(head) && !pass.isValid } ?? false
        let verdict = await gate.admit(isUnpaid ? rates.unpaid : rates.address, source.subscriber)
        let gateway = self.telling(verdict, payerLimits: PayerLimits(gate: gate, rules: rates.payer))
        guard verdict.isAdmitted else {
            self.log.info("over a limit", ["route": route.pattern, "client": source.ip])
            await gateway.proxy.refuse(.rateLimited(verdict.retryAfterSeconds), head, responder)
            return
        }
        await gateway.serve(route, pass, request, served, responder)
    }

    /// The same gateway, whose answers say how the client stands to its limits.
    private func telling(_ verdict: RateVerdict, payerLimits: PayerLimits) -> Gateway {
        var gateway = self
        gateway.paidCalls.proxy.rates = verdict
        gateway.paidCalls.payerLimits = payerLimits
        return gateway
    }

    private static let traceField: FieldName = "traceparent"

    /// A request's place in its client's trace, or in a new one. More than one `traceparent` is none.
    private func trace(of head: RequestHead) -> (trace: TraceContext, isContinued: Bool) {
        var parent: TraceContext?
        if let value = head.fields.first(Self.traceField), head.fields.count(of: Self.traceField) == 1 {
            parent = TraceContext(parsing: value)
        }
        return (self.parts.traces.next(after: parent), parent != nil)
    }

    private func context(of head: RequestHead) -> RequestContext {
        let (trace, isContinued) = self.trace(of: head)
        return RequestContext(trace, continuesTrace: isContinued)
    }

    @inline(never)
    private func answerPreflight(_ head: RequestHead, _ responder: consuming Responder) async {
        try? await responder.send(self.table.crossOrigin.preflight(head))
    }

    /// OPTIONS that is for us and not for what is behind (RFC 9110 §9.3.7): what a path takes, and for `*` that we are here.
    @inline(never)
    private func tellMethods(_ head: RequestHead, _ responder: consuming Responder) async {
        let allow = head.target == [UInt8(ascii: "*")] ? [] : self.table.router.methods(ofPath: head.path)
        guard let allow else {
            await self.proxy.refuse(.notFound, head, responder)
            return
        }
        var fields = Fields()
        if !allow.isEmpty { fields.append("Allow", allow.joined(separator: ", ")) }
        await self.proxy.send(ResponseHead(status: 204, fields: fields), body: [], head, receipt: [], responder)
    }

    /// Returns when what was served is in the ledger as served: some of that is written after the answers are sent.
    public func finishCalls() async {
        while self.parts.memory.active.count > 0 {
            do { try await self.parts.environment.sleep(for: .milliseconds(10)) } catch { return }
        }
    }

    private func serve(
        _ route: RouteTable.Entry, _ pass: PassReading, _ request: Request, _ served: ServedRequest,
        _ responder: consuming Responder
    ) async {
        guard await !self.isPaused(route, for: request.head) else {
            await self.refusePaused(request.head, responder)
            return
        }
        guard let priced = route.priced else {
            await self.proxy.pass(request, to: route.upstream, responder)
            return
        }
        await self.sell(priced, route, pass, request, served, responder)
    }

    @inline(never)
    private func refusePaused(_ head: RequestHead, _ responder: consuming Responder) async {
        await self.proxy.refuse(.paused, head, responder)
    }

    /// Serves what has a price: to whoever has paid.
    @inline(never)
    private func sell(
        _ priced: PricedRoute, _ route: RouteTable.Entry, _ pass: PassReading, _ request: Request, _ served: ServedRequest,
        _ responder: consuming Responder
    ) async {
        guard priced.terms.isEnforced else {
            async let seen: Void = self.shadow(priced, request)
            await self.proxy.pass(request, to: route.upstream, responder)
            await seen
            return
        }
        var slot: Responder? = consume responder
        guard await !self.serve(by: pass, route, request, served, &slot), let responder = slot.take() else { return }
        let signedIn: SignedInAccount?
        do throws(GatewayProblem) { signedIn = try await self.signIns.account(priced.signIn(in: request.head), request) } catch {
            await self.proxy.refuse(error, request.head, responder)
            return
        }
        let presented = await self.presented(in: request.head, priced)
        switch presented.reading {
        case .none:
            if let signedIn {
                await self.paidCalls.spendCredit(of: signedIn, priced, route.upstream, request, responder)
                return
            }
            let offer = priced.offer(forPath: request.head.path)
            let page = BrowserPage.isWanted(by: request.head) ? BrowserPage(offer: offer).html : nil
            route.metrics.asked()
            let error = pass.isExpired ? PaymentRefusal.passExpired : nil
            await self.proxy.challenge(
                priced, offer, request.head, ChallengeOccasion(client: request.clientIP, refusal: error), receipt: nil,
                page: page,
                responder)
        case .malformed(let field, let reason):
            self.log.info(
                "credential refused", ["route": route.pattern, "client": request.clientIP, "field": field, "reason": reason])
            let problem = GatewayProblem.malformedCredential(field: field, reason: reason)
            let challenge = await priced.freshChallenge(
                forPath: request.head.path,
                ChallengeOccasion(client: request.clientIP, refusal: PaymentRefusal(problem.code, detail: reason)))
            await self.proxy.refuse(problem, request.head, responder) { fields in
                for (name, value) in challenge { fields.append(name.utf8, value) }
            }
        case .mismatched(let refusal):
            self.log.info(
                "credential refused",
                ["route": route.pattern, "client": request.clientIP, "reason": refusal.reason, "detail": refusal.detail])
            let offer = priced.offer(forPath: request.head.path)
            await self.proxy.challenge(
                priced, offer, request.head, ChallengeOccasion(client: request.clientIP, refusal: refusal), receipt: nil,
                page: nil,
                responder)
        case .credential(let credential):
            served.presentsPayment()
            await self.paidCalls.serve(
                credential, signedIn: signedIn, presented.route, route.upstream, request, responder)
        }
    }

    /// What a request presents for `priced`, or for what was offered in its place before a reload.
    private func presented(in head: RequestHead, _ priced: PricedRoute) async -> RoutedReading {
        guard !self.former.isEmpty else { return priced.credential(in: head, orOf: []) }
        let former = self.former.match(head, at: Int64(self.parts.environment.now()))
        let found = priced.credential(in: head, orOf: former.honoured)
        guard case .mismatched = found.reading, !former.lapsed.isEmpty else { return found }
        let past = priced.credential(in: head, orOf: former.lapsed)
        guard case .credential(let credential) = past.reading, await self.paidCalls.isKnown(credential) else { return found }
        return past
    }
}
