// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollHTTP
internal import TollPayments
internal import TollRuntime

/// The configured routes, made ready: patterns compiled, challenges prepared.
final class RouteTable: Sendable {
    /// A class: every request has one in hand, from step to step.
    final class Entry: Sendable {
        let pattern: RoutePattern
        /// The pattern as text.
        let name: String
        let upstream: UpstreamPool
        let priced: PricedRoute?
        let metrics: RouteMetrics
        /// Nil where clients may ask as often as they like.
        let rates: RouteRates?

        init(pattern: RoutePattern, upstream: UpstreamPool, priced: PricedRoute?, metrics: RouteMetrics, rates: RouteRates?) {
            self.pattern = pattern
            self.name = pattern.description
            self.upstream = upstream
            self.priced = priced
            self.metrics = metrics
            self.rates = rates
        }
    }

    let router: Router
    let routes: [Entry]
    let crossOrigin: CrossOrigin
    /// One for each upstream that a route leads to.
    let pools: [UpstreamPool]
    let discovery: DiscoveryDocuments?
    /// What was promised to whoever asked: two tables with the same promises take each other's payments.
    let promises: [Promise]

    /// What a client can hold a route to.
    struct Promise: Hashable, Sendable {
        let pattern: String
        let options: [PaymentOption]
        let dialects: [DialectID]
        let policy: SettlePolicy
    }

    /// - Parameter former: The table whose place it takes: what is known of an upstream's addresses holds on while its settings
    ///   do.
    init(_ configuration: GatewayConfiguration, _ parts: Gateway.Parts, replacing former: RouteTable? = nil) {
        let (dialects, clock) = (configuration.spoken(of: parts.dialects), parts.environment.now)
        let rates = configuration.routes.map { RouteRates(of: $0.rateLimits, $0.pattern, in: configuration.rateLimits) }
        let crossOrigin = CrossOrigin(
            policy: configuration.cors, dialects: dialects, tellsLimits: rates.contains { $0 != nil },
            givesPasses: configuration.passKeys != nil && configuration.routes.contains { $0.terms?.accessSeconds != nil })
        self.crossOrigin = crossOrigin
        self.router = Router(configuration.routes.map { ($0.pattern, $0.terms != nil) })
        let pools = Self.pools(configuration, parts, known: former?.pools ?? [])
        self.pools = Array(pools.values)
        let routes = zip(configuration.routes, rates).map { route, rates in
            let priced = route.terms.map { terms in
                PricedRoute(
                    pattern: route.pattern, terms: terms, publicURL: configuration.publicURL,
                    dialects: terms.dialects.compactMap { id in dialects.first { $0.id == id } }, allDialects: dialects,
                    crossOrigin: crossOrigin,
                    publication: configuration.discovery.map { $0.publication(of: route) } ?? Publication(),
                    mode: configuration.mode,
                    passes: configuration.passKeys.map {
                        RoutePasses(
                            $0, route.pattern, accessSeconds: terms.accessSeconds, publicURL: configuration.publicURL)
                    }, clock: clock)
            }
            guard let pool = pools[route.upstream.name] else { preconditionFailure("Every upstream has a pool.") }
            return Entry(
                pattern: route.pattern, upstream: pool, priced: priced,
                metrics: parts.metrics.route(route.pattern.description, isPriced: priced != nil), rates: rates)
        }
        self.routes = routes
        self.discovery = configuration.discovery.map { discovery in
            DiscoveryDocuments(
                discovery, publicURL: configuration.publicURL,
                resources: zip(configuration.routes, routes).compactMap {
                    ListedResource($0, $1.priced, publicURL: configuration.publicURL)
                }, time: Int64(clock()))
        }
        self.promises = configuration.routes.compactMap { route in
            route.terms.map { terms in
                Promise(
                    pattern: route.pattern.description, options: terms.options, dialects: terms.dialects,
                    policy: terms.settle.forStrangers)
            }
        }
    }

    private static func pools(
        _ configuration: GatewayConfiguration, _ parts: Gateway.Parts, known: [UpstreamPool]
    ) -> [String: UpstreamPool] {
        var pools: [String: UpstreamPool] = [:]
        for upstream in configuration.routes.map(\.upstream) where pools[upstream.name] == nil {
            pools[upstream.name] =
                known.first { $0.settings == upstream }
                ?? UpstreamPool(
                    upstream, client: parts.client, metrics: parts.metrics.upstream(upstream.name),
                    environment: parts.environment, log: parts.log)
        }
        return pools
    }

    /// How long the offer that lives longest can be taken, in seconds.
    var longestOfferSeconds: Int64 { self.routes.compactMap(\.priced?.offerSeconds).max() ?? 0 }

    /// Gives back the memory of prepared challenges: of a table that makes none any more.
    func forgetPrepared() {
        for route in self.routes { route.priced?.forgetPrepared() }
    }

