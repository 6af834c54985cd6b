// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollFacilitator
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime

extension Assembly {
    /// The facilitator that is offered to others; nil when none is configured.
    func facilitator(methods: [any PaymentMethod]) -> Facilitator? {
        guard let serve = self.configuration.facilitator?.serve else { return nil }
        let kinds = self.configuration.networks.map { network in
            let tokens = network.assets.map(\.token).filter { token in
                token.transferMethod == .eip3009 && (serve.assets.isEmpty || serve.assets.contains(token.symbol))
            }
            return FacilitatorConfiguration.Kind(
                chain: network.id, legacyName: network.v1Name, assets: tokens.map { Self.asset($0, on: network.id) })
        }
        let addresses: [Address] = self.networks.flatMap { network in network.signers?.addresses ?? [] }
        let configuration = FacilitatorConfiguration(
            kinds: kinds, signers: addresses.map(\.description).uniqued(),
            tokens: serve.tokens.map(\.value), payTo: serve.payTo.isEmpty ? nil : serve.payTo,
            patience: self.configuration.settleWait, gasPerHour: serve.gasPerHour)
        return Facilitator(
            configuration, methods: methods, store: self.store, environment: self.environment, log: self.log,
            metrics: FacilitatorMetrics(self.metrics), access: self.configuration.log.access == .off ? nil : self.log)
    }
}

extension Sequence where Element: Hashable {
    /// Each element once, where it stood first.
    fileprivate func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return self.filter { seen.insert($0).inserted }
    }
}
