// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollPrimitives

extension SimulatedChain {
    /// A node's answer to one call.
    enum Answer {
        case result(JSON)
        case error(Int, String, data: [UInt8]? = nil)
    }

    /// What the node with this place among ``ChainWeather/lags`` says at `now`.
    func answer(_ method: String, _ params: [JSON], node: Int, at now: Duration) -> Answer {
        let seen = self.weather.lags[node % self.weather.lags.count]
        let isCalm = now >= self.weather.calmFrom
        let swallows = method == "eth_sendRawTransaction" && !isCalm && self.isSwallowed()
        return self.look(at: now) { state in
            let newest = state.heads[state.heads.count - 1].block
            let head = isCalm ? newest : Self.head(state, asOf: now - seen)
            if head !== newest { self.tally.note(.nodeBehind) }
            switch method {
            case "eth_chainId": return .result(Self.quantity(ChainMachine.chainID))
            case "eth_blockNumber": return .result(Self.quantity(head.number))
            case "eth_getBlockByNumber": return .result(Self.block(Self.tagged(params.first, head)))
            case "eth_getBlockByHash":
                let block = state.canonical.first { .string($0.hash.description) == params.first }
                return .result(Self.block(block.flatMap { head.ancestor($0.number) === $0 ? $0 : nil }))
            case "eth_maxPriorityFeePerGas": return .result(Self.quantity(1_000_000_000))
            case "eth_gasPrice": return .result(Self.quantity(head.baseFee + 1_000_000_000))
            case "eth_getBalance": return .result(Self.quantity(1 << 62))
            case "eth_getCode": return .result(Self.data(Self.code(params.first?.string)))
            case "eth_getTransactionCount": return .result(Self.count(params, state, head))
            case "eth_call": return self.call(params, head)
            case "eth_estimateGas": return self.estimate(params, head)
            case "eth_sendRawTransaction": return self.send(params, &state, head, swallows: swallows)
            case "eth_getTransactionReceipt": return .result(Self.receipt(params, state, head))
            case "eth_getTransactionByHash": return .result(Self.transaction(params, state, head))
            case "eth_getLogs": return .result(.array(Self.logs(params.first ?? .null, head)))
            default: return .error(-32601, "the method \(method) does not exist")
            }
        }
    }

    static func head(_ state: State, asOf time: Duration) -> SimulatedBlock {
        (state.heads.last { $0.since <= time } ?? state.heads[0]).block
    }

    private static func tagged(_ tag: JSON?, _ head: SimulatedBlock) -> SimulatedBlock? {
        switch tag?.string {
        case "latest", "pending", nil: return head
        case "safe": return head.ancestor(max(head.number - min(head.number, self.safeDepth), self.firstNumber))
        case "finalized": return head.ancestor(max(head.number - min(head.number, self.finalityDepth), self.firstNumber))
        case let text?: return UInt256(hex: text)?.uint64.flatMap { head.ancestor($0) }
        }
    }

    // MARK: - State

    private static func code(_ account: String?) -> [UInt8] {
        let account = account.flatMap { Address(hex: $0) }
        return account == ChainMachine.token || account == Multicall3.address ? [0x60] : []
    }

    private static func count(_ params: [JSON], _ state: State, _ head: SimulatedBlock) -> JSON {
        let account = params.first?.string.flatMap { Address(hex: $0) } ?? .zero
        let block = params.last?.string == "pending" ? head : self.tagged(params.count > 1 ? params[1] : nil, head)
        guard let block else { return .null }
        var count = block.counts[account] ?? 0
        if params.last?.string == "pending" {
            while state.pool.contains(where: { $0.sender == account && $0.number == count }) { count += 1 }
        }
        return self.quantity(count)
    }

    private func call(_ params: [JSON], _ head: SimulatedBlock) -> Answer {
        guard let block = Self.tagged(params.count > 1 ? params[1] : nil, head) else { return .error(-32000, "header not found") }
        switch self.outcome(params, block).result {
        case .success(let returned): return .result(Self.data(returned))
        case .failure(let revert): return .error(3, "execution reverted: \(revert.words)", data: revert.data)
        }
    }

    private func estimate(_ params: [JSON], _ head: SimulatedBlock) -> Answer {
        switch self.outcome(params, head).result {
        case .success:
            let (to, data) = Self.message(params)
            return .result(Self.quantity(self.machine.gas(to: to, data)))
        case .failure(let revert): return .error(3, "execution reverted: \(revert.words)", data: revert.data)
        }
    }

    private func outcome(_ params: [JSON], _ block: SimulatedBlock) -> ChainMachine.Outcome {
        let (to, data) = Self.message(params)
        var token = block.token
        let sender = params.first?["from"]?.string.flatMap { Address(hex: $0) } ?? .zero
        return self.machine.call(to, data, from: sender, on: &token, at: block.timestamp)
    }

    private static func message(_ params: [JSON]) -> (to: Address, data: [UInt8]) {
        let message = params.first ?? .null
        let data = (message["data"] ?? message["input"])?.string.flatMap { Hex.decode($0) } ?? []
        return (message["to"]?.string.flatMap { Address(hex: $0) } ?? .zero, data)
    }

    // MARK: - Transactions

