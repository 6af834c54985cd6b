// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPrimitives

extension TokenLedger {
    /// Transfers in one call to Multicall3, in order.
    struct Batch {
        var transfers: [(transfer: Transfer, mayFail: Bool)] = []

        /// Nil unless `calldata` is `aggregate3` of nothing but transfers of the token.
        init?(_ calldata: [UInt8]) {
            guard calldata.prefix(4).elementsEqual(Multicall3.aggregate3([]).prefix(4)),
                let calls = (try? ABI.decode([.array(.tuple([.word, .word, .bytes]))], from: Array(calldata.dropFirst(4))))?[0]
                    .elements
            else { return nil }
            for call in calls {
                guard let members = call.elements, members[0].address == SimulatedEVMChain.token, let mayFail = members[1].bool,
                    let transfer = members[2].bytes.flatMap({ Transfer($0) })
                else { return nil }
                self.transfers.append((transfer, mayFail))
            }
        }
    }

    /// What the batch would return.
    func call(_ batch: Batch, at time: Duration) -> SimulatedEVMChain.Fault {
        var after = self
        guard
            let outcomes = after.run(batch, .zero, at: time)?.map({ outcome in
                ABI.Value.tuple([.bool(outcome == nil), .bytes(outcome.flatMap { Hex.decode(Self.revert($0)) } ?? [])])
            })
        else { return .error(code: 3, message: "execution reverted: Multicall3: call failed") }
        return .result(Self.data(ABI.encode([.array(outcomes)])))
    }

    /// The gas of a message: of a batch, by its calls; of anything else, enough.
    func estimate(_ message: JSON, at time: Duration) -> SimulatedEVMChain.Fault {
        let data = message["data"]?.string.flatMap { Hex.decode($0) } ?? []
        guard message["to"]?.string.flatMap({ Address(hex: $0) }) == Multicall3.address, let batch = Batch(data) else {
            return .result(Self.quantity(data.isEmpty ? 21_000 : 150_000))
        }
        var after = self
        guard after.run(batch, .zero, at: time) != nil else {
            return .error(code: 3, message: "execution reverted: Multicall3: call failed")
        }
        let gas = self.gas(of: batch)
        if let limit = message["gas"]?.string.flatMap({ UInt256(hex: $0)?.uint64 }), limit < gas {
            return .error(code: -32000, message: "gas required exceeds allowance (\(limit))")
        }
        return .result(Self.quantity(gas))
    }

    mutating func execute(_ batch: Batch, gasLimit: UInt64, from sender: Address, hash: Bytes32, at time: Duration) {
        let before = self
        let outcomes = gasLimit >= self.gas(of: batch) ? self.run(batch, hash, at: time) : nil
        let logs = self.batchLogs
        if outcomes == nil { self = before }
        self.batchLogs = []
        self.receipts[hash] = self.receipt(hash, isGood: outcomes != nil, from: sender, logs: outcomes == nil ? [] : logs)
    }

    private func gas(of batch: Batch) -> UInt64 { 21_000 + UInt64(batch.transfers.count) * self.gasPerTransfer }

    /// Makes every transfer that can be made, and says of each what the token objects to; nil when one failed that may not.
    private mutating func run(_ batch: Batch, _ hash: Bytes32, at time: Duration) -> [String?]? {
        self.batchLogs = []
        var outcomes: [String?] = []
        for (transfer, mayFail) in batch.transfers {
            let objection = self.objection(to: transfer, at: time)
            guard objection == nil || mayFail else { return nil }
            if objection == nil { self.batchLogs += self.move(transfer.authorization, hash) }
            outcomes.append(objection)
        }
        return outcomes
    }

    static func isDearer(_ transaction: EIP1559Transaction, than held: EIP1559Transaction) -> Bool {
        func isOver(_ fee: UInt256, _ old: UInt256) -> Bool {
            guard let offered = fee.multiplied(by: 10), let least = old.multiplied(by: 11) else { return false }
            return offered >= least
        }
        return isOver(transaction.maxFeePerGas, held.maxFeePerGas)
            && isOver(transaction.maxPriorityFeePerGas, held.maxPriorityFeePerGas)
    }

    // MARK: - Reorganisations

    /// Another chain takes the place of the last `depth` blocks, as long as this one and without its transactions.
    mutating func reorganise(depth: UInt64, returnsTransactions: Bool) {
        guard let past = self.history.last(where: { $0.block <= self.block - depth }) else { return }
        let (newest, forks, pool, mined, fork) = (
            self.block, self.forks, self.pool, self.sent, (self.forks.values.max() ?? 0) + 1
        )
        var next = past
        next.history = self.history.filter { $0.block < past.block }
        next.forks = forks
        next.pool = pool
        next.isMining = self.isMining
        next.baseFee = self.baseFee
        next.sent = mined
        if returnsTransactions {
            next.pool += mined.filter { signed in
                next.receipts[signed.hash] == nil && !pool.contains { $0.hash == signed.hash }
            }
        }
        self = next
        while self.block < newest {
            self.beginBlock()
            self.forks[self.block] = fork
        }
    }
}
