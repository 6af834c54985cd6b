// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPrimitives
import TollRuntime

/// Who verifies and settles.
extension ConfigurationReader {
    typealias Facilitator = Configuration.Facilitator

    mutating func facilitator(_ root: ConfigurationMapping, networks: [Configuration.Network]) -> Facilitator? {
        guard let value = root["facilitator"] else { return nil }
        guard let mapping = value.mapping(keys: ["signers", "remote", "serve"], &self.findings) else { return nil }
        let signers = mapping["signers"].map { self.signers($0) } ?? []
        let remotes = (mapping["remote"]?.listOrSingle(&self.findings) ?? []).compactMap { self.remote($0) }
        let serve = mapping["serve"].flatMap { self.serve($0, networks: networks) }
        if mapping.has("signers"), let remote = mapping["remote"] {
            let remedy = "keep `signers` to settle yourself, or `remote` to have it done"
            remote.refuse("`remote` stands beside `signers`", remedy: remedy, &self.findings)
        }
        if let value = mapping["serve"], !mapping.has("signers") {
            let remedy = "write `signers: {eip155: [\"env:TOLLGATE_EVM_KEY\"]}` beside it"
            value.refuse("a facilitator for others needs signers of its own", remedy: remedy, &self.findings)
        }
        if mapping.entries.isEmpty, mapping.names.isEmpty {
            value.refuse("is empty", remedy: "write `signers` or `remote`", &self.findings)
        }
        return Facilitator(signers: signers, remotes: remotes, serve: serve)
    }

    // MARK: Signers

    private mutating func signers(_ value: ConfigurationValue) -> [Facilitator.Signer] {
        guard let mapping = value.mapping(example: "eip155: [\"env:TOLLGATE_EVM_KEY\"]", &self.findings) else { return [] }
        var signers: [Facilitator.Signer] = []
        for (namespace, value) in mapping.entries {
            guard namespace == "eip155" else {
                let isKnown = ["solana", "lightning"].contains(namespace) || ChainID(namespace)?.namespace == "solana"
                let reason = isKnown ? "signers of `\(namespace)` are not available in this version" : "is no kind of network"
                value.refuse(reason, remedy: "write `eip155`", &self.findings)
                continue
            }
            let items = value.listOrSingle(&self.findings) ?? []
            if items.isEmpty { value.refuse("is empty", remedy: "write `[\"env:TOLLGATE_EVM_KEY\"]`", &self.findings) }
            for item in items {
                guard let key = self.signerKey(item) else { continue }
                if let first = signers.first(where: { Self.holdSameKey($0.key, key) }) {
                    let remedy = "write each key once: two users of one key would send under the same nonces"
                    item.refuse("holds the key of `\(first.key.reference)` again", remedy: remedy, &self.findings)
                    continue
                }
                signers.append(Facilitator.Signer(namespace: namespace, key: key, place: self.place(item)))
            }
        }
        return signers
    }

    mutating func signerKey(_ value: ConfigurationValue) -> ResolvedSecret? {
        guard let secret = value.secret(from: self.secrets, &self.findings) else { return nil }
        let isKey = secret.value.withExposed { Self.keyBytes($0)?.contains { $0 != 0 } ?? false }
        guard isKey else {
            let remedy = "let it hold 64 hexadecimal digits, with or without 0x"
            value.refuse("what `\(secret.reference)` holds is no private key", remedy: remedy, &self.findings)
            return nil
        }
        return secret
    }

    private static func keyBytes(_ text: String) -> [UInt8]? {
        guard let bytes = Hex.decode(text), bytes.count == 32 else { return nil }
        return bytes
    }

    static func holdSameKey(_ left: ResolvedSecret, _ right: ResolvedSecret) -> Bool {
        left.value.withExposed { left in
            right.value.withExposed { right in constantTimeEquals(self.keyBytes(left) ?? [], self.keyBytes(right) ?? []) }
        }
    }

    // MARK: Remote facilitators