    /// The route of a request, as the router chose it; nil when it has none, or asks for a document about the routes.
    func route(of head: RequestHead, by decision: Router.Decision) -> Entry? {
        guard case .route(let index) = decision, self.documentKind(for: head, by: decision) == nil else { return nil }
        return self.routes[index]
    }

    /// The document about the routes that a request asks for whose route the router chose: where no route matches, or where one
    /// does that has a price and wildcards, since nobody sells the price list.
    func document(for head: RequestHead, by decision: Router.Decision) -> (head: ResponseHead, body: [UInt8])? {
        guard let kind = self.documentKind(for: head, by: decision) else { return nil }
        return self.discovery?.answer(kind, head)
    }

    private func documentKind(for head: RequestHead, by decision: Router.Decision) -> DiscoveryDocuments.Kind? {
        switch decision {
        case .notFound: break
        case .route(let index): guard self.routes[index].priced?.mayHideDocuments == true else { return nil }
        default: return nil
        }
        guard let discovery = self.discovery, head.method == .get || head.method == .head else { return nil }
        return discovery.kind(at: head.path)
    }
}

/// A priced route, made ready.
final class PricedRoute: Sendable {
    /// Prepared challenges kept per path of a pattern with wildcards; the paths are the clients' to choose, so they are bounded.
    private static let preparedCountMax = 1024
    /// A resource with a longer URL is named by the route's pattern, so that a challenge stays small.
    private static let resourceByteCountMax = 1024

    let pattern: RoutePattern
    let terms: Terms
    let dialects: [any Dialect]
    /// Nil where nobody has a key for them.
    let passes: RoutePasses?
    /// Whether the pattern, with its wildcards, takes in the path of a document about the routes.
    let mayHideDocuments: Bool
    /// Whether it takes in those at which payments are told of.
    let mayHideStatuses: Bool
    private let publication: Publication
    private let mode: GatewayMode
    private let publicURL: Origin
    private let publicURLByteCount: Int
    private let crossOrigin: CrossOrigin
    private let clock: @Sendable () -> UInt64
    private let literal: PreparedChallenge?
    private let credentialFields: [FieldName]
    /// Whether its 402 can be made beforehand: no dialect makes each by itself.
    let isPreparable: Bool
    private let prepared = Mutex<[[UInt8]: PreparedChallenge]>([:])

    /// - Parameters:
    ///   - dialects: Those that it is offered in.
    ///   - allDialects: Those of the program: a credential of another may be for an offer made before a reload.
    init(
        pattern: RoutePattern, terms: Terms, publicURL: Origin, dialects: [any Dialect], allDialects: [any Dialect],
        crossOrigin: CrossOrigin, publication: Publication = Publication(), mode: GatewayMode = .live, passes: RoutePasses? = nil,
        clock: @escaping @Sendable () -> UInt64
    ) {
        self.pattern = pattern
        self.terms = terms
        self.dialects = dialects
        self.isPreparable = !dialects.contains { $0.makesEachChallenge }
        self.passes = passes
        self.credentialFields = allDialects.flatMap { $0.credentialFields + (terms.acceptsSignIn ? $0.signInFields : []) }
        self.publicURL = publicURL
        self.publicURLByteCount = publicURL.description.utf8.count
        self.crossOrigin = crossOrigin
        self.clock = clock
        self.publication = publication
        self.mode = mode
        self.mayHideDocuments = !pattern.isLiteral && DiscoveryDocuments.Kind.allCases.contains { pattern.matches($0.path) }
        self.mayHideStatuses = !pattern.isLiteral && pattern.matches(Array("\(PaymentStatusPath.prefix)x".utf8)[...])
        self.literal =
            pattern.isLiteral && self.isPreparable
            ? PreparedChallenge(
                Self.offer(terms, pattern, resource: "\(publicURL)\(pattern.path)", publicURL, publication), dialects: dialects,
                crossOrigin: crossOrigin, mode: mode, clock: clock) : nil
    }

    /// How long an offer can be taken, in seconds.
    var offerSeconds: Int64 { Int64(self.terms.options.map(\.maxTimeoutSeconds).max() ?? 0) }

    /// Gives back the memory of prepared challenges.
    func forgetPrepared() { self.prepared.withLock { $0.removeAll() } }

    /// Whether a request presents anything that may have to be read: a payment in any dialect, or a sign-in.
    func hasCredential(_ head: RequestHead) -> Bool {
        for index in self.credentialFields.indices where head.fields.contains(self.credentialFields[index]) { return true }
        return false
    }

    /// Whether a request presents anything besides: what cannot be answered before it is read.
    func mustRead(_ head: RequestHead) -> Bool {
        self.hasCredential(head) || self.passes?.isPresented(by: head) ?? false
    }

