// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollCrypto
import TollEVM
import TollPrimitives

/// How a chain behaves. Rates are of a thousand blocks, or of a thousand transactions in each block.
struct ChainWeather: Sendable {
    var kind = TokenKind.standard
    var blockTime = Duration.seconds(2)
    /// A transaction is left out of a block that had room.
    var skip = 0
    /// A waiting transaction is forgotten by everybody.
    var drop = 0
    /// A node takes a transaction and tells nobody.
    var swallow = 0
    var reorganisation = 0
    var reorganisationDepth = 1
    /// A transaction of an abandoned block is not mined again by itself.
    var reorganisationDrop = 0
    /// The base fee begins to rise by an eighth for each of many blocks.
    var spike = 0
    /// How far each node is behind.
    var lags: [Duration] = [.zero]
    /// From then on nothing more goes wrong.
    var calmFrom = Duration.seconds(300)
}

/// A chain with one token: a pool, blocks at their times, forks, and nodes that see them sooner or later.
///
/// Blocks are made when somebody looks, at the times they were due: that nobody looks changes nothing.
final class SimulatedChain: Sendable {
    struct State {
        /// The fork in force, by number from ``SimulatedChain/firstNumber``.
        var canonical: [SimulatedBlock]
        /// What was the newest block since when; the last is now.
        var heads: [(since: Duration, block: SimulatedBlock)]
        var pool: [ChainTransaction] = []
        var nextBlockAt: Duration
        var spikeBlocksLeft = 0
        var decoded: [[UInt8]: ChainTransaction] = [:]
        /// Blocks that every hash was ever mined in.
        var mined: [Bytes32: [SimulatedBlock]] = [:]
        var reorganisations = 0
    }

    static let epoch: UInt64 = 1_800_000_000
    static let firstNumber: UInt64 = 1_000
    /// Blocks this deep are never abandoned.
    static let finalityDepth: UInt64 = 8
    static let safeDepth: UInt64 = 4
    private static let usualFee: UInt64 = 1_000_000_000
    /// Ten times as much as anyone pays.
    private static let feeMax: UInt64 = 5_000_000_000_000
    private static let calmBlockTime = Duration.seconds(12)

    let weather: ChainWeather
    let machine = ChainMachine()
    private let dice: Dice
    private let trace: Trace
    let tally: Tally
    private let state: Mutex<State>

    init(weather: ChainWeather, balances: [Address: UInt256], seed: UInt64, trace: Trace, tally: Tally) {
        self.weather = weather
        self.dice = Dice(seed: seed, "chain")
        self.trace = trace
        self.tally = tally
        let genesis = SimulatedBlock(
            number: Self.firstNumber, hash: Bytes32([UInt8](repeating: 1, count: 32)) ?? .zero, parent: nil,
            timestamp: Self.epoch - 1, baseFee: Self.usualFee, token: TokenState(kind: weather.kind, balances: balances),
            counts: [:], receipts: [])
        self.state = Mutex(
            State(canonical: [genesis], heads: [(.zero, genesis)], nextBlockAt: weather.blockTime))
    }

    /// Looks at the chain as it is at `now`.
    func look<Value: Sendable>(at now: Duration, _ body: (inout State) -> Value) -> Value {
        self.state.withLock { state in
            while state.nextBlockAt <= now { self.makeBlocks(&state) }
            return body(&state)
        }
    }

    /// The newest block at `now`.
    func head(at now: Duration) -> SimulatedBlock { self.look(at: now) { $0.heads[$0.heads.count - 1].block } }

    // MARK: - Blocks

    private func makeBlocks(_ state: inout State) {
        let time = state.nextBlockAt
        let isCalm = time >= self.weather.calmFrom
        state.nextBlockAt = time + (isCalm ? max(Self.calmBlockTime, self.weather.blockTime) : self.weather.blockTime)
        if !isCalm, self.dice.happens(perMille: self.weather.drop), !state.pool.isEmpty {
            let lost = state.pool.remove(at: self.dice.number(in: 0...(state.pool.count - 1)))
            self.tally.note(.transactionDropped)
            self.trace.note("chain: forgets \(lost.hash.short)")
        }
        var times: [UInt64] = []
        if !isCalm, self.dice.happens(perMille: self.weather.reorganisation) { times = self.abandon(&state) }
        times.append(Self.epoch + UInt64(time.components.seconds))
        for seconds in times { self.mine(&state, at: seconds, isCalm: isCalm) }
        state.heads.append((time, state.canonical[state.canonical.count - 1]))
        if state.heads.count > 64 { state.heads.removeFirst(32) }
    }

