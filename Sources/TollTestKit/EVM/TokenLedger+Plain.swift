// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPrimitives

/// What wallets do without an authorization: plain transfers of the token, and the coin that pays the gas.
extension TokenLedger {
    /// `transfer(to, value)`.
    struct PlainTransfer {
        let to: Address
        let value: UInt256

        init?(_ calldata: [UInt8]) {
            guard calldata.prefix(4).elementsEqual(ERC20.transfer(to: .zero, value: 0).prefix(4)),
                let values = try? ABI.decode([.word, .word], from: Array(calldata.dropFirst(4))), let to = values[0].address,
                let value = values[1].integer
            else { return nil }
            self.to = to
            self.value = value
        }
    }

    /// Answers what the token's own part of the node does not; nil for everything else.
    func answerPlain(_ method: String, _ params: [JSON]) -> SimulatedEVMChain.Fault? {
        switch method {
        case "eth_getBalance":
            let account = params.first?.string.flatMap { Address(hex: $0) } ?? .zero
            return .result(.string((self.coins[account] ?? 1_000_000_000_000_000_000).hexQuantity))
        case "eth_getTransactionByHash":
            return .result(params.first?.string.flatMap { Bytes32(hex: $0) }.map { self.transaction($0) } ?? .null)
        default: return nil
        }
    }

    private func transaction(_ hash: Bytes32) -> JSON {
        let waiting = self.pool.first { $0.hash == hash }
        guard waiting != nil || self.receipts[hash] != nil else { return .null }
        let sender = waiting.flatMap { try? $0.sender() }?.lowercaseHex ?? self.receipts[hash]?["from"]?.string ?? ""
        return [
            "hash": .string(hash.description), "from": .string(sender), "to": .string(SimulatedEVMChain.token.lowercaseHex),
            "nonce": "0x0", "value": "0x0", "input": "0x", "blockNumber": self.receipts[hash]?["blockNumber"] ?? .null,
        ]
    }

    /// Moves units of the sender's own; nil when it has too few.
    mutating func move(_ transfer: PlainTransfer, from sender: Address, _ hash: Bytes32) -> [JSON]? {
        guard let left = (self.balances[sender] ?? 0).subtracting(transfer.value) else { return nil }
        self.balances[sender] = left
        self.balances[transfer.to] = (self.balances[transfer.to] ?? 0).adding(transfer.value) ?? .max
        let topics = [ERC20.transferTopic, sender.word, transfer.to.word]
        let log = self.log(topics, transfer.value.word.bytes, hash)
        self.add(log)
        return [log]
    }
}
