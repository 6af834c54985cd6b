// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollGateway
import TollPayments
import TollPrimitives
import TollRuntime

/// What stands behind the gateway.
extension ConfigurationReader {
    private static let upstreamKeys = [
        "url", "urls", "timeout", "connect_timeout", "idle_timeout", "strip", "ca", "http2", "health", "failures", "rest",
        "connections",
    ]
    /// More replicas than this have a balancer of their own.
    private static let addressCountMax = 64
    private static let addressExample = "http://127.0.0.1:9000"
    /// A bundle of all public authorities has some hundred kilobytes.
    private static let authoritiesByteCountMax = 4 << 20

    mutating func upstreams(_ value: ConfigurationValue?) -> [Configuration.Upstream] {
        let mapping = value?.mapping(example: "weather: \(Self.addressExample)", &self.findings)
        self.declaredUpstreams = mapping?.names ?? []
        return (mapping?.entries ?? []).compactMap { self.upstream(named: $0.key, $0.value) }
    }

    private mutating func upstream(named name: String, _ value: ConfigurationValue) -> Configuration.Upstream? {
        let place = self.place(value)
        if value.scalarText != nil {
            return value.origin(&self.findings).map {
                Configuration.Upstream(name: name, addresses: [.init(url: $0)], place: place)
            }
        }
        guard let mapping = value.mapping(keys: Self.upstreamKeys, &self.findings) else { return nil }
        let addresses = self.addresses(mapping)
        var upstream = Configuration.Upstream(name: name, addresses: addresses, place: place)
        upstream.strip = (mapping["strip"]?.listOrSingle(&self.findings) ?? []).compactMap { self.fieldName($0) }
        let whole = Duration.milliseconds(100) ... .seconds(3_600)
        upstream.timeout = self.duration(mapping["timeout"], in: whole, default: upstream.timeout)
        upstream.connectTimeout = self.duration(mapping["connect_timeout"], in: whole, default: upstream.connectTimeout)
        let idle = Duration.seconds(1) ... .seconds(86_400)
        upstream.idleTimeout = self.duration(mapping["idle_timeout"], in: idle, default: upstream.idleTimeout)
        upstream.connections = mapping["connections"]?.integer(in: 1...10_000, &self.findings)
        self.security(mapping, &upstream)
        upstream.health = mapping["health"].flatMap { self.health($0) }
        upstream.breaker.failureCount =
            mapping["failures"]?.integer(in: 1...1_000, &self.findings) ?? upstream.breaker.failureCount
        let rest = Duration.seconds(1) ... .seconds(3_600)
        upstream.breaker.restMax = self.duration(mapping["rest"], in: rest, default: upstream.breaker.restMax)
        return addresses.isEmpty ? nil : upstream
    }

    /// What streams cannot wait to be paid for.
    mutating func checkStreaming(_ mapping: ConfigurationMapping, _ settle: SettleRule) {
        guard let value = mapping["stream"], value.boolean(&self.findings) == true, settle.holdsAnswers else { return }
        let remedy = "write `settle: before`, or `settle: {then: deferred, else: before}`"
        value.refuse("the answer would be held until it is paid for (`after`)", remedy: remedy, &self.findings)
    }

    // MARK: Addresses

    private mutating func addresses(_ mapping: ConfigurationMapping) -> [Configuration.Upstream.Address] {
        guard let list = mapping["urls"] else {
            let url = mapping.required("url", example: Self.addressExample, &self.findings)?.origin(&self.findings)
            return url.map { [.init(url: $0)] } ?? []
        }
        if let url = mapping["url"] {
            url.refuse("stands beside `urls`", remedy: "write all addresses under `urls`", &self.findings)
        }
        let items = list.listOrSingle(&self.findings) ?? []
        guard (1...Self.addressCountMax).contains(items.count) else {
            let remedy = "write 1 to \(Self.addressCountMax) addresses"
            list.refuse("has \(items.count) addresses", remedy: remedy, &self.findings)
            return []
        }
        var addresses: [Configuration.Upstream.Address] = []
        for item in items {
            guard let address = self.address(item) else { continue }
            if addresses.contains(where: { $0.url.origin == address.url.origin }) {
                item.refuse("is there already", remedy: "write it once, with a `weight`", &self.findings)
            }
            addresses.append(address)
        }
        return addresses
    }

    private mutating func address(_ value: ConfigurationValue) -> Configuration.Upstream.Address? {
        if value.scalarText != nil { return value.origin(&self.findings).map { .init(url: $0) } }
        guard let mapping = value.mapping(keys: ["url", "weight"], &self.findings) else { return nil }
        let url = mapping.required("url", example: Self.addressExample, &self.findings)?.origin(&self.findings)
        let weight = mapping["weight"]?.integer(in: 1...1_000, &self.findings) ?? 1
        return url.map { .init(url: $0, weight: weight) }
    }

    // MARK: How it is spoken to

    private mutating func security(_ mapping: ConfigurationMapping, _ upstream: inout Configuration.Upstream) {
        upstream.authorities = mapping["ca"].flatMap { self.authorities($0) }
        upstream.http2 = mapping["http2"]?.boolean(&self.findings) ?? true
        guard !upstream.addresses.isEmpty, !upstream.addresses.contains(where: { $0.url.isSecure }) else { return }
        for key in ["ca", "http2"] {
            let remedy = "write an `https` URL, or remove the line"
            mapping[key]?.refuse("is for TLS, and no address has it", remedy: remedy, &self.findings)
        }
    }

    private mutating func authorities(_ value: ConfigurationValue) -> String? {
        guard let text = value.text(example: "file:ca.pem", &self.findings) else { return nil }
        guard text.hasPrefix("file:"), text.utf8.count > 5 else {
            value.refuse("names no file", remedy: "write for example `file:ca.pem`", &self.findings)
            return nil
        }
        let path = String(text.dropFirst(5))
        do throws(FileError) {
            let bytes = try FileContents.read(path, byteCountMax: Self.authoritiesByteCountMax)
            guard String(decoding: bytes, as: UTF8.self).contains("-----BEGIN CERTIFICATE-----") else {
                value.refuse("holds no certificate", remedy: "name a file in PEM", &self.findings)
                return nil
            }
            return path
        } catch {
            value.refuse("cannot be read: \(error.reason)", remedy: "name a file that this user may read", &self.findings)
            return nil
        }
    }

    private mutating func health(_ value: ConfigurationValue) -> TollGateway.Upstream.HealthCheck? {
        guard let mapping = value.mapping(keys: ["path", "interval"], &self.findings),
            let path = mapping.required("path", example: "/health", &self.findings)
        else { return nil }
        let interval = self.duration(mapping["interval"], in: .seconds(1) ... .seconds(3_600), default: .seconds(10))
        guard let target = path.text(example: "/health", &self.findings) else { return nil }
        guard target.hasPrefix("/"), target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x23 }) else {
            path.refuse("is no path", remedy: "write for example `/health`", &self.findings)
            return nil
        }
        return TollGateway.Upstream.HealthCheck(target: target, interval: interval)
    }
}

extension SettleRule {
    /// Whether some payer's answer waits for its settlement.
    var holdsAnswers: Bool { self.policy == .after || (self.settledPaymentsMin > 0 && self.otherwise == .after) }
}
