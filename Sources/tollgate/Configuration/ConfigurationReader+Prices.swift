// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPrimitives
import TollRuntime

/// Prices: from what an operator writes to amounts of tokens.
extension ConfigurationReader {
    typealias PaymentOption = Configuration.PaymentOption

    /// The challenge with all options travels in one field, of which clients read 8 to 16 KiB.
    private static let optionCountMax = 16

    /// What a route's price comes to, on each network and in each asset that it offers.
    mutating func options(
        _ route: ConfigurationMapping,
        _ dialects: [Configuration.Dialect],
        networks: [Configuration.Network],
        defaults: Receivers
    ) -> [PaymentOption] {
        let receivers = defaults.overridden(by: route["pay_to"].map { self.receivers($0) } ?? Receivers())
        let chosen = self.chosenAssets(route, networks: networks)
        guard let price = route["price"] else { return [] }
        self.pricedPlace = self.pricedPlace ?? self.place(price)
        guard let items = price.listOrSingle(&self.findings) else { return [] }
        if items.isEmpty { price.refuse("is empty", remedy: "write `$0.001`, or `free: true`", &self.findings) }
        var options: [PaymentOption] = []
        for item in items {
            for (network, asset, amount) in self.amounts(item, chosen: chosen, networks: networks) {
                guard let receiver = self.receiver(on: network.id, among: receivers) else { continue }
                guard !options.contains(where: { $0.network == network.id && $0.asset.address == asset.address }) else {
                    let message = "\(asset.symbol) on \(network.id) is priced twice"
                    item.refuse(message, remedy: "write one price for each asset and network", &self.findings)
                    continue
                }
                // What clients send by themselves may be any token.
                guard asset.transferMethod == .eip3009 || dialects == [.transferProof] else {
                    let message =
                        "\(asset.symbol) on \(network.id) is paid through Permit2, which is not available in this version"
                    let remedy = "offer an asset with EIP-3009, such as USDC, or write `accept: [transfer-proof]`"
                    item.refuse(message, remedy: remedy, &self.findings)
                    continue
                }
                options.append(
                    PaymentOption(network: network.id, asset: asset, amount: amount, payTo: receiver, place: self.place(item))
                )
            }
        }
        if options.count > Self.optionCountMax {
            let message = "offers \(options.count) ways to pay, more than the \(Self.optionCountMax) that fit a challenge"
            price.refuse(message, remedy: "choose some with `networks` and `assets`", &self.findings)
        }
        return options
    }

    // MARK: What is offered

    /// What a price in dollars applies to.
    private struct Chosen {
        var pairs: [(network: Configuration.Network, asset: AssetTable.Asset)]
        /// Whether a finding already says why there are none.
        var isExplained: Bool
    }

    /// By default each network's first asset; `networks` and `assets` choose others.
    private mutating func chosenAssets(_ route: ConfigurationMapping, networks: [Configuration.Network]) -> Chosen {
        let errorCount = self.findings.count(.error)
        let ids = route["networks"].map { self.chosenNetworks($0) }
        let offered = ids.map { ids in networks.filter { ids.contains($0.id) } } ?? networks
        let symbols = route["assets"].map { self.chosenSymbols($0, networks: offered) }
        var pairs: [(network: Configuration.Network, asset: AssetTable.Asset)] = []
        for network in offered {
            let tokens = network.assets.map(\.token)
            guard let symbols else {
                if let first = tokens.first { pairs.append((network, first)) }
                continue
            }
            let matching = symbols.compactMap { symbol in tokens.first { $0.symbol == symbol } }
            if matching.isEmpty, ids != nil, !symbols.isEmpty {
                let known = tokens.map(\.symbol).joined(separator: ", ")
                let remedy = "name one of its assets (\(known)), or leave the network out"
                route["assets"]?.refuse("none of these is an asset of \(network.id)", remedy: remedy, &self.findings)
            }
            pairs += matching.map { (network, $0) }
        }
        let isExplained = self.findings.count(.error) > errorCount || networks.count < self.declaredNetworks.count
        return Chosen(pairs: pairs, isExplained: isExplained)
    }

    private mutating func chosenNetworks(_ value: ConfigurationValue) -> [ChainID] {
        let items = value.listOrSingle(&self.findings) ?? []
        if items.isEmpty { value.refuse("is empty", remedy: "name a network, or remove the line", &self.findings) }
        return items.compactMap { self.configuredNetwork($0) }
    }

    private mutating func chosenSymbols(_ value: ConfigurationValue, networks: [Configuration.Network]) -> [String] {
        let items = value.listOrSingle(&self.findings) ?? []
        if items.isEmpty { value.refuse("is empty", remedy: "name an asset, or remove the line", &self.findings) }
        let known = Set(networks.flatMap { $0.assets.map(\.token.symbol) })
        return items.compactMap { self.symbol($0, among: known) }
    }

