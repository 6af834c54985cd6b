// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments

/// A route as an operator looks at it.
public struct RouteStatus: Hashable, Sendable {
    /// As it is configured: `GET /weather/*`.
    public let pattern: String
    /// The name of its upstream.
    public let upstream: String
    /// The ways to pay: `0.001 USDC`. Empty when it is free.
    public let prices: [String]
    /// When the money moves; nil when it is free.
    public let settle: String?
    /// Whether it is paid for at all: false in shadow mode.
    public let isEnforced: Bool
    /// Whether it takes no requests for now.
    public let isPaused: Bool
}

extension Gateway {
    /// The configured routes, in order.
    public var routes: [RouteStatus] {
        self.table.routes.map { route in
            RouteStatus(
                pattern: route.pattern.description, upstream: route.upstream.name,
                prices: route.priced?.terms.options.map { "\($0.display) on \($0.network)" } ?? [],
                settle: route.priced?.terms.settle.policy.rawValue, isEnforced: route.priced?.terms.isEnforced ?? false,
                isPaused: self.pauses.holds(route.pattern.description, isPriced: route.priced != nil))
        }
    }
}
