// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollGateway
import TollPayments
import TollPrimitives
import TollRuntime

/// What a route has unless it says otherwise.
struct RouteDefaults {
    var dialects: [Configuration.Dialect]
    var maxTimeout: Duration
    var settle: SettleSetting
    var receivers: Receivers
    var identifiers: Configuration.PaymentIdentifier
    var signIn: Bool
    var references: ReferenceSetting
}

/// Routes: what is for sale, and what is free.
extension ConfigurationReader {
    private static let routeKeys = [
        "match", "upstream", "price", "free", "description", "settle", "max_timeout", "idempotent", "store_answers", "enforce",
        "accept", "networks", "assets", "pay_to", "payment_identifier", "sign_in", "rate_limits", "listed", "input", "output",
        "stream", "transfer_proof", "access",
    ]
    private static let priceKeys = [
        "settle", "max_timeout", "accept", "networks", "assets", "pay_to", "payment_identifier", "sign_in", "access",
        "transfer_proof",
    ]
    /// The first route that matches is searched in order; more than this is a generated file that wants another shape.
    private static let routeCountMax = 2_000
    /// The challenge with all options travels in one field, of which clients read 8 to 16 KiB.
    private static let descriptionByteCountMax = 1_000

    mutating func routeDefaults(_ root: ConfigurationMapping) -> RouteDefaults {
        RouteDefaults(
            dialects: root["accept"].flatMap { self.dialects($0) } ?? Configuration.Dialect.usual,
            maxTimeout: self.maxTimeout(root["max_timeout"]) ?? .seconds(300),
            settle: root["settle"].flatMap { self.settleSetting($0) } ?? self.usualSetting,
            receivers: root["pay_to"].map { self.receivers($0) } ?? Receivers(),
            identifiers: root["payment_identifier"].flatMap { self.identifiers($0) } ?? .optional,
            signIn: root["sign_in"]?.boolean(&self.findings) ?? false,
            references: self.referenceSetting(root["transfer_proof"]) ?? ReferenceSetting()
        )
    }

    mutating func routes(
        _ root: ConfigurationMapping,
        networks: [Configuration.Network],
        defaults: RouteDefaults
    ) -> [Configuration.Route] {
        guard let value = root["routes"] else { return [] }
        guard let items = value.list(&self.findings), items.count <= Self.routeCountMax else {
            self.refuseRoutes(value)
            return []
        }
        return items.compactMap { self.route($0, networks: networks, defaults: defaults) }
    }

    /// Routes that are not read one by one; upstreams are then not blamed for having none.
    private mutating func refuseRoutes(_ value: ConfigurationValue) {
        self.referencedUpstreams.formUnion(self.declaredUpstreams)
        guard case .sequence(let items) = value.node.content else { return }
        let message = "has \(items.count) routes, more than \(Self.routeCountMax)"
        value.refuse(message, remedy: "let patterns stand for several paths", &self.findings)
    }

    private mutating func route(
        _ value: ConfigurationValue,
        networks: [Configuration.Network],
        defaults: RouteDefaults
    ) -> Configuration.Route? {
        guard let mapping = value.mapping(keys: Self.routeKeys, &self.findings) else { return nil }
        let place = self.place(value)
        let pattern = mapping.required("match", example: "GET /weather/*", &self.findings).flatMap { self.pattern($0) }
        if let pattern { self.patterns.append((pattern, mapping["match"].map(self.place) ?? place)) }
        let upstreamName = self.isForwardAuth ? Upstream.admission.name : self.upstreamName(mapping)
        self.reviewAuthRoute(mapping)
        let description = mapping["description"].flatMap { self.routeDescription($0) }
        let setting = mapping["settle"].map { self.settleSetting($0) ?? self.usualSetting } ?? defaults.settle
        let maxTimeout = self.maxTimeout(mapping["max_timeout"]) ?? defaults.maxTimeout
        let dialects = mapping["accept"].flatMap { self.dialects($0) } ?? defaults.dialects
        let isFree = self.isFree(mapping)
        let options = self.options(mapping, dialects, networks: networks, defaults: defaults.receivers)
        let settle = isFree ? self.usualSetting.rule : self.settleRule(setting, options)
        if !isFree {
            self.checkStreaming(mapping, settle)
            self.checkV1Names(value, dialects, options, networks)
            if options.isEmpty, self.networksWithoutReceiver.isEmpty, !self.findings.hasErrors {
                value.refuse("there is no way to pay its price", remedy: "write `free: true` if it is free", &self.findings)
            }
        }
        let isEnforced = mapping["enforce"]?.boolean(&self.findings) ?? true
        if !isEnforced {
            let remedy = "remove the line when it is to be paid for"
            mapping["enforce"]?.report(.warning, "every request is let pass, paid or not", remedy: remedy, &self.findings)
        }
        let isIdempotent = mapping["idempotent"]?.boolean(&self.findings) ?? false
        let storesAnswers = mapping["store_answers"]?.boolean(&self.findings) ?? true
        let identifiers = mapping["payment_identifier"].flatMap { self.identifiers($0) } ?? defaults.identifiers
        let signIn = mapping["sign_in"]?.boolean(&self.findings) ?? defaults.signIn
        if !isFree { self.checkExtensions(mapping, dialects, identifiers, signIn) }
        let references = self.references(mapping, isFree: isFree, dialects, options, defaults: defaults)
        let listing = self.listing(mapping, isFree: isFree, description: description, options: options)
        guard let pattern, let upstreamName else { return nil }
        return Configuration.Route(
            pattern: pattern,
            upstreamName: upstreamName,
            description: description,
            isFree: isFree,
            options: options,
            settle: settle,
            maxTimeout: maxTimeout,
            isEnforced: isEnforced,
            isIdempotent: isIdempotent,
            storesAnswers: storesAnswers,
            dialects: dialects,
            identifiers: identifiers,
            signIn: signIn,
            references: references,
            accessSeconds: self.access(mapping, isFree: isFree),
            rateLimits: self.rateLimits(mapping["rate_limits"], isFree: isFree),
            listing: listing,
            place: place
        )
    }