    private mutating func remote(_ value: ConfigurationValue) -> Facilitator.Remote? {
        if value.scalarText != nil {
            return value.url(&self.findings).map { Facilitator.Remote(url: $0, headers: [], place: self.place(value)) }
        }
        guard let mapping = value.mapping(keys: ["url", "headers"], &self.findings) else { return nil }
        let url = mapping.required("url", example: "https://facilitator.example", &self.findings)?.url(&self.findings)
        let fields = mapping["headers"]?.mapping(example: "Authorization: env:NAME", &self.findings)
        var headers: [(name: String, value: ResolvedSecret)] = []
        for (name, value) in fields?.entries ?? [] {
            if !Self.isToken(name) {
                value.refuse(
                    "`\(Finding.excerpt(name))` is no field name",
                    remedy: "write for example `Authorization`",
                    &self.findings
                )
            }
            guard let secret = value.secret(from: self.secrets, &self.findings) else { continue }
            let isFieldValue = secret.value.withExposed { $0.utf8.allSatisfy { (0x20...0x7E).contains($0) } }
            if !isFieldValue {
                let remedy = "let it hold one line of ASCII"
                value.refuse("what `\(secret.reference)` holds is no field value", remedy: remedy, &self.findings)
            }
            headers.append((name, secret))
        }
        guard let url else { return nil }
        if !headers.isEmpty, !url.isSecure, !url.isLoopback {
            value.refuse("secrets would be sent over plain HTTP", remedy: "write an `https` URL", &self.findings)
        }
        return Facilitator.Remote(url: url, headers: headers, place: self.place(value))
    }

    // MARK: Serving others

    private mutating func serve(_ value: ConfigurationValue, networks: [Configuration.Network]) -> Facilitator.Serve? {
        let place = self.place(value)
        if value.scalarText != nil {
            guard let listen = self.companionListeners(value, example: Self.serveExample) else { return nil }
            if let open = listen.first(where: { !$0.isLocal }) { self.refuseOpenServe(value, open.location) }
            return Facilitator.Serve(listen: listen, tokens: [], payTo: [], assets: [], gasPerHour: nil, place: place)
        }
        let keys = ["listen", "tokens", "pay_to", "assets", "gas_per_hour"]
        guard let mapping = value.mapping(keys: keys, &self.findings) else { return nil }
        let listen = mapping.required("listen", example: Self.serveExample, &self.findings)
            .flatMap { self.companionListeners($0, example: Self.serveExample) }
        let tokens = self.items(mapping["tokens"]).compactMap { $0.secret(from: self.secrets, &self.findings) }
        let payTo = self.items(mapping["pay_to"]).compactMap { self.receiver($0) }
        let symbols = Set(networks.flatMap { $0.assets.map(\.token.symbol) })
        let assets = self.items(mapping["assets"]).compactMap { self.symbol($0, among: symbols) }
        let gas = mapping["gas_per_hour"]?.integer(in: 21_000...1_000_000_000_000, &self.findings).map(UInt64.init)
        guard let listen else { return nil }
        if let open = listen.first(where: { !$0.isLocal }), !mapping.has("tokens"), !mapping.has("pay_to") {
            self.refuseOpenServe(value, open.location)
        }
        return Facilitator.Serve(listen: listen, tokens: tokens, payTo: payTo, assets: assets, gasPerHour: gas, place: place)
    }

    private static let serveExample = "127.0.0.1:4022"

    private mutating func refuseOpenServe(_ value: ConfigurationValue, _ listen: Configuration.Listener.Location) {
        let remedy = "write `{listen: \"\(listen)\", tokens: [env:NAME]}`, or `pay_to` with the receivers you settle for"
        value.refuse("anyone who reaches \(listen) could spend your gas", remedy: remedy, &self.findings)
    }

    /// The items of a list that must not be empty: an empty one would mean "all".
    private mutating func items(_ value: ConfigurationValue?) -> [ConfigurationValue] {
        guard let value, let items = value.listOrSingle(&self.findings) else { return [] }
        if items.isEmpty { value.refuse("is empty", remedy: "write at least one, or remove the line", &self.findings) }
        return items
    }

    /// One of the configured symbols.
    mutating func symbol(_ value: ConfigurationValue, among symbols: Set<String>) -> String? {
        guard let symbol = value.text(example: "USDC", &self.findings) else { return nil }
        guard symbols.contains(symbol) else {
            let remedy = Self.choices(symbols) ?? "describe it under `networks`"
            value.refuse("no asset `\(Finding.excerpt(symbol))` is configured", remedy: remedy, &self.findings)
            return nil
        }
        return symbol
    }

    /// What could be written instead. Nothing is guessed: assets and networks with similar names are different money.
    static func choices(_ names: Set<String>) -> String? {
        names.isEmpty ? nil : "configured are \(names.sorted().map { "`\($0)`" }.joined(separator: ", "))"
    }
}
