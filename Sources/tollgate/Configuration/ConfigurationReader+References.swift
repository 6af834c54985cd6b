// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollCrypto
import TollPayments
import TollPrimitives
import TollRuntime

/// How transfers that clients send by themselves are told apart, as `transfer_proof` says; nil members are not said.
struct ReferenceSetting {
    var binding: ReferenceTerms.Binding?
    var lifetime: Duration?
    /// Where it is written; nil where it is not.
    var value: ConfigurationValue?
}

/// Selling to clients that send the money by themselves.
extension ConfigurationReader {
    /// So long a person has to open a wallet.
    private static let usualLifetime = Duration.seconds(900)

    mutating func referenceSetting(_ value: ConfigurationValue?) -> ReferenceSetting? {
        guard let value, let mapping = value.mapping(keys: ["bind", "expires"], &self.findings) else { return nil }
        let names = ReferenceTerms.Binding.allCases.map(\.rawValue)
        return ReferenceSetting(
            binding: mapping["bind"]?.choice(of: names, &self.findings).flatMap(ReferenceTerms.Binding.init),
            lifetime: mapping["expires"]?.duration(in: .seconds(30) ... .seconds(86_400), &self.findings), value: value)
    }

    /// The terms of a route; nil where the dialect is not offered.
    mutating func references(
        _ route: ConfigurationMapping, isFree: Bool, _ dialects: [Configuration.Dialect],
        _ options: [Configuration.PaymentOption], defaults: RouteDefaults
    ) -> ReferenceTerms? {
        let own = self.referenceSetting(route["transfer_proof"])
        guard dialects.contains(.transferProof), !isFree else {
            if !isFree {
                own?.value?.report(
                    .warning, "does nothing: the route does not take transfers that clients send by themselves",
                    remedy: "write `accept: [x402, x402-v1, transfer-proof]`, or remove the line", &self.findings)
            }
            return nil
        }
        let binding = own?.binding ?? defaults.references.binding ?? .signature
        let lifetime = own?.lifetime ?? defaults.references.lifetime ?? Self.usualLifetime
        let receivers = defaults.receivers.overridden(by: route["pay_to"].map { self.quietReceivers($0) } ?? Receivers())
        var series: [String: String] = [:]
        for option in options { series[option.network.namespace] = receivers.series(on: option.network) }
        if binding == .address, let option = options.first, series[option.network.namespace] == nil {
            let place = own?.value ?? defaults.references.value ?? route.owner
            place.refuse(
                "each payment is to have an address of its own, and nothing says where addresses come from",
                remedy: "write `pay_to: {\(option.network.namespace): {address: \"\(option.payTo)\", xpub: \"xpub…\"}}`",
                &self.findings)
        }
        self.explain(binding, at: own?.value ?? defaults.references.value ?? route.owner)
        return ReferenceTerms(binding: binding, lifetimeSeconds: lifetime.components.seconds, series: series)
    }

    /// Whoever signs instructions is named at `/.well-known/x402`, and nowhere else.
    mutating func reviewSigners(_ routes: [Configuration.Route], isListed: Bool, _ root: ConfigurationMapping) {
        guard !isListed, routes.contains(where: { $0.references != nil }) else { return }
        root["discovery"]?.report(
            .warning, "clients that check who signed payment instructions find nobody, and do not pay",
            remedy: "leave `/.well-known/x402` on, where transfers that clients send by themselves are taken", &self.findings)
    }

    /// What the seller has chosen, or left at its default; said once of each place where it stands.
    private mutating func explain(_ binding: ReferenceTerms.Binding, at place: ConfigurationValue) {
        let words =
            switch binding {
            case .signature: "a transfer counts when its sender signs for it: exchanges cannot, wallets can"
            case .amount: "a transfer counts by its amount, from anywhere: prices vary by up to 9,999 of a token's smallest unit"
            case .address:
                "a transfer counts by its address, from anywhere: the money lies on as many addresses as there are payments"
            }
        let isSaid = self.findings.sorted.contains { $0.path == place.path && $0.message == words }
        guard !isSaid else { return }
        place.report(.notice, words, remedy: nil, &self.findings)
    }

    /// `{address, xpub}`: an address, and the public half of the key from which further ones are made.
    mutating func receiverWithSeries(_ value: ConfigurationValue) -> (address: String?, series: String?) {
        guard let mapping = value.mapping(keys: ["address", "xpub"], &self.findings) else { return (nil, nil) }
        let example = "\"0x209693Bc6afc0C5328bA36FaF03C514EF312287C\""
        let address = mapping.required("address", example: example, &self.findings).flatMap { self.receiver($0) }
        return (address, mapping["xpub"].flatMap { self.extendedKey($0) })
    }

    private mutating func extendedKey(_ value: ConfigurationValue) -> String? {
        guard let text = value.text(example: "xpub…", &self.findings) else { return nil }
        do throws(ExtendedPublicKey.ParseError) {
            _ = try ExtendedPublicKey(parsing: text)
            return text
        } catch {
            value.refuse("\(error)", remedy: "write the extended public key of an account, `xpub…`", &self.findings)
            return nil
        }
    }

    /// What was read once already, with its findings.
    private mutating func quietReceivers(_ value: ConfigurationValue) -> Receivers {
        let findings = self.findings
        defer { self.findings = findings }
        return self.receivers(value)
    }
}
