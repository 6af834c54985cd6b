// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPrimitives
import TollRuntime

/// Listeners, store, limits, upstreams: what any gateway has.
extension ConfigurationReader {
    mutating func publicURL(_ root: ConfigurationMapping, listen: [Configuration.Listener]?) -> WebURL? {
        guard let value = root["public_url"] else {
            guard let listen, !root.has("public_url") else { return nil }
            guard let first = listen.first(where: { !$0.redirectsToHTTPS }) else { return nil }
            guard let address = first.address, listen.allSatisfy({ $0.address?.isLoopback ?? true }), address.port != 0 else {
                let isNear = first.address?.isLoopback ?? false && listen.allSatisfy { $0.address?.isLoopback ?? true }
                let reason = isNear ? "the port is only known later" : "others can call this address"
                let remedy = "write `public_url:` with the origin that clients call, for example `https://api.example.com`"
                root["listen"]?.refuse("\(reason), and `public_url` is missing", remedy: remedy, &self.findings)
                return nil
            }
            return try? WebURL("\(first.isSecure ? "https" : "http")://\(address)")
        }
        guard let url = value.origin(&self.findings) else { return nil }
        if !url.isSecure, !url.isLoopback {
            let message = "clients would send payments over plain HTTP"
            value.report(.warning, message, remedy: "write an `https` URL, with TLS in front of the gateway", &self.findings)
        }
        if !url.isSecure, listen?.contains(where: \.redirectsToHTTPS) ?? false {
            value.refuse("is where `redirect_to_https` sends clients", remedy: "write an `https` URL", &self.findings)
        }
        return url
    }

    mutating func admin(_ root: ConfigurationMapping) -> Configuration.Admin? {
        guard let value = root["admin"], let mapping = value.mapping(keys: ["listen", "token"], &self.findings) else {
            return nil
        }
        let listen = mapping.required("listen", example: "127.0.0.1:4021", &self.findings)
            .flatMap { self.companionListeners($0, example: "127.0.0.1:4021") }
        let token = mapping["token"]?.secret(from: self.secrets, &self.findings)
        guard let listen else { return nil }
        if let open = listen.first(where: { !$0.isLocal }), !mapping.has("token") {
            let remedy = "listen on 127.0.0.1, or write `token: env:NAME`"
            let message = "anyone who reaches \(open.location) would have the admin page"
            mapping["listen"]?.refuse(message, remedy: remedy, &self.findings)
        }
        return Configuration.Admin(listen: listen, token: token, place: self.place(value))
    }

    mutating func limits(_ value: ConfigurationValue?) -> Configuration.Limits {
        var limits = Configuration.Limits()
        let keys =
            [
                "header_bytes", "header_count", "body_bytes", "connections", "connections_per_address", "settling", "header_time",
                "idle_time", "requests_per_connection", "connection_time", "body_idle_time", "body_rate", "write_idle_time",
            ] + Self.holdingKeys
        guard let mapping = value?.mapping(keys: keys, &self.findings) else { return limits }
        // A challenge and its answer need some kilobytes; above a mebibyte a header is an attack.
        limits.headerBytes =
            mapping["header_bytes"]?.byteCount(in: (4 << 10)...(1 << 20), &self.findings) ?? limits.headerBytes
        limits.bodyBytes = mapping["body_bytes"]?.byteCount(in: 1...(1 << 40), &self.findings) ?? limits.bodyBytes
        limits.connections = mapping["connections"]?.integer(in: 1...1_000_000, &self.findings) ?? limits.connections
        limits.connectionsPlace = mapping["connections"].map { self.place($0) }
        limits.settling = mapping["settling"]?.integer(in: 1...1_000_000, &self.findings) ?? limits.settling
        limits.headerCount = mapping["header_count"]?.integer(in: 20...10_000, &self.findings) ?? limits.headerCount
        limits.connectionsPerAddress =
            mapping["connections_per_address"]?.integer(in: 1...1_000_000, &self.findings) ?? limits.connectionsPerAddress
        // Bytes a second.
        limits.bodyRate = mapping["body_rate"]?.byteCount(in: 0...(1 << 30), &self.findings) ?? limits.bodyRate
        let seconds = Duration.seconds(1) ... .seconds(3_600)
        limits.bodyIdleTime = self.duration(mapping["body_idle_time"], in: seconds, default: limits.bodyIdleTime)
        limits.writeIdleTime = self.duration(mapping["write_idle_time"], in: seconds, default: limits.writeIdleTime)
        limits.headerTime = self.duration(mapping["header_time"], in: .seconds(1) ... .seconds(300), default: limits.headerTime)
        limits.idleTime = self.duration(mapping["idle_time"], in: .seconds(1) ... .seconds(3_600), default: limits.idleTime)
        limits.requestsPerConnection =
            mapping["requests_per_connection"]?.integer(in: 1...1_000_000_000, &self.findings) ?? limits.requestsPerConnection
        let lives = Duration.seconds(1) ... .seconds(30 * 86_400)
        limits.connectionTime = self.duration(mapping["connection_time"], in: lives, default: limits.connectionTime)
        self.holding(mapping, &limits.holding)
        return limits
    }

    mutating func cors(_ value: ConfigurationValue?) -> Configuration.CORS {
        let mapping = value?.mapping(keys: ["origins"], &self.findings)
        guard let list = mapping?["origins"], let items = list.listOrSingle(&self.findings) else { return .anyOrigin }
        var origins: [String] = []
        for item in items {
            if item.scalarText == "*" {
                guard items.count > 1 else { return .anyOrigin }
                item.refuse("`*` stands beside other origins", remedy: "write `[\"*\"]`, or only the origins", &self.findings)
            } else if let origin = item.origin(&self.findings) {
                origins.append(origin.origin)
            }
        }
        return .origins(origins)
    }

    /// A field's name: a token of RFC 9110 §5.6.2.
    mutating func fieldName(_ value: ConfigurationValue) -> String? {
        guard let name = value.text(example: "Server", &self.findings) else { return nil }
        guard Self.isToken(name) else {
            value.refuse(
                "`\(Finding.excerpt(name))` is no field name",
                remedy: "write for example `X-Powered-By`",
                &self.findings
            )
            return nil
        }
        return name
    }

    static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
    }
}