    private func send(_ params: [JSON], _ state: inout State, _ head: SimulatedBlock, swallows: Bool) -> Answer {
        guard let raw = params.first?.string.flatMap({ Hex.decode($0) }), let transaction = state.decoded[raw] else {
            return .error(-32000, "rlp: malformed transaction")
        }
        if swallows {
            self.tally.note(.transactionSwallowed)
            return .result(.string(transaction.hash.description))
        }
        switch self.take(transaction, &state, seenFrom: head) {
        case .taken: return .result(.string(transaction.hash.description))
        case .refused(let words): return .error(-32000, words)
        }
    }

    private static func place(_ hash: Bytes32, _ state: State, _ head: SimulatedBlock) -> (SimulatedBlock, ChainReceipt)? {
        for block in state.mined[hash] ?? [] where head.ancestor(block.number) === block {
            if let receipt = block.receipts.first(where: { $0.transaction.hash == hash }) { return (block, receipt) }
        }
        return nil
    }

    private static func receipt(_ params: [JSON], _ state: State, _ head: SimulatedBlock) -> JSON {
        guard let hash = params.first?.string.flatMap({ Bytes32(hex: $0) }), let (block, receipt) = self.place(hash, state, head)
        else { return .null }
        let transaction = receipt.transaction
        return [
            "transactionHash": .string(hash.description), "blockNumber": self.quantity(block.number),
            "blockHash": .string(block.hash.description), "status": receipt.isGood ? "0x1" : "0x0",
            "from": .string(transaction.sender.lowercaseHex), "to": .string(self.recipient(transaction).lowercaseHex),
            "gasUsed": self.quantity(receipt.gasUsed),
            "effectiveGasPrice": self.quantity(min(transaction.maxFee, block.baseFee &+ transaction.tip)),
            "logs": .array(receipt.logs.map { self.log($0, transaction.hash, block) }),
        ]
    }

    private static func transaction(_ params: [JSON], _ state: State, _ head: SimulatedBlock) -> JSON {
        guard let hash = params.first?.string.flatMap({ Bytes32(hex: $0) }) else { return .null }
        let placed = self.place(hash, state, head)
        guard let transaction = placed?.1.transaction ?? state.pool.first(where: { $0.hash == hash }) else { return .null }
        let input: [UInt8] = if case .call(_, let data) = transaction.action { data } else { [] }
        return [
            "hash": .string(hash.description), "from": .string(transaction.sender.lowercaseHex),
            "to": .string(self.recipient(transaction).lowercaseHex), "nonce": self.quantity(transaction.number), "value": "0x0",
            "input": self.data(input), "blockNumber": placed.map { self.quantity($0.0.number) } ?? .null,
            "blockHash": placed.map { .string($0.0.hash.description) } ?? .null,
        ]
    }

    private static func recipient(_ transaction: ChainTransaction) -> Address {
        if case .call(let to, _) = transaction.action { to } else { ChainMachine.token }
    }

    // MARK: - Logs

    private static func logs(_ filter: JSON, _ head: SimulatedBlock) -> [JSON] {
        let first = filter["fromBlock"]?.string.flatMap { UInt256(hex: $0)?.uint64 } ?? self.firstNumber
        let last = filter["toBlock"]?.string.flatMap { UInt256(hex: $0)?.uint64 } ?? head.number
        let wanted = (filter["topics"]?.array ?? []).map { element -> [Bytes32] in
            let texts = element.array?.compactMap(\.string) ?? element.string.map { [$0] } ?? []
            return texts.compactMap { Bytes32(hex: $0) }
        }
        let addresses = filter["address"]?.array?.compactMap(\.string) ?? filter["address"]?.string.map { [$0] } ?? []
        guard addresses.isEmpty || addresses.contains(where: { Address(hex: $0) == ChainMachine.token }) else { return [] }
        var found: [JSON] = []
        var block = head.ancestor(min(last, head.number))
        while let current = block, current.number >= first {
            for receipt in current.receipts.reversed() {
                for entry in receipt.logs.reversed() where self.matches(entry.topics, wanted) {
                    found.append(self.log(entry, receipt.transaction.hash, current))
                }
            }
            block = current.parent
        }
        return found.reversed()
    }

    private static func matches(_ topics: [Bytes32], _ wanted: [[Bytes32]]) -> Bool {
        topics.count >= wanted.count && zip(wanted, topics).allSatisfy { $0.isEmpty || $0.contains($1) }
    }

    // MARK: - JSON

    private static func log(_ entry: ChainReceipt.Entry, _ hash: Bytes32, _ block: SimulatedBlock) -> JSON {
        [
            "address": .string(entry.address.lowercaseHex), "topics": .array(entry.topics.map { .string($0.description) }),
            "data": self.data(entry.data), "blockNumber": self.quantity(block.number),
            "blockHash": .string(block.hash.description), "transactionHash": .string(hash.description),
            "logIndex": self.quantity(entry.index),
        ]
    }

    private static func block(_ block: SimulatedBlock?) -> JSON {
        guard let block else { return .null }
        return [
            "number": self.quantity(block.number), "hash": .string(block.hash.description),
            "parentHash": .string((block.parent?.hash ?? .zero).description), "timestamp": self.quantity(block.timestamp),
            "baseFeePerGas": self.quantity(block.baseFee),
        ]
    }

    static func quantity(_ number: UInt64) -> JSON { .string("0x" + String(number, radix: 16)) }
    static func data(_ bytes: [UInt8]) -> JSON { .string(Hex.encodePrefixed(bytes)) }
}
