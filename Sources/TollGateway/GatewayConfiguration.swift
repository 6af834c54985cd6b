// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
public import TollPayments

/// What the gateway stands in front of, and what it asks.
public struct GatewayConfiguration: Sendable {
    /// The origin of the resource URLs that clients see: scheme, host and port, no path.
    public var publicURL: Origin
    /// The first match wins.
    public var routes: [Route]
    /// How long an answer may wait for its settlement.
    public var settleWait: Duration
    /// What may be lost by serving before it is paid.
    public var deferral: DeferralLimits
    /// The most payments that may be on their way to the chain at once: over it, requests are refused before anything is claimed,
    /// so that a chain that stands still fills neither memory nor the ledger.
    public var settlingCountMax: Int
    /// Which origins' scripts may read answers.
    public var cors: CORSPolicy
    /// The proxies in front whose word about clients is believed.
    public var trustedProxies = TrustedProxies.none
    /// What is held of answers until they are paid for.
    public var holding = HoldingLimits()
    /// Who may not buy.
    public var denied = DenyList()
    /// Who is asked about each payer; nil for nobody.
    public var screening: ScreeningHook?
    /// What passes are signed with; without keys none are given, and none taken.
    public var passKeys: PassKeys?
    /// How often one client may ask, over all routes that say nothing else.
    public var rateLimits = RateLimits()
    /// What is told about the routes to whoever has not called them yet; nil for nothing.
    public var discovery: Discovery?
    /// Whether the money is real; where it is not, every answer says so.
    public var mode = GatewayMode.live

    /// Of `dialects`, those whose fields are ours here.
    func spoken(of dialects: [any Dialect]) -> [any Dialect] {
        dialects.filter { dialect in
            !dialect.usesCommonNames || self.routes.contains { $0.terms?.dialects.contains(dialect.id) ?? false }
        }
    }

    /// A configuration by all its fields.
    public init(
        publicURL: Origin, routes: [Route], settleWait: Duration = .seconds(30), deferral: DeferralLimits = DeferralLimits(),
        settlingCountMax: Int = 5_000, cors: CORSPolicy = .any
    ) {
        self.publicURL = publicURL
        self.routes = routes
        self.settleWait = settleWait
        self.deferral = deferral
        self.settlingCountMax = settlingCountMax
        self.cors = cors
    }
}

/// Whether a gateway takes money.
public enum GatewayMode: Hashable, Sendable {
    /// It does.
    case live
    /// It only does as if: every answer has the field `Tollgate-Mode: test`.
    case test

    /// The line that tells of it, as it stands in a head; empty where there is nothing to tell.
    var line: String { self == .test ? "Tollgate-Mode: test\r\n" : "" }
}

/// A pattern, where its requests go, and what they cost.
public struct Route: Sendable {
    /// What it matches.
    public var pattern: RoutePattern
    /// Where its requests go.
    public var upstream: Upstream
    /// What they cost; nil is free.
    public var terms: Terms?
    /// How often one client may ask here, counted for this route alone; nil members are as for the whole gateway.
    public var rateLimits = RateLimits()
    /// What directories say of it; nil keeps it out of them.
    public var listing: Listing?

    /// A route by all its fields.
    public init(pattern: RoutePattern, upstream: Upstream, terms: Terms?, listing: Listing? = nil) {
        self.pattern = pattern
        self.upstream = upstream
        self.terms = terms
        self.listing = listing
    }
}

/// What a priced route asks.
public struct Terms: Sendable {
    /// The ways to pay, the seller's preference first.
    public var options: [PaymentOption]
    /// When the money moves.
    public var settle: SettleRule
    /// For people.
    public var description: String
    /// The answer's media type, when the seller said.
    public var mimeType: String?
    /// The dialects it is offered in.
    public var dialects: [DialectID]
    /// Whether a call may be repeated under one payment after a crash, besides GET and HEAD.
    public var isIdempotent: Bool
    /// Whether answers are kept for payers who lost them on the way.
    public var storesAnswers: Bool
    /// Whether it takes the clients' own names for payments.
    public var identifiers: IdentifierRule
    /// Whether a payer may prove itself by signing in: to get an answer that was lost, and to spend what it is owed.
    public var acceptsSignIn: Bool
    /// How it is sold to clients that send the money by themselves; nil where it is not.
    public var references: ReferenceTerms?
    /// How long one payment opens the route to whoever brings the pass that it buys, in seconds; nil where it buys one answer.
    public var accessSeconds: Int64?
    /// Whether it is paid for at all. In shadow mode it is not: what would be refused is logged, and let pass.
    public var isEnforced: Bool

    /// Terms by all their fields.
    public init(
        options: [PaymentOption], settle: SettleRule = SettleRule(.after), description: String = "", mimeType: String? = nil,
        dialects: [DialectID], isIdempotent: Bool = false, storesAnswers: Bool = true,
        identifiers: IdentifierRule = .optional, acceptsSignIn: Bool = false, isEnforced: Bool = true
    ) {
        self.options = options
        self.settle = settle
        self.description = description
        self.mimeType = mimeType
        self.dialects = dialects
        self.isIdempotent = isIdempotent
        self.storesAnswers = storesAnswers
        self.identifiers = identifiers
        self.acceptsSignIn = acceptsSignIn
        self.isEnforced = isEnforced
    }
}
