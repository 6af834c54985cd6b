// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments

/// The routes of earlier configurations, as long as somebody may come with what they offered.
///
/// A client that was asked for a price signs that price. A reload in between must not make its payment a wrong one, so each
/// offer is honoured for its `max_timeout` from the reload on, under the terms it was made with.
struct FormerRoutes: Sendable {
    private struct Generation {
        let table: RouteTable
        let replacedAt: Int64
    }

    /// The priced routes that stood where a request goes, newest first.
    struct Match {
        /// Whose offers may still be taken.
        var honoured: [PricedRoute] = []
        /// Whose payments may only be taken up again: for an answer that was lost, or a settlement that was pending.
        var lapsed: [PricedRoute] = []
    }

    /// More configurations than an operator writes in the minutes that an offer lives. The oldest is forgotten.
    private static let countMax = 64

    /// Newest first, no two of them with the same offers.
    private var generations: [Generation] = []

    var isEmpty: Bool { self.generations.isEmpty }

    /// These and `table`, which `successor` replaces at `time` in seconds since 1970. What `successor` offers itself is left out.
    func adding(_ table: RouteTable, replacedBy successor: RouteTable, at time: Int64) -> FormerRoutes {
        var former = self
        former.generations.insert(Generation(table: table, replacedAt: time), at: 0)
        former.generations.removeAll { generation in
            let isOver = time >= generation.replacedAt + generation.table.longestOfferSeconds + StoredAnswer.keptSeconds
            return isOver || generation.table.promises == successor.promises
        }
        former.generations.removeLast(max(0, former.generations.count - Self.countMax))
        table.forgetPrepared()
        return former
    }

    /// The routes for a request that comes at `time`.
    func match(_ head: RequestHead, at time: Int64) -> Match {
        var match = Match()
        for generation in self.generations {
            guard case .route(let index) = generation.table.router.decide(head.method, path: head.path),
                let priced = generation.table.routes[index].priced
            else { continue }
            let age = time - generation.replacedAt
            if age < priced.offerSeconds {
                match.honoured.append(priced)
            } else if age < priced.offerSeconds + StoredAnswer.keptSeconds {
                match.lapsed.append(priced)
            }
        }
        return match
    }
}

/// What a request presents, and the route whose terms it takes.
struct RoutedReading {
    let reading: CredentialReading
    let route: PricedRoute
}

extension PricedRoute {
    /// What a request presents: for this route's offer, or else for one of `former` routes.
    func credential(in head: RequestHead, orOf former: [PricedRoute]) -> RoutedReading {
        let routes = [self] + former
        let reading = Self.credential(in: head, of: routes)
        guard !former.isEmpty, case .credential(let credential) = reading else {
            return RoutedReading(reading: reading, route: self)
        }
        let route = routes.first { route in
            guard case .credential(let own) = Self.credential(in: head, of: [route]) else { return false }
            return own.option == credential.option
        }
        return RoutedReading(reading: reading, route: route ?? self)
    }
}
