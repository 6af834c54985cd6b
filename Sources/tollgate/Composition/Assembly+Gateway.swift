// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollGateway
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol

extension Assembly {
    /// The configuration in the gateway's own terms.
    func gatewayConfiguration() throws -> GatewayConfiguration {
        var upstreams: [String: Upstream] = [:]
        for upstream in self.configuration.upstreams {
            upstreams[upstream.name] = try Self.upstream(upstream)
        }
        let cors: CORSPolicy =
            switch self.configuration.cors {
            case .anyOrigin: .any
            case .origins(let origins): .only(Set(origins))
            }
        var gateway = GatewayConfiguration(
            publicURL: try Origin(parsing: self.configuration.publicURL.text),
            routes: try self.configuration.routes.map { route in
                guard let upstream = self.configuration.auth == nil ? upstreams[route.upstreamName] : .admission else {
                    throw Failure(description: "\(route.place.path): no upstream \(route.upstreamName)")
                }
                var read = Route(
                    pattern: route.pattern, upstream: upstream, terms: route.isFree ? nil : self.terms(route),
                    listing: route.listing)
                read.rateLimits = route.rateLimits
                return read
            },
            settleWait: self.configuration.settleWait, deferral: self.configuration.deferral.limits,
            settlingCountMax: self.configuration.limits.settling, cors: cors)
        gateway.trustedProxies = self.configuration.trustedProxies
        gateway.holding = self.configuration.limits.holding
        gateway.denied = DenyList(self.configuration.deny.payers)
        gateway.screening = try self.screening()
        gateway.rateLimits = self.configuration.rateLimits
        gateway.passKeys = PassKeys(self.configuration.passKeys) ?? self.ledgerPassKeys
        gateway.discovery = self.configuration.discovery
        gateway.discovery?.signers = self.signers
        gateway.mode = self.mode
        return gateway
    }

    static func upstream(_ configured: Configuration.Upstream) throws -> Upstream {
        var upstream = Upstream(
            name: configured.name,
            addresses: try configured.addresses.map { .init(try Origin(parsing: $0.url.text), weight: $0.weight) },
            timeout: configured.timeout, strip: configured.strip.compactMap { FieldName($0) })
        upstream.connectTimeout = configured.connectTimeout
        upstream.idleTimeout = configured.idleTimeout
        upstream.connections = configured.connections
        upstream.security = ClientSecurity(authorities: configured.authorities, allowsHTTP2: configured.http2)
        upstream.health = configured.health
        upstream.breaker = configured.breaker
        return upstream
    }

    private func screening() throws -> ScreeningHook? {
        try self.configuration.deny.screen.map { screen in
            ScreeningHook(
                url: try URLParts(parsing: screen.url.text), timeout: screen.timeout, failsClosed: screen.failsClosed,
                remembered: screen.remembered)
        }
    }

    private func terms(_ route: Configuration.Route) -> Terms {
        var terms = Terms(
            options: route.options.map { option in
                PaymentOption(
                    asset: Self.asset(option.asset, on: option.network), amount: option.amount, payTo: option.payTo,
                    maxTimeoutSeconds: Int(route.maxTimeout.components.seconds))
            },
            settle: self.mode == .live ? route.settle : route.settle.atOnce, description: route.description ?? "",
            mimeType: route.listing?.output?.mimeType,
            dialects: route.dialects.map { DialectID($0.rawValue) }, isIdempotent: route.isIdempotent,
            storesAnswers: route.storesAnswers, identifiers: Self.identifiers(route.identifiers), acceptsSignIn: route.signIn,
            isEnforced: route.isEnforced)
        terms.references = route.references
        terms.accessSeconds = route.accessSeconds
        return terms
    }

    private static func identifiers(_ rule: Configuration.PaymentIdentifier) -> IdentifierRule {
        switch rule {
        case .off: .off
        case .optional: .optional
        case .required: .required
        }
    }

    /// A configured asset in the words of payments.
    static func asset(_ token: AssetTable.Asset, on network: ChainID) -> Asset {
        Asset(
            network: network, address: token.address, symbol: token.symbol, decimals: token.decimals,
            domainName: token.eip712Name,
            domainVersion: token.eip712Version)
    }
}
