// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
public import TollPayments
public import TollProtocol

/// What is told to whoever has not called yet: `/.well-known/x402`, `/discovery/resources`, `/openapi.json`, `/llms.txt`, and the
/// extension `bazaar` in each 402.
public struct Discovery: Sendable {
    /// The service's name, for people.
    public var title: String
    /// What it is, for people and agents.
    public var description: String
    /// What offers say of the seller.
    public var service: ServiceInfo
    /// Whether a 402 says how its resource is called.
    public var describesOffers: Bool
    /// Accounts whose signature under payment instructions is the seller's word.
    public var signers: [String] = []

    /// What is told, by all its fields.
    public init(
        title: String, description: String = "", service: ServiceInfo = ServiceInfo(), describesOffers: Bool = true
    ) {
        self.title = title
        self.description = description
        self.service = service
        self.describesOffers = describesOffers
    }

    /// What the offers of a route say.
    func publication(of route: Route) -> Publication {
        guard let listing = route.listing else { return Publication() }
        let bazaar = self.describesOffers ? listing.bazaar(of: route.pattern) : nil
        return Publication(bazaar: bazaar, service: self.service)
    }
}

/// What directories say of a route.
public struct Listing: Sendable {
    /// For people and agents; empty when there is nothing to say.
    public var description: String
    /// What a call takes.
    public var input: X402V2.Bazaar.Input
    /// What it gives; nil when that is not described.
    public var output: X402V2.Bazaar.Output?
    /// What one call costs in dollars, `0.001`; nil where it is free or not asked in dollars.
    public var dollars: String?

    /// A listing by all its fields.
    public init(
        description: String = "", input: X402V2.Bazaar.Input = X402V2.Bazaar.Input(), output: X402V2.Bazaar.Output? = nil,
        dollars: String? = nil
    ) {
        self.description = description
        self.input = input
        self.output = output
        self.dollars = dollars
    }

    /// A pattern without a method is described by the one that it is most likely called with.
    func method(of pattern: RoutePattern) -> String {
        pattern.method?.token ?? (self.input.body == nil ? "GET" : "POST")
    }

    func bazaar(of pattern: RoutePattern) -> X402V2.Bazaar? {
        X402V2.Bazaar(
            method: self.method(of: pattern), segments: pattern.namedSegments, input: self.input, output: self.output)
    }
}

/// What an offer says besides how it is paid.
struct Publication: Sendable {
    var bazaar: X402V2.Bazaar?
    var service = ServiceInfo()
}

extension RoutePattern {
    /// The segments with a name for each that is no literal: its own, or `var1`, `var2` … by its place among the nameless.
    var namedSegments: [X402V2.Bazaar.Segment] {
        var count = 0
        return self.segments.map { segment in
            switch segment {
            case .literal(let text): return .literal(text)
            case .any(let name?): return .parameter(name)
            case .any, .rest:
                count += 1
                return segment == .rest ? .rest("var\(count)") : .parameter("var\(count)")
            }
        }
    }
}
