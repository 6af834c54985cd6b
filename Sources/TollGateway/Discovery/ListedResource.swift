// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// A route as the documents about the routes see it.
struct ListedResource {
    let listing: Listing
    /// The method that it is described by.
    let method: String
    let segments: [X402V2.Bazaar.Segment]
    /// The public origin.
    let origin: String
    /// What it is sold for, by which dialects; nil when it is free.
    let sale: (offer: Offer, dialects: [any Dialect])?
    /// How long one payment opens it, in seconds; nil where it buys one answer.
    let accessSeconds: Int64?

    /// Nil when the route is not listed.
    init?(_ route: Route, _ priced: PricedRoute?, publicURL: Origin) {
        guard let listing = route.listing else { return nil }
        self.listing = listing
        self.method = listing.method(of: route.pattern)
        self.segments = route.pattern.namedSegments
        self.origin = publicURL.description
        self.accessSeconds = priced?.passes?.accessSeconds
        let template = listing.bazaar(of: route.pattern)?.routeTemplate ?? route.pattern.path
        self.sale = priced.map { ($0.offer(named: "\(publicURL)\(template)"), $0.dialects) }
    }

    var description: String { self.listing.description }

    /// `/weather/{city}` (RFC 6570).
    var path: String { Self.path(self.segments) }

    static func path(_ segments: [X402V2.Bazaar.Segment]) -> String {
        segments.map { segment in
            switch segment {
            case .literal(let text): "/" + text
            case .parameter(let name), .rest(let name): "/{\(name)}"
            }
        }.joined()
    }

    /// With its origin.
    var url: String { self.origin + self.path }
}
