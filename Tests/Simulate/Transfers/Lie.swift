// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollPrimitives

/// What one of several nodes tells that is not so, as long as there is trouble.
enum Lie: String, CaseIterable, Sendable {
    /// Knows no transaction, and no log of one.
    case denies
    /// Knows any transaction, and that it paid the seller.
    case invents
    /// Has blocks to come, and so takes for deep what is not.
    case hastens
    /// Has blocks of long ago alone, and so takes for new what is old.
    case rewinds
    /// Has blocks whose times are earlier than they are.
    case backdates
    /// Has contracts that approve of any signature.
    case approves
}

/// The node that tells it.
struct Liar: Sendable {
    let lie: Lie
    /// Its place among the nodes.
    let node: Int
    private let chain: SimulatedChain

    init(_ lie: Lie, node: Int, _ chain: SimulatedChain) {
        self.lie = lie
        self.node = node
        self.chain = chain
    }

    /// What it says instead; nil when it has nothing else to say.
    func answer(_ method: String, _ params: [JSON], instead truth: JSON, at now: Duration) -> JSON? {
        switch (self.lie, method) {
        case (.denies, "eth_getTransactionReceipt"): return truth == .null ? nil : .null
        case (.denies, "eth_getLogs"): return truth == .array([]) ? nil : .array([])
        case (.invents, "eth_getTransactionReceipt"):
            guard truth["status"]?.string != "0x1", let hash = params.first?.string.flatMap({ Bytes32(hex: $0) }) else {
                return nil
            }
            return self.receipt(hash, at: now)
        case (.hastens, "eth_getBlockByNumber") where params.first?.string == "latest": return self.block(truth, by: 100)
        case (.rewinds, "eth_getBlockByNumber") where params.first?.string == "latest": return self.block(truth, by: -900)
        case (.backdates, "eth_getBlockByNumber"):
            guard var block = truth.object else { return nil }
            block["timestamp"] = SimulatedChain.quantity(SimulatedChain.epoch)
            return .object(block)
        case (.approves, "eth_call"):
            guard let data = params.first?["data"]?.string, data.hasPrefix(Hex.encodePrefixed(ERC1271.magic)) else { return nil }
            return SimulatedChain.data(ERC1271.magic + [UInt8](repeating: 0, count: 28))
        default: return nil
        }
    }

    private func block(_ truth: JSON, by distance: Int64) -> JSON? {
        guard var block = truth.object, let number = block["number"]?.string.flatMap({ UInt256(hex: $0)?.uint64 }) else {
            return nil
        }
        block["number"] = SimulatedChain.quantity(UInt64(Int64(number) + distance))
        return .object(block)
    }

    /// A receipt of more than anyone asks for, from whoever shows the transaction.
    private func receipt(_ hash: Bytes32, at now: Duration) -> JSON {
        let head = self.chain.head(at: now)
        let payer = Market.buyers[Int(hash.bytes[0]) % Market.buyers.count].address
        let place: JSONObject = [
            "blockNumber": SimulatedChain.quantity(head.number), "blockHash": .string(head.hash.description),
            "transactionHash": .string(hash.description),
        ]
        var log = place
        log["address"] = .string(ChainMachine.token.lowercaseHex)
        log["topics"] = .array([ERC20.transferTopic, payer.word, Market.payee.word].map { .string($0.description) })
        log["data"] = SimulatedChain.data(UInt256(1_000_000).word.bytes)
        log["logIndex"] = SimulatedChain.quantity(0)
        var receipt = place
        receipt["status"] = "0x1"
        receipt["from"] = .string(payer.lowercaseHex)
        receipt["to"] = .string(ChainMachine.token.lowercaseHex)
        receipt["gasUsed"] = SimulatedChain.quantity(60_000)
        receipt["effectiveGasPrice"] = SimulatedChain.quantity(1_000_000_000)
        receipt["logs"] = [.object(log)]
        return .object(receipt)
    }
}
