// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPrimitives
import TollRuntime

/// Chains, their tokens, and where payments go.
extension ConfigurationReader {
    mutating func networks(_ root: ConfigurationMapping) -> [Configuration.Network] {
        guard let mapping = root["networks"]?.mapping(example: "eip155:84532: {rpc: …}", &self.findings) else { return [] }
        var networks: [Configuration.Network] = []
        for (key, value) in mapping.entries {
            guard let id = self.chainID(key, at: value) else { continue }
            self.declaredNetworks.insert(id)
            if let network = self.network(id, value) { networks.append(network) }
        }
        return networks
    }

    /// The chain that `text` names; `value` is blamed when it names none, or one that cannot be used.
    mutating func chainID(_ text: String, at value: ConfigurationValue) -> ChainID? {
        guard let id = ChainID(text) else {
            let known = self.table.named(text)?.id.description
            let remedy = known.map { "write `\($0)`" } ?? "write for example `eip155:84532`"
            value.refuse("`\(Finding.excerpt(text))` is no CAIP-2 id of a network", remedy: remedy, &self.findings)
            return nil
        }
        guard id.namespace == "eip155" else {
            let message = "networks of `\(id.namespace)` are not available in this version"
            value.refuse(message, remedy: "write an `eip155` network", &self.findings)
            return nil
        }
        return id
    }

    private mutating func network(_ id: ChainID, _ value: ConfigurationValue) -> Configuration.Network? {
        let keys = ["rpc", "confirmations", "confirmations_over", "timeouts", "gas", "erc6492_factories", "assets"]
        guard let mapping = value.mapping(keys: keys, &self.findings) else { return nil }
        let known = self.table[id]
        let rpc = (mapping["rpc"]?.listOrSingle(&self.findings) ?? []).compactMap { self.urlOrReference($0) }
        if mapping.has("rpc"), rpc.isEmpty { self.refusedRPC.insert(id) }
        if let list = mapping["rpc"], case .sequence([]) = list.node.content {
            list.refuse("is empty", remedy: "write at least one URL, or remove the line", &self.findings)
        }
        let confirmations = mapping["confirmations"].flatMap { self.confirmations($0) } ?? .blocks(1)
        let confirmationsOver = mapping["confirmations_over"].map { self.confirmationsOver($0) } ?? []
        let factories = (mapping["erc6492_factories"]?.list(&self.findings) ?? []).compactMap { $0.address(&self.findings) }
        let assets = self.assets(mapping["assets"], of: id, known: known?.assets ?? [], network: value)
        return Configuration.Network(
            id: id,
            name: known?.name ?? id.description,
            v1Name: known?.v1Name,
            isTestnet: known?.isTestnet,
            rpc: rpc,
            confirmations: confirmations,
            confirmationsOver: confirmationsOver,
            timeouts: mapping["timeouts"].map { self.timeouts($0) } ?? Configuration.Timeouts(),
            gas: mapping["gas"].map { self.gas($0) } ?? Configuration.Gas(),
            erc6492Factories: factories,
            assets: assets,
            place: self.place(value)
        )
    }

    /// A URL, or a reference to one: those of many providers hold a key.
    mutating func urlOrReference(_ value: ConfigurationValue) -> WebURL? {
        guard let text = value.scalarText, SecretReference(text) != nil else { return value.url(&self.findings) }
        guard let secret = value.secret(from: self.secrets, &self.findings) else { return nil }
        do throws(WebURL.Problem) {
            return try secret.value.withExposed { (text) throws(WebURL.Problem) in try WebURL(copy text) }
        } catch {
            value.refuse("what `\(secret.reference)` holds: \(error.message)", remedy: error.remedy, &self.findings)
            return nil
        }
    }

    mutating func confirmations(_ value: ConfigurationValue) -> Configuration.Confirmations? {
        switch value.scalarText {
        case "safe": return .safe
        case "finalized": return .finalized
        default: break
        }
        if let text = value.scalarText, Int(text) == nil {
            let remedy = "write a number of blocks, `safe` or `finalized`"
            value.refuse("`\(Finding.excerpt(text))` is no depth of a block", remedy: remedy, &self.findings)
            return nil
        }
        return value.integer(in: 1...10_000, &self.findings).map(Configuration.Confirmations.blocks)
    }

    // MARK: Assets