    private mutating func configuredNetwork(_ value: ConfigurationValue) -> ChainID? {
        guard let text = value.text(example: "eip155:84532", &self.findings), let id = self.chainID(text, at: value) else {
            return nil
        }
        guard self.declaredNetworks.contains(id) else {
            let remedy = Self.choices(Set(self.declaredNetworks.map(\.description))) ?? "describe it under `networks`"
            value.refuse("the network \(id) is not configured", remedy: remedy, &self.findings)
            return nil
        }
        return id
    }

    // MARK: What it costs

    private typealias Amount = (network: Configuration.Network, asset: AssetTable.Asset, units: UInt256)

    private mutating func amounts(
        _ value: ConfigurationValue,
        chosen: Chosen,
        networks: [Configuration.Network]
    ) -> [Amount] {
        if case .mapping = value.node.content { return self.exactAmount(value, networks: networks).map { [$0] } ?? [] }
        guard let dollars = self.dollars(value) else { return [] }
        if chosen.pairs.isEmpty, !chosen.isExplained {
            value.refuse("no network is configured to be paid on", remedy: "describe one under `networks`", &self.findings)
        }
        return chosen.pairs.compactMap { network, asset in
            guard asset.isDollarPegged else {
                let remedy =
                    "write `{amount: \"…\", asset: \(asset.symbol), network: \(network.id)}`, or `dollar: true` at the asset"
                value.refuse("\(asset.symbol) on \(network.id) is not known to be worth a dollar", remedy: remedy, &self.findings)
                return nil
            }
            do throws(DecimalAmount.ConversionError) {
                return (network, asset, try dollars.units(decimals: asset.decimals))
            } catch {
                self.refuse(value, error, asset, network.id)
                return nil
            }
        }
    }

    /// A positive amount of dollars.
    private mutating func dollars(_ value: ConfigurationValue) -> DecimalAmount? {
        guard let text = value.text(example: "$0.001", &self.findings) else { return nil }
        guard let dollars = DollarText.parse(text) else {
            let isNumber = DecimalAmount(text) != nil
            let remedy =
                isNumber
                ? "write `$\(text)`" : "write for example `$0.001`, or `{amount: \"1000\", asset: USDC, network: eip155:84532}`"
            value.refuse("`\(Finding.excerpt(text))` is no amount of dollars", remedy: remedy, &self.findings)
            return nil
        }
        guard dollars.significand != .zero else {
            value.refuse("the price is zero", remedy: "write `free: true` instead of `price`", &self.findings)
            return nil
        }
        return dollars
    }

    private mutating func refuse(
        _ value: ConfigurationValue,
        _ error: DecimalAmount.ConversionError,
        _ asset: AssetTable.Asset,
        _ id: ChainID
    ) {
        let text = Finding.excerpt(value.scalarText ?? "")
        switch error {
        case .tooManyDecimals(let digits, let decimals):
            let message = "`\(text)` has \(digits) decimals, and \(asset.symbol) on \(id) has \(decimals)"
            let least = DecimalAmount(units: 1, decimals: decimals)
            value.refuse(message, remedy: "write a multiple of `$\(least)`", &self.findings)
        case .overflow:
            value.refuse(
                "`\(text)` is more than there can be of \(asset.symbol)",
                remedy: "write a smaller price",
                &self.findings
            )
        }
    }

    /// `{amount, asset, network}`, the amount in the asset's smallest unit.
    private mutating func exactAmount(_ value: ConfigurationValue, networks: [Configuration.Network]) -> Amount? {
        guard let mapping = value.mapping(keys: ["amount", "asset", "network"], &self.findings) else { return nil }
        let units = mapping.required("amount", example: "\"1000\"", &self.findings).flatMap { self.units($0) }
        let symbol = mapping.required("asset", example: "USDC", &self.findings)
        let id = mapping.required("network", example: "eip155:84532", &self.findings).flatMap { self.configuredNetwork($0) }
        guard let id, let network = networks.first(where: { $0.id == id }), let symbol else { return nil }
        let tokens = network.assets.map(\.token)
        guard let name = self.symbol(symbol, among: Set(tokens.map(\.symbol))),
            let asset = tokens.first(where: { $0.symbol == name }), let units
        else { return nil }
        return (network, asset, units)
    }

    private mutating func units(_ value: ConfigurationValue) -> UInt256? {
        guard let text = value.text(example: "\"1000\"", &self.findings) else { return nil }
        guard let units = UInt256(decimal: text) else {
            let remedy = "write a whole number of the asset's smallest unit, for example `\"1000\"` for 0.001 USDC"
            value.refuse("`\(Finding.excerpt(text))` is no amount", remedy: remedy, &self.findings)
            return nil
        }
        guard units != .zero else {
            value.refuse("the price is zero", remedy: "write `free: true` instead of `price`", &self.findings)
            return nil
        }
        return units
    }

    private mutating func receiver(on id: ChainID, among receivers: Receivers) -> String? {
        if let receiver = receivers.address(on: id) { return receiver }
        if !receivers.isDeclared(on: id) { self.networksWithoutReceiver.insert(id) }
        return nil
    }
}