    /// The 402 for a request of `path`.
    func challenge(forPath path: ArraySlice<UInt8>) -> PreparedChallenge {
        if let literal = self.literal { return literal }
        let key = self.isLong(path) ? Array(self.pattern.path.utf8) : Array(path)
        if let known = self.prepared.withLock({ $0[key] }) { return known }
        let made = PreparedChallenge(
            self.offer(forPath: path), dialects: self.dialects, crossOrigin: self.crossOrigin, mode: self.mode,
            clock: self.clock)
        self.prepared.withLock { prepared in
            if prepared.count >= Self.preparedCountMax { prepared.removeAll(keepingCapacity: true) }
            prepared[key] = made
        }
        return made
    }

    /// What a request of `path` is asked for.
    func offer(forPath path: ArraySlice<UInt8>) -> Offer {
        let resource = self.isLong(path) ? self.pattern.path : String(decoding: path, as: UTF8.self)
        return Self.offer(self.terms, self.pattern, resource: "\(self.publicURL)\(resource)", self.publicURL, self.publication)
    }

    private func isLong(_ path: ArraySlice<UInt8>) -> Bool {
        self.publicURLByteCount + path.count > Self.resourceByteCountMax
    }

    /// What the pattern as a whole is offered for.
    func offer(named resource: String) -> Offer {
        Self.offer(self.terms, self.pattern, resource: resource, self.publicURL, self.publication)
    }

    private static func offer(
        _ terms: Terms, _ pattern: RoutePattern, resource: String, _ publicURL: Origin, _ publication: Publication
    ) -> Offer {
        Offer(
            resource: resource, description: terms.description, mimeType: terms.mimeType, options: terms.options,
            policy: terms.settle.forStrangers, identifiers: terms.identifiers,
            signInDomain: terms.acceptsSignIn ? publicURL.authority : nil, bazaar: publication.bazaar,
            service: publication.service, route: pattern.description, dialects: terms.dialects,
            references: terms.references)
    }

    /// The fields of a fresh challenge, for answers that are not the prepared 402.
    func freshChallenge(
        forPath path: ArraySlice<UInt8>, _ occasion: ChallengeOccasion
    ) async -> [(name: String, value: [UInt8])] {
        self.fields(await self.challenges(for: self.offer(forPath: path), occasion))
    }

    /// What every dialect says, with what some make and keep for this one answer. One that could make nothing says nothing, and
    /// so there may be nothing at all.
    func challenges(for offer: Offer, _ occasion: ChallengeOccasion) async -> [Challenge] {
        var offer = offer
        var silent: Set<DialectID> = []
        for dialect in self.dialects where dialect.makesEachChallenge {
            if let additions = await dialect.additions(to: offer, for: occasion) {
                offer.additions.merge(additions)
            } else {
                silent.insert(dialect.id)
            }
        }
        return self.dialects.filter { !silent.contains($0.id) }.map { $0.challenge(for: offer, error: occasion.refusal?.reason) }
    }

    /// The fields of challenges, their places filled.
    func fields(_ challenges: [Challenge]) -> [(name: String, value: [UInt8])] {
        var generator = SystemRandomNumberGenerator()
        let filling = ChallengeFilling(
            secret: (generator.next(), generator.next()), nonce: (generator.next(), generator.next()), time: Int64(self.clock()))
        return challenges.flatMap(\.fields).map { field in
            var value = field.value
            field.fill?(filling, &value, 0)
            return (field.name, value)
        }
    }

    /// The sign-in that a request presents; none on a route that takes none.
    func signIn(in head: RequestHead) -> SignInReading {
        guard self.terms.acceptsSignIn else { return .none }
        for dialect in self.dialects {
            let reading = dialect.signIn(head)
            if case .none = reading { continue }
            return reading
        }
        return .none
    }

    /// What a request presents for the offers of `routes`, in the dialects of any of them. More than one credential, of one
    /// dialect or of several, is malformed: which one is meant?
    static func credential(in head: RequestHead, of routes: [PricedRoute]) -> CredentialReading {
        var found = CredentialReading.none
        var field: FieldName?
        for dialect in Self.dialects(of: routes) {
            let offers = routes.filter { $0.offered(in: dialect) }.map { $0.offer(forPath: head.path) }
            for name in dialect.credentialFields where head.fields.contains(name) {
                if head.fields.count(of: name) > 1 {
                    return .malformed(field: name.description, reason: "stands more than once; send one")
                }
                if let field { return .malformed(field: name.description, reason: "stands beside \(field); send one credential") }
                field = name
            }
            let reading = dialect.read(head, offers: offers)
            if case .none = reading { continue }
            found = reading
        }
        return found
    }

    private func offered(in dialect: any Dialect) -> Bool { self.dialects.contains { $0.id == dialect.id } }

    /// Each once, in their order.
    private static func dialects(of routes: [PricedRoute]) -> [any Dialect] {
        guard routes.count > 1 else { return routes.first?.dialects ?? [] }
        var dialects: [any Dialect] = []
        for dialect in routes.flatMap(\.dialects) where !dialects.contains(where: { $0.id == dialect.id }) {
            dialects.append(dialect)
        }
        return dialects
    }
}