    /// Leaves the newest blocks; says the times of the blocks that take their place.
    private func abandon(_ state: inout State) -> [UInt64] {
        let depth = min(self.dice.number(in: 1...self.weather.reorganisationDepth), state.canonical.count - 1)
        let abandoned = Array(state.canonical.suffix(depth))
        state.canonical.removeLast(depth)
        state.reorganisations += depth > 0 ? 1 : 0
        for receipt in abandoned.flatMap(\.receipts) {
            if self.dice.happens(perMille: self.weather.reorganisationDrop) {
                self.trace.note("chain: a reorganisation drops \(receipt.transaction.hash.short)")
            } else {
                state.pool.append(receipt.transaction)
            }
        }
        if abandoned.contains(where: { !$0.receipts.isEmpty }) { self.tally.note(.reorganisation(depth)) }
        self.trace.note("chain: reorganisation of depth \(depth)")
        return abandoned.map(\.timestamp)
    }

    private func mine(_ state: inout State, at seconds: UInt64, isCalm: Bool) {
        let parent = state.canonical[state.canonical.count - 1]
        let baseFee = self.baseFee(after: parent, &state, isCalm: isCalm)
        var (token, counts) = (parent.token, parent.counts)
        var receipts: [ChainReceipt] = []
        var isDone = state.pool.isEmpty
        // The dearest first, each account's in the order of their numbers.
        let order = state.pool.sorted { ($0.tip, $0.hash.description) > ($1.tip, $1.hash.description) }
        var left = order.filter { _ in isCalm || !self.dice.happens(perMille: self.weather.skip) }
        while !isDone {
            isDone = true
            for (index, transaction) in left.enumerated()
            where transaction.number == counts[transaction.sender] ?? 0 && transaction.maxFee >= baseFee {
                counts[transaction.sender] = transaction.number + 1
                let index0 = receipts.reduce(0) { $0 + $1.logs.count }
                receipts.append(self.machine.execute(transaction, on: &token, at: seconds, firstLog: index0))
                left.remove(at: index)
                isDone = false
                break
            }
        }
        let block = SimulatedBlock(
            number: parent.number + 1, hash: Bytes32(self.dice.bytes(32)) ?? .zero, parent: parent, timestamp: seconds,
            baseFee: baseFee, token: token, counts: counts, receipts: receipts)
        state.canonical.append(block)
        for receipt in receipts {
            state.mined[receipt.transaction.hash, default: []].append(block)
            self.trace.note(
                "chain: block \(block.number) has \(receipt.transaction.hash.short)\(receipt.isGood ? "" : ", reverted"), "
                    + "\(receipt.logs.count) logs")
        }
        if !receipts.isEmpty { state.pool.removeAll { $0.number < counts[$0.sender] ?? 0 } }
    }

    /// As EIP-1559 moves it: up and down by at most an eighth, up while a spike lasts.
    private func baseFee(after parent: SimulatedBlock, _ state: inout State, isCalm: Bool) -> UInt64 {
        if !isCalm, state.spikeBlocksLeft == 0, self.dice.happens(perMille: self.weather.spike) {
            state.spikeBlocksLeft = self.dice.number(in: 10...40)
            self.tally.note(.feeSpike)
            self.trace.note("chain: the base fee rises for \(state.spikeBlocksLeft) blocks")
        }
        // Blocks are rarer when it is calm, and each stands for several.
        guard !isCalm else { return max(Self.usualFee, parent.baseFee / 2) }
        if state.spikeBlocksLeft > 0 {
            state.spikeBlocksLeft -= 1
            return min(Self.feeMax, parent.baseFee + parent.baseFee / 8)
        }
        return max(Self.usualFee, parent.baseFee - parent.baseFee / 8)
    }

    // MARK: - Transactions

