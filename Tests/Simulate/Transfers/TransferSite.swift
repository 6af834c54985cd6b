// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollGateway
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime

extension World {
    /// What a gateway needs to be paid by transfers, as `tollgate serve` puts it together: each node asked by itself.
    func transferRail(
        _ network: ExactEVMNetwork, _ store: any PaymentStore, _ references: any ReferenceStore, _ process: SimulatedProcess
    ) -> TransferProofRail {
        let liar = self.scenario.lie.map { Liar($0, node: 0, self.chain) }
        let nodes = self.nodes(process, named: "agreeing nodes", liar: liar)
        let count = self.scenario.plant == .oneNodeSuffices ? 1 : self.scenario.nodeCount
        let clients = (0..<count).map { index in
            EVMClient(RPCClient(endpoints: ["node\(index)"], transport: nodes, now: process.environment.monotonic))
        }
        return TransferProofRail(
            networks: [TransferProofNetwork(network, nodes: clients, assets: [Market.asset])], references: references,
            store: store, signer: Market.instructionsKey, environment: process.environment, log: self.log(process))
    }
}

extension GatewaySite {
    /// Routes that are paid by transfers: ``Scenario/transferRoutes``.
    static func transferRoutes(_ scenario: Scenario) -> [Route] {
        func terms(_ binding: ReferenceTerms.Binding) -> ReferenceTerms {
            ReferenceTerms(binding: binding, lifetimeSeconds: scenario.referenceLifetime, series: Market.series)
        }
        let after = SettleRule(.after)
        return [
            self.route("/by-signature/*", after, dialects: ["transfer-proof"], references: terms(.signature)),
            self.route("/by-amount/*", after, dialects: ["transfer-proof"], references: terms(.amount)),
            self.route("/by-address/*", after, dialects: ["transfer-proof"], references: terms(.address)),
            self.route(
                "/by-unstored/*", after, dialects: ["transfer-proof"], storesAnswers: false, references: terms(.signature)),
            self.route("/by-any/*", after, dialects: ["x402", "x402-v1", "transfer-proof"], references: terms(.amount)),
        ].compactMap { $0 }
    }
}