    private mutating func pattern(_ value: ConfigurationValue) -> RoutePattern? {
        guard let text = value.text(example: "GET /weather/*", &self.findings) else { return nil }
        do throws(RoutePattern.Problem) {
            return try RoutePattern(text)
        } catch {
            value.refuse(error.message, remedy: error.remedy, &self.findings)
            return nil
        }
    }

    private mutating func upstreamName(_ mapping: ConfigurationMapping) -> String? {
        let known = self.declaredUpstreams
        guard let value = mapping.required("upstream", example: known.first ?? "weather", &self.findings),
            let name = value.text(example: known.first ?? "weather", &self.findings)
        else { return nil }
        self.referencedUpstreams.insert(name)
        guard known.contains(name) else {
            let nearest = NearestName.find(name, among: known)
            let remedy = nearest.map { "write `\($0)`" } ?? "describe it under `upstreams`"
            value.refuse("no upstream `\(Finding.excerpt(name))` is configured", remedy: remedy, &self.findings)
            return nil
        }
        return name
    }

    mutating func routeDescription(_ value: ConfigurationValue) -> String? {
        guard let text = value.text(example: "Weather by city", &self.findings) else { return nil }
        guard text.utf8.count <= Self.descriptionByteCountMax, text == EscapedText.singleLine(text) else {
            let remedy = "write one line of at most \(Self.descriptionByteCountMax) bytes"
            value.refuse("is too long, or has line breaks or controls", remedy: remedy, &self.findings)
            return nil
        }
        return text
    }

    /// Whether the route is free; what contradicts that, or a price that is missing, is found here.
    private mutating func isFree(_ mapping: ConfigurationMapping) -> Bool {
        // Nil when it is neither true nor false, which has its own finding.
        let isFree = mapping.has("free") ? mapping["free"]?.boolean(&self.findings) : false
        if isFree == false, !mapping.has("price") {
            let remedy = "write `price: $0.001`, or `free: true`"
            mapping.owner.refuse("has no price, and is not free", remedy: remedy, &self.findings)
        }
        guard isFree == true else { return false }
        if let price = mapping["price"] {
            price.refuse("the route is free and has a price", remedy: "remove `price` or `free`", &self.findings)
        } else {
            for key in Self.priceKeys {
                mapping[key]?.report(.warning, "does nothing on a free route", remedy: "remove the line", &self.findings)
            }
        }
        return true
    }

    mutating func identifiers(_ value: ConfigurationValue) -> Configuration.PaymentIdentifier? {
        let names = Configuration.PaymentIdentifier.allCases.map(\.rawValue)
        return value.choice(of: names, &self.findings).flatMap(Configuration.PaymentIdentifier.init)
    }

    /// Both travel in the extensions of x402 version 2 alone.
    private mutating func checkExtensions(
        _ mapping: ConfigurationMapping,
        _ dialects: [Configuration.Dialect],
        _ identifiers: Configuration.PaymentIdentifier,
        _ signIn: Bool
    ) {
        if identifiers == .required, dialects.contains(.x402v1) {
            let message = "x402-v1 has no place for a payment identifier, so that whoever uses it could not pay"
            (mapping["payment_identifier"] ?? mapping.owner).refuse(message, remedy: "write `accept: [x402]`", &self.findings)
        }
        if signIn, !dialects.contains(.x402) {
            let message = "x402-v1 has no place for a sign-in, so that nobody would be invited to one"
            (mapping["sign_in"] ?? mapping.owner).refuse(message, remedy: "write `accept: [x402, x402-v1]`", &self.findings)
        }
    }

    /// x402 version 1 knows networks by names of its own, and some have none.
    private mutating func checkV1Names(
        _ value: ConfigurationValue,
        _ dialects: [Configuration.Dialect],
        _ options: [Configuration.PaymentOption],
        _ networks: [Configuration.Network]
    ) {
        guard dialects == [.x402v1], !options.isEmpty else { return }
        let named = Set(networks.filter { $0.v1Name != nil }.map(\.id))
        guard !options.contains(where: { named.contains($0.network) }) else { return }
        let message =
            "x402-v1 has no name for \(options.map { "\($0.network)" }.joined(separator: ", ")), so that nobody could pay"
        value.refuse(message, remedy: "write `accept: [x402, x402-v1]`", &self.findings)
    }
}
