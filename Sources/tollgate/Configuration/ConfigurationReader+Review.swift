// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollGateway
import TollPrimitives
import TollRuntime

/// What only shows when the sections are seen together, and what this version does not do.
extension ConfigurationReader {
    /// The sections as far as they were read.
    struct Sections {
        var listen: [Configuration.Listener]
        var admin: Configuration.Admin?
        var networks: [Configuration.Network]
        var facilitator: Configuration.Facilitator?
        var deferral: Configuration.Deferral
        var upstreams: [Configuration.Upstream]
        var routes: [Configuration.Route]
    }

    mutating func review(_ sections: Sections, _ root: ConfigurationMapping) {
        self.reviewListeners(sections, root)
        self.reviewUpstreams(sections)
        self.reviewPatterns()
        self.reviewMoney(sections, root)
        self.reviewDeferral(sections, root)
        if !root.has("routes"), sections.facilitator?.serve == nil {
            let remedy = "write `routes:`"
            root.owner.report(.warning, "there are no routes, so that everything is answered 404", remedy: remedy, &self.findings)
        }
    }

    private mutating func add(
        _ severity: Finding.Severity,
        at place: Configuration.Place,
        _ message: String,
        remedy: String
    ) {
        self.findings.add(severity, file: self.file, line: place.line, path: place.path, message, remedy: remedy)
    }

    private mutating func reviewListeners(_ sections: Sections, _ root: ConfigurationMapping) {
        let listeners =
            sections.listen + (sections.admin?.listen ?? []) + (sections.facilitator?.serve?.listen ?? [])
        for (index, listener) in listeners.enumerated() {
            guard let other = listeners[..<index].first(where: { $0.collides(with: listener) }) else { continue }
            let message = "\(listener.location) is taken by `\(other.place.path)` (\(other.location))"
            let remedy = listener.address == nil ? "give each its own file" : "give each its own port"
            self.add(.error, at: listener.place, message, remedy: remedy)
        }
    }

    private mutating func reviewUpstreams(_ sections: Sections) {
        for upstream in sections.upstreams {
            if !self.referencedUpstreams.contains(upstream.name) {
                self.add(.warning, at: upstream.place, "no route leads here", remedy: "name it in a route, or remove it")
            }
            let own = sections.listen.compactMap(\.address).contains { address in
                (address.isLoopback || address.isWildcard)
                    && upstream.addresses.contains { $0.url.isLoopback && $0.url.port == address.port }
            }
            guard own else { continue }
            let message = "is the gateway's own listener, so that requests would go in circles"
            self.add(.error, at: upstream.place, message, remedy: "write the address of the server behind it")
        }
    }

    private mutating func reviewPatterns() {
        for (index, (pattern, place)) in self.patterns.enumerated() {
            guard let earlier = self.patterns[..<index].first(where: { $0.pattern.covers(pattern) }) else { continue }
            let message = "is never reached: `\(earlier.pattern)` on line \(earlier.place.line) matches all that it does"
            self.add(.warning, at: place, message, remedy: "put it before that line, or remove it")
        }
    }

    private mutating func reviewMoney(_ sections: Sections, _ root: ConfigurationMapping) {
        let priced = sections.routes.filter { !$0.isFree }
        // What clients send by themselves needs nobody to settle it.
        let needsNobody = !priced.isEmpty && priced.allSatisfy { $0.dialects == [.transferProof] }
        if let priced = self.pricedPlace, !root.has("facilitator"), !needsNobody {
            let remedy = "write `facilitator: {signers: {eip155: [\"env:TOLLGATE_EVM_KEY\"]}}`, or `{remote: [https://…]}`"
            self.add(.error, at: priced, "nobody settles: `facilitator` is missing", remedy: remedy)
        }
        let offered = Set(sections.routes.flatMap { $0.options.map(\.network) })
        for network in sections.networks {
            if self.networksWithoutReceiver.contains(network.id) {
                let remedy = "write `pay_to: {\(network.id.namespace): \"0x…\"}`"
                self.add(.error, at: network.place, "nothing says who receives the payments here", remedy: remedy)
            }
            guard network.rpc.isEmpty, offered.contains(network.id), !self.refusedRPC.contains(network.id) else { continue }
            let remedy = "write `rpc: [https://…]`, or `[env:NAME]` where the URL holds a key"
            if sections.facilitator?.signers.isEmpty ?? true {
                let message = "has no RPC server, so that nothing can be compared with the chain"
                self.add(.warning, at: network.place, message, remedy: remedy)
            } else {
                self.add(.error, at: network.place, "has no RPC server to settle through", remedy: remedy)
            }
        }
        for route in sections.routes {
            self.reviewReceivers(route)
            self.reviewTestMoney(route, sections.networks)
        }
    }

    /// A token sent to a token's own contract is lost.
    private mutating func reviewReceivers(_ route: Configuration.Route) {
        guard let option = route.options.first(where: { $0.payTo == $0.asset.address }) else { return }
        let message = "payments would go to the contract of \(option.asset.symbol) itself, and be lost"
        self.add(.error, at: route.place, message, remedy: "write your own address in `pay_to`")
    }

    private mutating func reviewTestMoney(_ route: Configuration.Route, _ networks: [Configuration.Network]) {
        let kinds = networks.filter { network in route.options.contains { $0.network == network.id } }
        guard let test = kinds.first(where: { $0.isTestnet == true }), let main = kinds.first(where: { $0.isTestnet == false })
        else {
            return
        }
        let message = "can be paid with test money on \(test.id) as well as with money on \(main.id)"
        self.add(.warning, at: route.place, message, remedy: "choose with `networks: [\(main.id)]`")
    }
}