    /// The known assets in their order, those that are overridden in place, and the new ones behind.
    private mutating func assets(
        _ value: ConfigurationValue?,
        of id: ChainID,
        known: [AssetTable.Asset],
        network: ConfigurationValue
    ) -> [Configuration.Asset] {
        var assets = known.map { Configuration.Asset(token: $0, place: self.place(network)) }
        guard let value else {
            if known.isEmpty {
                let remedy = "write `assets: {USDC: {address: \"0x…\", decimals: 6, name: USDC, version: \"2\"}}`"
                network.refuse("no asset of \(id) is known here", remedy: remedy, &self.findings)
            }
            return assets
        }
        guard let mapping = value.mapping(example: "USDC: {address: …}", &self.findings) else { return assets }
        for (symbol, entry) in mapping.entries {
            let place = known.firstIndex { $0.symbol == symbol }
            guard let token = self.asset(symbol, entry, known: place.map { known[$0] }) else { continue }
            if let other = assets.first(where: { $0.token.address == token.address && $0.token.symbol != symbol }) {
                let remedy = "write each address under one symbol"
                entry.refuse("has the address of \(other.token.symbol)", remedy: remedy, &self.findings)
            }
            let asset = Configuration.Asset(token: token, place: self.place(entry))
            if let place { assets[place] = asset } else { assets.append(asset) }
        }
        return assets
    }

    private mutating func asset(_ symbol: String, _ value: ConfigurationValue, known: AssetTable.Asset?) -> AssetTable.Asset? {
        let keys = ["address", "decimals", "name", "version", "method", "dollar"]
        guard let mapping = value.mapping(keys: keys, &self.findings) else { return nil }
        if known == nil {
            let examples = [("address", "\"0x…\""), ("decimals", "6"), ("name", "USDC"), ("version", "\"2\"")]
            for (key, example) in examples { _ = mapping.required(key, example: example, &self.findings) }
        }
        let address = mapping["address"].map { $0.address(&self.findings) } ?? known?.address
        // A uint8 on chain; beyond 36 no amount of use fits 256 bits.
        let decimals = mapping["decimals"].map { $0.integer(in: 0...36, &self.findings) } ?? known?.decimals
        let name = mapping["name"].map { $0.text(example: "USDC", &self.findings) } ?? known?.eip712Name
        let version = mapping["version"].map { $0.text(example: "2", &self.findings) } ?? known?.eip712Version
        let methods = AssetTable.TransferMethod.allCases.map(\.rawValue)
        let method = mapping["method"]?.choice(of: methods, &self.findings).flatMap(AssetTable.TransferMethod.init)
        let isDollarPegged = mapping["dollar"]?.boolean(&self.findings) ?? known?.isDollarPegged
        guard let address, let decimals, let name, let version else { return nil }
        return AssetTable.Asset(
            symbol: symbol,
            address: address,
            decimals: decimals,
            eip712Name: name,
            eip712Version: version,
            transferMethod: method ?? known?.transferMethod ?? .eip3009,
            isDollarPegged: isDollarPegged
        )
    }

    // MARK: Receivers

    /// One address for all EVM networks, or addresses by namespace (`eip155`) or whole chain id.
    mutating func receivers(_ value: ConfigurationValue) -> Receivers {
        var receivers = Receivers()
        if value.scalarText != nil {
            receivers.declare("eip155", self.receiver(value))
            return receivers
        }
        let example = "eip155: \"0x209693Bc6afc0C5328bA36FaF03C514EF312287C\""
        for (key, value) in value.mapping(example: example, &self.findings)?.entries ?? [] {
            guard key == "eip155" || self.payToChain(key, at: value) != nil else { continue }
            guard case .mapping = value.node.content else {
                receivers.declare(key, self.receiver(value))
                continue
            }
            let (address, series) = self.receiverWithSeries(value)
            receivers.declare(key, address, series: series)
        }
        return receivers
    }

    private mutating func payToChain(_ key: String, at value: ConfigurationValue) -> ChainID? {
        guard key.contains(":") else {
            let isLater = ["solana", "lightning"].contains(key)
            let message =
                isLater
                ? "receivers on `\(key)` are not available in this version" : "`\(Finding.excerpt(key))` is no kind of network"
            value.refuse(message, remedy: "write `eip155`, or the CAIP-2 id of one network", &self.findings)
            return nil
        }
        return self.chainID(key, at: value)
    }

    /// An address that money can come back from.
    mutating func receiver(_ value: ConfigurationValue) -> String? {
        guard let address = value.address(&self.findings) else { return nil }
        guard address != AddressText.zero else {
            value.refuse("money sent to the zero address is lost", remedy: "write an address you hold the key of", &self.findings)
            return nil
        }
        return address
    }
}
