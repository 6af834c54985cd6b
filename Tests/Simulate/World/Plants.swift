// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollEVM
import TollMethods
import TollPayments
import TollPrimitives

/// Wraps the product in the bugs that the checks must find. Nothing of it is in the product.
enum Plants {
    static func store(_ store: SimulatedStore, _ world: World) -> any PaymentStore {
        switch world.scenario.plant {
        case .claimAfterServe: WriteBehindStore(disk: store)
        case .sendBeforeRecord: EarlySendStore(disk: store, world: world)
        case .depositPerReference: DoubleCountingStore(disk: store)
        default: store
        }
    }

    static func references(_ store: SimulatedStore, _ world: World) -> any ReferenceStore {
        world.scenario.plant == .referencesInMemory ? MemoryPaymentStore() : store
    }

    static func method(
        _ method: ExactEVM, _ network: ExactEVMNetwork, _ process: SimulatedProcess, _ world: World
    ) -> any PaymentMethod {
        guard world.scenario.plant == .retryWithNewNumber else { return method }
        return ResigningMethod(method: method, network: network, process: process, world: world)
    }

    /// Puts the logs of every transfer that was asked for into every receipt without an error.
    static func forgery(_ world: World) -> SimulatedNodes.Forgery? {
        guard world.scenario.plant == .noTransferCheck else { return nil }
        return { receipt, chain in
            guard receipt["status"]?.string == "0x1", var object = receipt.object,
                let hash = receipt["transactionHash"]?.string.flatMap({ Bytes32(hex: $0) }),
                let action = chain.action(of: hash), case .call(let to, let data) = action
            else { return receipt }
            let events = ChainMachine.transfers(in: data, to: to).flatMap { TokenState.events(of: $0.authorization) }
            guard !events.isEmpty else { return receipt }
            let logs = events.enumerated().map { index, event -> JSON in
                [
                    "address": .string(ChainMachine.token.lowercaseHex),
                    "topics": .array(event.topics.map { .string($0.description) }), "data": SimulatedChain.data(event.data),
                    "blockNumber": receipt["blockNumber"] ?? .null, "blockHash": receipt["blockHash"] ?? .null,
                    "transactionHash": receipt["transactionHash"] ?? .null,
                    "logIndex": SimulatedChain.quantity(UInt64(index)),
                ]
            }
            object["logs"] = .array(logs)
            return .object(object)
        }
    }
}

extension SimulatedChain {
    /// What a mined transaction did.
    func action(of hash: Bytes32) -> ChainAction? {
        self.look(at: .zero) { state in
            state.mined[hash]?.last?.receipts.first { $0.transaction.hash == hash }?.transaction.action
        }
    }
}
