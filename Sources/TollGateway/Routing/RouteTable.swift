// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollHTTP
internal import TollPayments
internal import TollRuntime

/// The configured routes, made ready: patterns compiled, challenges prepared.
struct RouteTable: Sendable {
    struct Entry: Sendable {
        let pattern: RoutePattern
        let upstream: UpstreamPool
        let priced: PricedRoute?
    }

    let router: Router
    let routes: [Entry]
    let crossOrigin: CrossOrigin
    /// One for each upstream that a route leads to.
    let pools: [UpstreamPool]

    init(
        _ configuration: GatewayConfiguration, dialects: [any Dialect], client: any HTTPClient, environment: Environment,
        log: Logger
    ) {
        let clock = environment.now
        let crossOrigin = CrossOrigin(policy: configuration.cors, dialects: dialects)
        self.crossOrigin = crossOrigin
        self.router = Router(configuration.routes.map { ($0.pattern, $0.terms != nil) })
        var pools: [String: UpstreamPool] = [:]
        for upstream in configuration.routes.map(\.upstream) where pools[upstream.name] == nil {
            pools[upstream.name] = UpstreamPool(upstream, client: client, environment: environment, log: log)
        }
        self.pools = Array(pools.values)
        self.routes = configuration.routes.map { route in
            let priced = route.terms.map { terms in
                PricedRoute(
                    pattern: route.pattern, terms: terms, publicURL: configuration.publicURL,
                    dialects: terms.dialects.compactMap { id in dialects.first { $0.id == id } }, crossOrigin: crossOrigin,
                    clock: clock)
            }
            guard let pool = pools[route.upstream.name] else { preconditionFailure("Every upstream has a pool.") }
            return Entry(pattern: route.pattern, upstream: pool, priced: priced)
        }
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
    private let publicURL: Origin
    private let publicURLByteCount: Int
    private let crossOrigin: CrossOrigin
    private let clock: @Sendable () -> UInt64
    private let literal: PreparedChallenge?
    private let credentialFields: [FieldName]
    private let prepared = Mutex<[[UInt8]: PreparedChallenge]>([:])

    init(
        pattern: RoutePattern, terms: Terms, publicURL: Origin, dialects: [any Dialect], crossOrigin: CrossOrigin,
        clock: @escaping @Sendable () -> UInt64
    ) {
        self.pattern = pattern
        self.terms = terms
        self.dialects = dialects
        self.credentialFields = dialects.flatMap { $0.credentialFields + (terms.acceptsSignIn ? $0.signInFields : []) }
        self.publicURL = publicURL
        self.publicURLByteCount = publicURL.description.utf8.count
        self.crossOrigin = crossOrigin
        self.clock = clock
        self.literal =
            pattern.isLiteral
            ? PreparedChallenge(
                Self.offer(terms, resource: "\(publicURL)\(pattern.path)", publicURL), dialects: dialects,
                crossOrigin: crossOrigin, clock: clock) : nil
    }

    /// Whether a request presents anything of a dialect that the route takes: a payment, or a sign-in.
    func hasCredential(_ head: RequestHead) -> Bool {
        for index in self.credentialFields.indices where head.fields.contains(self.credentialFields[index]) { return true }
        return false
    }

    /// The 402 for a request of `path`.
    func challenge(forPath path: ArraySlice<UInt8>) -> PreparedChallenge {
        if let literal = self.literal { return literal }
        let key = self.isLong(path) ? Array(self.pattern.path.utf8) : Array(path)
        if let known = self.prepared.withLock({ $0[key] }) { return known }
        let made = PreparedChallenge(
            self.offer(forPath: path), dialects: self.dialects, crossOrigin: self.crossOrigin, clock: self.clock)
        self.prepared.withLock { prepared in
            if prepared.count >= Self.preparedCountMax { prepared.removeAll(keepingCapacity: true) }
            prepared[key] = made
        }
        return made
    }

    /// What a request of `path` is asked for.
    func offer(forPath path: ArraySlice<UInt8>) -> Offer {
        let resource = self.isLong(path) ? self.pattern.path : String(decoding: path, as: UTF8.self)
        return Self.offer(self.terms, resource: "\(self.publicURL)\(resource)", self.publicURL)
    }

    private func isLong(_ path: ArraySlice<UInt8>) -> Bool {
        self.publicURLByteCount + path.count > Self.resourceByteCountMax
    }

    private static func offer(_ terms: Terms, resource: String, _ publicURL: Origin) -> Offer {
        Offer(
            resource: resource, description: terms.description, mimeType: terms.mimeType, options: terms.options,
            policy: terms.settle.forStrangers, identifiers: terms.identifiers,
            signInDomain: terms.acceptsSignIn ? publicURL.authority : nil)
    }

    /// The fields of a fresh challenge, for answers that are not the prepared 402.
    func freshChallenge(forPath path: ArraySlice<UInt8>, error: String?) -> [(name: String, value: [UInt8])] {
        self.fields(self.dialects.map { $0.challenge(for: self.offer(forPath: path), error: error) })
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

    /// What a request presents. More than one credential, of one dialect or of several, is malformed: which one is meant?
    func credential(in head: RequestHead) -> CredentialReading {
        var found = CredentialReading.none
        var field: FieldName?
        let offers = [self.offer(forPath: head.path)]
        for dialect in self.dialects {
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
}
