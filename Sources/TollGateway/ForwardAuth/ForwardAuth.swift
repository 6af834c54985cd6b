// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
public import TollPayments
public import TollRuntime

/// Beside another proxy: says whether a request that it has got may pass, with the same routes, offers and answers as a gateway.
///
/// It is a gateway before an upstream that answers every call at once with leave to pass. What only the proxy sees, the body and
/// the upstream's own answer, plays no part: money moves before, or is deferred, and leave is given once (docs/design/0014).
public struct ForwardAuth: RequestHandler {
    private let proxies: ForwardAuthConfiguration
    /// Who decides.
    public private(set) var gateway: Gateway
    private let kept: KeptAnswers
    private let log: Logger

    /// The routes of `configuration` for the proxies that ask; where those lead plays no part. The rest is as of a ``Gateway``.
    public init(
        _ proxies: ForwardAuthConfiguration, _ configuration: GatewayConfiguration, dialects: [any Dialect],
        methods: [any PaymentMethod], store: any PaymentStore, lease: WorkerLease? = nil, cache: (any SharedCache)? = nil,
        counts: (any SharedCache)? = nil, signIns: (any SignInVerifier)? = nil, environment: Environment, log: Logger,
        metrics: GatewayMetrics = GatewayMetrics(MetricsRegistry()), access: AccessLog? = nil
    ) {
        self.proxies = proxies
        self.gateway = Gateway(
            Self.forAdmission(configuration, proxies), dialects: dialects, methods: methods, store: store, lease: lease,
            cache: cache, counts: counts, signIns: signIns,
            client: AdmissionClient(), environment: environment, log: log, metrics: metrics, access: access)
        self.kept = KeptAnswers(environment: environment)
        self.log = log
    }

    /// The one that takes this one's place, with what is kept and who asks as before.
    public func reconfigured(_ configuration: GatewayConfiguration) -> ForwardAuth {
        var next = self
        next.gateway = self.gateway.reconfigured(Self.forAdmission(configuration, self.proxies))
        return next
    }

    /// Where routes lead is the proxy's affair, and whose request it is it says itself.
    private static func forAdmission(
        _ configuration: GatewayConfiguration, _ proxies: ForwardAuthConfiguration
    ) -> GatewayConfiguration {
        var configuration = configuration
        configuration.trustedProxies = proxies.trustedProxies
        for index in configuration.routes.indices { configuration.routes[index].upstream = .admission }
        return configuration
    }

    /// Answers at once where the gateway does and the proxy relays it as it is.
    public func receive(_ head: RequestHead, peer: PeerAddress, answer: inout ImmediateAnswer) -> Disposition {
        guard self.proxies.mode != .nginx, self.proxies.trustedProxies.trusts(peer),
            OriginalRequest.isAsked(by: head, self.proxies.mode),
            let request = try? OriginalRequest(head, peer: peer, self.proxies).request,
            // The answer to a HEAD has no body, and the proxy that asks by GET would wait for it.
            request.head.method != .head || head.method == .head
        else { return .handle }
        let start = answer.bytes.count
        guard self.gateway.challengesAtOnce(request.head, from: request.peer, &answer) else { return .handle }
        guard answer.bytes[start...].starts(with: Self.paymentRequired) else {
            answer.bytes.removeSubrange(start...)
            return .handle
        }
        return .answered
    }

    private static let paymentRequired = Array("HTTP/1.1 402".utf8)

    /// Everything else.
    public func handle(_ request: Request, _ responder: consuming Responder) async {
        guard self.proxies.trustedProxies.trusts(request.peer) else {
            self.log.warning("forward-auth asked by a stranger", ["peer": request.peer])
            await Self.refuse(.untrustedProxy, responder)
            return
        }
        if self.proxies.mode == .nginx, request.head.path.elementsEqual("/challenge".utf8) {
            await self.giveKept(request.head, responder)
            return
        }
        guard OriginalRequest.isAsked(by: request.head, self.proxies.mode) else {
            await Self.refuse(.notFound, responder)
            return
        }
        let original: Request
        do throws(OriginalRequest.Problem) {
            original = try OriginalRequest(request.head, peer: request.peer, self.proxies).request
        } catch {
            self.log.error("forward-auth does not understand the proxy", ["peer": request.peer, "reason": error.reason])
            await Self.refuse(.malformedForward(error.reason), responder)
            return
        }
        let channel = AdmissionChannel(responder, keeping: self.proxies.mode == .nginx ? self.kept : nil)
        await self.gateway.handle(original, Responder(channel))
    }

    /// Returns when what was let pass is in the ledger as served.
    public func finishCalls() async { await self.gateway.finishCalls() }

    private func giveKept(_ head: RequestHead, _ responder: consuming Responder) async {
        let ids = head.fields.values(of: AdmissionChannel.challengeField)
        guard ids.count == 1, let answer = self.kept.take(String(decoding: ids[0], as: UTF8.self)) else {
            await Self.refuse(.challengeGone, responder)
            return
        }
        try? await responder.send(answer.head, body: answer.body)
    }

    private static func refuse(_ problem: GatewayProblem, _ responder: consuming Responder) async {
        try? await responder.send(problem.head, body: problem.body)
    }
}
