// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPrimitives

/// So many requests in a stretch of time.
public struct RateLimit: Hashable, Sendable {
    /// Requests; at least 1.
    public let count: Int
    /// The stretch, in seconds; at least 1.
    public let seconds: Int

    /// A limit of `count` requests in any `seconds`.
    public init(_ count: Int, per seconds: Int) {
        self.count = max(1, count)
        self.seconds = max(1, seconds)
    }
}

/// How often one client may ask. What is nil at a route is as for the whole gateway, and counted together with it.
public struct RateLimits: Hashable, Sendable {
    /// Requests without a payment for what has a price, by the client's address.
    public var unpaid: [RateLimit]?
    /// All requests, by the client's address.
    public var address: [RateLimit]?
    /// Paid requests, by who pays.
    public var payer: [RateLimit]?
    /// Requests that come with a pass, by the payment that bought it.
    public var pass: [RateLimit]?

    /// Limits; nil for those of the gateway, and for none.
    public init(
        unpaid: [RateLimit]? = nil, address: [RateLimit]? = nil, payer: [RateLimit]? = nil, pass: [RateLimit]? = nil
    ) {
        self.unpaid = unpaid
        self.address = address
        self.payer = payer
        self.pass = pass
    }
}

/// A limit with its name and what it is counted for.
struct RateRule: Sendable {
    let limit: RateLimit
    /// `unpaid-1s`: tells clients the limits of an answer apart.
    let name: String
    /// The route it is counted for alone; `*` for the gateway.
    let scope: String
}

/// The limits that hold on one route.
final class RouteRates: Sendable {
    /// For a request without a payment where there is a price: also those by address.
    let unpaid: [RateRule]
    let address: [RateRule]
    let payer: [RateRule]
    let pass: [RateRule]

    /// Nil where there is no limit.
    init?(of route: RateLimits, _ pattern: RoutePattern, in gateway: RateLimits) {
        func rules(_ own: [RateLimit]?, _ common: [RateLimit]?, _ name: String) -> [RateRule] {
            (own ?? common ?? []).map { limit in
                RateRule(limit: limit, name: "\(name)-\(limit.seconds)s", scope: own == nil ? "*" : pattern.description)
            }
        }
        self.address = rules(route.address, gateway.address, "address")
        self.unpaid = rules(route.unpaid, gateway.unpaid, "unpaid") + self.address
        self.payer = rules(route.payer, gateway.payer, "payer")
        self.pass = rules(route.pass, gateway.pass, "pass")
        guard !self.unpaid.isEmpty || !self.payer.isEmpty || !self.pass.isEmpty else { return nil }
    }
}
