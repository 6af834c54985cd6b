// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
public import TollPayments
public import TollRuntime

/// Asks for payment, takes it, and passes the request on.
public struct Gateway: RequestHandler {
    private let table: RouteTable
    private let trustedProxies: TrustedProxies
    private let paidCalls: PaidCalls
    private let signIns: SignIns
    private let proxy: Proxy
    private let log: Logger
    /// Asks the upstreams that want it whether they are well.
    public let upstreamHealth: UpstreamHealth

    /// A gateway.
    ///
    /// - Parameters:
    ///   - dialects: Every dialect this program speaks; a route offers those that its terms name.
    ///   - methods: How money moves; the first that takes an option is used.
    ///   - store: The ledger.
    ///   - cache: Keeps copies of stored answers.
    ///   - signIns: Checks the signatures of sign-ins; without it they are all refused.
    ///   - client: Talks to the upstreams.
    public init(
        _ configuration: GatewayConfiguration, dialects: [any Dialect], methods: [any PaymentMethod], store: any PaymentStore,
        cache: (any SharedCache)? = nil, signIns: (any SignInVerifier)? = nil, client: any HTTPClient, environment: Environment,
        log: Logger
    ) {
        let table = RouteTable(configuration, dialects: dialects, client: client, environment: environment, log: log)
        let way = ForwardedFields(proxies: configuration.trustedProxies, publicURL: configuration.publicURL)
        let proxy = Proxy(
            forwarding: Forwarding(dialects: dialects, way: way), crossOrigin: table.crossOrigin, log: log)
        self.trustedProxies = configuration.trustedProxies
        self.table = table
        self.proxy = proxy
        self.paidCalls = PaidCalls(
            methods: methods, store: store, answers: StoredAnswers(store, copies: cache),
            holding: AnswerHolding(configuration.holding), proxy: proxy,
            settleWait: configuration.settleWait,
            deferral: configuration.deferral, ledgerUse: configuration.ledgerUse,
            backlog: SettlementBacklog(countMax: configuration.settlingCountMax, store: store, environment: environment),
            environment: environment, log: log)
        self.signIns = SignIns(to: configuration.publicURL, verifier: signIns, environment: environment, log: log)
        self.log = log
        self.upstreamHealth = UpstreamHealth(table.pools, environment: environment)
    }

    /// Answers at once what needs no waiting: the challenge of a priced route.
    public func receive(_ head: RequestHead, peer: PeerAddress, answer: inout ImmediateAnswer) -> Disposition {
        guard case .route(let index) = self.table.router.decide(head.method, path: head.path),
            let priced = self.table.routes[index].priced, !priced.hasCredential(head), !CrossOrigin.isPreflight(head),
            !BrowserPage.isWanted(by: head), head.maxForwards != 0
        else { return .handle }
        priced.challenge(forPath: head.path).write(to: &answer, for: head)
        return .answered
    }

    /// Everything else: free routes, paid requests, errors, preflights, browsers.
    public func handle(_ request: Request, _ responder: consuming Responder) async {
        let head = request.head
        if CrossOrigin.isPreflight(head) {
            try? await responder.send(self.table.crossOrigin.preflight(head))
            return
        }
        if head.method == .options, head.target == [UInt8(ascii: "*")] || head.maxForwards == 0 {
            await self.tellMethods(head, responder)
            return
        }
        var request = request
        if !self.trustedProxies.isNobody { request.clientIP = self.trustedProxies.source(of: head, from: request.peer).ip }
        switch self.table.router.decide(head.method, path: head.path) {
        case .notFound: await self.proxy.refuse(.notFound, head, responder)
        case .malformed: await self.proxy.refuse(.malformedPath, head, responder)
        case .ambiguous: await self.proxy.refuse(.ambiguousPath, head, responder)
        case .methodNotAllowed(let allow):
            await self.proxy.refuse(.methodNotAllowed(allow), head, responder) {
                $0.append("Allow", allow.joined(separator: ", "))
            }
        case .route(let index): await self.serve(self.table.routes[index], request, responder)
        }
    }

    /// OPTIONS that is for us and not for what is behind (RFC 9110 §9.3.7): what a path takes, and for `*` that we are here.
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
        while self.paidCalls.active.count > 0 {
            do { try await self.paidCalls.environment.sleep(for: .milliseconds(10)) } catch { return }
        }
    }

    private func serve(_ route: RouteTable.Entry, _ request: Request, _ responder: consuming Responder) async {
        guard let priced = route.priced else {
            await self.proxy.pass(request, to: route.upstream, responder)
            return
        }
        let signedIn: SignedInAccount?
        do throws(GatewayProblem) { signedIn = try await self.signIns.account(priced.signIn(in: request.head), request) } catch {
            await self.proxy.refuse(error, request.head, responder)
            return
        }
        switch priced.credential(in: request.head) {
        case .none:
            if let signedIn {
                await self.paidCalls.spendCredit(of: signedIn, priced, route.upstream, request, responder)
                return
            }
            let offer = priced.offer(forPath: request.head.path)
            let page = BrowserPage(offer: offer).html
            await self.proxy.challenge(priced, offer, request.head, error: nil, receipt: nil, page: page, responder)
        case .malformed(let field, let reason):
            self.log.info(
                "credential refused", ["route": route.pattern, "client": request.clientIP, "field": field, "reason": reason])
            let problem = GatewayProblem.malformedCredential(field: field, reason: reason)
            let challenge = priced.freshChallenge(forPath: request.head.path, error: problem.code)
            await self.proxy.refuse(problem, request.head, responder) { fields in
                for (name, value) in challenge { fields.append(name.utf8, value) }
            }
        case .mismatched(let refusal):
            self.log.info(
                "credential refused",
                ["route": route.pattern, "client": request.clientIP, "reason": refusal.reason, "detail": refusal.detail])
            let offer = priced.offer(forPath: request.head.path)
            await self.proxy.challenge(priced, offer, request.head, error: refusal, receipt: nil, page: nil, responder)
        case .credential(let credential):
            await self.paidCalls.serve(credential, signedIn: signedIn, priced, route.upstream, request, responder)
        }
    }
}
