// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollGateway
import TollHTTP
import TollPayments
import TollRuntime

extension Configuration {
    /// Beside another proxy, which asks about each request, instead of in front of upstreams.
    struct Auth: Sendable {
        var listen: ListenAddress
        var proxies: ForwardAuthConfiguration
        var place: Place
    }
}

/// What holds where another proxy asks, which never shows bodies and answers.
extension ConfigurationReader {
    private static let authRemedy = "remove it, or `auth`"

    mutating func auth(_ root: ConfigurationMapping) -> Configuration.Auth? {
        guard let value = root["auth"] else { return nil }
        self.isForwardAuth = true
        self.refuseBesideAuth(root)
        guard let mapping = value.mapping(keys: ["listen", "mode", "trusted_proxies"], &self.findings) else { return nil }
        let listen = mapping.required("listen", example: "127.0.0.1:4023", &self.findings)?.listenAddress(&self.findings)
        let modes = ForwardAuthConfiguration.Mode.allCases.map(\.rawValue)
        let mode = mapping.required("mode", example: modes[0], &self.findings)?.choice(of: modes, &self.findings)
            .flatMap(ForwardAuthConfiguration.Mode.init)
        let proxies = mapping["trusted_proxies"].map { self.trustedProxies($0) } ?? TrustedProxies(AddressRange.loopback)
        if let listen, !listen.isLoopback, !mapping.has("trusted_proxies") {
            let remedy = "write `trusted_proxies: [10.0.0.5/32]` with the addresses of your proxies"
            mapping["listen"]?.refuse("is off loopback, where nobody would be answered", remedy: remedy, &self.findings)
        }
        guard let listen, let mode else { return nil }
        return Configuration.Auth(
            listen: listen, proxies: ForwardAuthConfiguration(mode: mode, trustedProxies: proxies), place: self.place(value))
    }

    /// One process is a proxy, or stands beside one.
    private mutating func refuseBesideAuth(_ root: ConfigurationMapping) {
        for key in ["listen", "upstreams", "trusted_proxies"] {
            root[key]?.refuse(
                "does nothing beside `auth`: requests stay with the proxy that asks", remedy: Self.authRemedy, &self.findings)
        }
        if !root.has("public_url") {
            let remedy = "write `public_url:` with the origin that clients call, for example `https://api.example.com`"
            root["auth"]?.refuse("clients call another server, and `public_url` is missing", remedy: remedy, &self.findings)
        }
    }

    /// What a route may say: an answer that is not seen can be neither waited for nor kept, and a call not repeated.
    mutating func reviewAuthRoute(_ mapping: ConfigurationMapping) {
        guard self.isForwardAuth else { return }
        mapping["upstream"]?.refuse("does nothing beside `auth`", remedy: "remove the line, or `auth`", &self.findings)
        for key in ["store_answers", "idempotent"] where mapping[key]?.scalarText == "true" {
            mapping[key]?.refuse(
                "answers are not seen beside `auth`: leave to pass is given once", remedy: "remove the line", &self.findings)
        }
    }
}