    /// A raw transaction, read once; nil when it is none.
    func decode(_ raw: [UInt8]) -> ChainTransaction? {
        if let known = self.state.withLock({ $0.decoded[raw] }) { return known }
        guard let signed = try? SignedTransaction(raw: raw), let sender = try? signed.sender() else { return nil }
        let transaction = ChainTransaction(
            hash: signed.hash, sender: sender, number: signed.transaction.nonce,
            maxFee: signed.transaction.maxFeePerGas.uint64 ?? .max, tip: signed.transaction.maxPriorityFeePerGas.uint64 ?? .max,
            gasLimit: signed.transaction.gasLimit,
            action: .call(to: signed.transaction.to ?? .zero, data: signed.transaction.data))
        self.state.withLock { $0.decoded[raw] = transaction }
        return transaction
    }

    /// What a pool says to a transaction.
    enum PoolAnswer: Hashable {
        case taken
        case refused(String)
    }

    /// Whether a node takes a transaction and tells nobody.
    func isSwallowed() -> Bool { self.dice.happens(perMille: self.weather.swallow) }

    func take(_ transaction: ChainTransaction, _ state: inout State, seenFrom head: SimulatedBlock) -> PoolAnswer {
        if state.pool.contains(where: { $0.hash == transaction.hash }) { return .refused("already known") }
        let count = head.counts[transaction.sender] ?? 0
        guard transaction.number >= count else {
            return .refused("nonce too low: next nonce \(count), tx nonce \(transaction.number)")
        }
        let rival = state.pool.firstIndex { $0.sender == transaction.sender && $0.number == transaction.number }
        if let rival {
            let old = state.pool[rival]
            guard transaction.maxFee >= old.maxFee + old.maxFee / 10, transaction.tip >= old.tip + old.tip / 10 else {
                return .refused("replacement transaction underpriced")
            }
            state.pool.remove(at: rival)
            self.tally.note(.transactionReplaced)
        }
        state.pool.append(transaction)
        return .taken
    }

    /// Somebody of the world sends a transaction, with a good fee, by a node that is up to date.
    @discardableResult
    func submit(
        _ action: ChainAction, from sender: Address, number: UInt64? = nil, tip: UInt64 = usualTip, at now: Duration
    ) -> ChainTransaction {
        let hash = Bytes32(self.dice.bytes(32)) ?? .zero
        return self.look(at: now) { state in
            let head = state.canonical[state.canonical.count - 1]
            let waiting = state.pool.filter { $0.sender == sender }.map { $0.number + 1 }.max() ?? 0
            let transaction = ChainTransaction(
                hash: hash, sender: sender, number: number ?? max(waiting, head.counts[sender] ?? 0),
                maxFee: tip > Self.usualTip ? 1 << 61 : 1 << 60, tip: tip, gasLimit: 5_000_000, action: action)
            _ = self.take(transaction, &state, seenFrom: head)
            return transaction
        }
    }

    /// What somebody's wallet does about a transaction that neither a block nor the pool holds: sends it again as long as its
    /// number is free. Says whether it has come to its end, as far as can be seen.
    func resend(_ transaction: ChainTransaction, at now: Duration) -> Bool {
        self.look(at: now) { state in
            let head = state.canonical[state.canonical.count - 1]
            guard transaction.number >= head.counts[transaction.sender] ?? 0 else { return true }
            let isRivalled = state.pool.contains { $0.sender == transaction.sender && $0.number == transaction.number }
            if !isRivalled { _ = self.take(transaction, &state, seenFrom: head) }
            return false
        }
    }

    /// Whether a block of the fork in force holds it, so many blocks deep.
    func isMined(_ hash: Bytes32, depth: UInt64 = 1, at now: Duration) -> Bool {
        self.look(at: now) { state in
            let head = state.canonical[state.canonical.count - 1]
            return (state.mined[hash] ?? []).contains { head.ancestor($0.number) === $0 && $0.number + depth <= head.number + 1 }
        }
    }

    /// What people's wallets pay, in wei per gas.
    static let usualTip: UInt64 = 5_000_000_000
}

extension Bytes32 {
    /// Enough to tell things apart in a trace.
    var short: String { String(self.description.prefix(10)) }
}
