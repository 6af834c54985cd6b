// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollProtocol

/// When the money moves relative to the answer.
public enum SettlePolicy: String, Hashable, Sendable {
    /// Before the upstream is called: for what is dear or streamed. On the wire `extra.paymentFlow: "upfront"`.
    case before
    /// After the upstream has answered and before the answer leaves: nothing is charged for a failed call. The x402 default.
    case after
    /// Later, together with others: for what is cheap. The answer is served on a verified and durably claimed authorization, and
    /// the seller bears the risk that it does not settle, up to the exposure it has set.
    case deferred
}

/// Which policy a payment is settled under: the same for everyone, or one for payers who have paid before and one for others.
public struct SettleRule: Hashable, Sendable {
    /// For a payer with the history that is asked for.
    public let policy: SettlePolicy
    /// Settled payments that must lie behind a payer; 0 asks for no history. Never 0 under `deferred`.
    public let settledPaymentsMin: Int
    /// For everyone else.
    public let otherwise: SettlePolicy

    /// A rule. `deferred` asks for at least one settled payment, and nobody is deferred without: `otherwise` is then `after`.
    public init(_ policy: SettlePolicy, settledPaymentsMin: Int = 0, otherwise: SettlePolicy = .after) {
        self.policy = policy
        self.settledPaymentsMin = policy == .deferred ? max(1, settledPaymentsMin) : settledPaymentsMin
        self.otherwise = otherwise == .deferred ? .after : otherwise
    }

    /// The same with nobody deferred.
    public var atOnce: SettleRule {
        self.policy == .deferred ? SettleRule(self.otherwise) : self
    }

    /// What holds for a payer of whom nothing is known, and so what an offer says on the wire.
    public var forStrangers: SettlePolicy { self.settledPaymentsMin == 0 ? self.policy : self.otherwise }
}

/// Whether a route takes a client's own names for its payments (the x402 extension `payment-identifier`).
public enum IdentifierRule: String, Hashable, Sendable, CaseIterable {
    /// It does not look at them.
    case off
    /// Whoever gives one gets the same answer for it.
    case optional
    /// Nobody pays without one.
    case required
}

/// What a seller says of itself, for directories. Limits are those of the x402 specification, "ResourceInfo".
public struct ServiceInfo: Hashable, Sendable {
    /// Up to 32 printable ASCII characters.
    public var name: String?
    /// Up to five of up to 32 printable ASCII characters.
    public var tags: [String]
    /// Absolute http(s), up to 2048 characters.
    public var iconURL: String?

    /// A seller by all that is said.
    public init(name: String? = nil, tags: [String] = [], iconURL: String? = nil) {
        self.name = name
        self.tags = tags
        self.iconURL = iconURL
    }
}

/// What a route asks for one call: the resource and every way to pay for it.
public struct Offer: Hashable, Sendable {
    /// The resource's URL as clients see it: the public origin and the raw path, without a query.
    public var resource: String
    /// For people; empty when the seller gave none.
    public let description: String
    /// The answer's media type, when the seller said.
    public let mimeType: String?
    /// At least one, the seller's preference first.
    public let options: [PaymentOption]
    /// When the money moves.
    public let policy: SettlePolicy

    /// Whether it takes the client's names for payments.
    public let identifiers: IdentifierRule
    /// The authority to sign in to, where payers may sign in (the x402 extension `sign-in-with-x`); nil where they may not.
    public let signInDomain: String?
    /// How the resource is called and what it gives (the x402 extension `bazaar`); nil when it is not said.
    public let bazaar: X402V2.Bazaar?
    /// Who sells it.
    public let service: ServiceInfo
    /// The pattern of the route, as configuration writes it.
    public let route: String
    /// The dialects it is offered in.
    public let dialects: [DialectID]
    /// How it is sold to clients that send the money by themselves; nil where it is not.
    public let references: ReferenceTerms?
    /// What dialects add to a challenge of x402 version 2, whose clients pass over what they do not know.
    public var additions = ChallengeAdditions()

    /// An offer by all its fields.
    public init(
        resource: String, description: String, mimeType: String?, options: [PaymentOption], policy: SettlePolicy,
        identifiers: IdentifierRule = .off, signInDomain: String? = nil, bazaar: X402V2.Bazaar? = nil,
        service: ServiceInfo = ServiceInfo(), route: String = "", dialects: [DialectID] = [],
        references: ReferenceTerms? = nil
    ) {
        self.references = references
        self.resource = resource
        self.description = description
        self.mimeType = mimeType
        self.options = options
        self.policy = policy
        self.identifiers = identifiers
        self.signInDomain = signInDomain
        self.bazaar = bazaar
        self.service = service
        self.route = route
        self.dialects = dialects
    }

    /// The path of the resource, as it stands in its URL.
    public var path: Substring {
        let rest = self.resource.firstRange(of: "://").map { self.resource[$0.upperBound...] } ?? self.resource[...]
        return rest.firstIndex(of: "/").map { rest[$0...] } ?? "/"
    }
}
