// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollMethods
import TollPrimitives
import TollProtocol

/// Reads the chain, and shows others' transfers as its own: for no reference, for one of its own, for one that it makes up,
/// signed by itself or not at all.
struct TransferThief: Sendable {
    private static let attemptsMax = 12

    let world: World

    func run() async {
        let process = self.world.process("transfer thief", hasGoodClock: true)
        let dice = self.world.dice("transfer thief")
        let counter = TransferCounter(
            client: SimulatedHTTPClient(
                web: self.world.web, process: process, asker: Asker(kind: .thief, name: "transfer thief")), isPost: false,
            dice: dice)
        var tries: [Bytes32: Int] = [:]
        var attempts = 0
        while self.world.executor.now < .seconds(420), attempts < Self.attemptsMax {
            try? await self.world.executor.sleep(dice.milliseconds(in: 200...12_000))
            for hash in self.world.publicPayments() where tries[hash, default: 0] < 3 && attempts < Self.attemptsMax {
                tries[hash, default: 0] += 1
                attempts += 1
                await self.steal(hash, counter, dice)
            }
        }
    }

    private func steal(_ hash: Bytes32, _ counter: TransferCounter, _ dice: Dice) async {
        let path = dice.pick(self.world.scenario.transfers).path
        guard let own = await counter.ask(path)?.reference, let made = TransferProof.Reference(bytes: dice.bytes(16)) else {
            return
        }
        self.world.tally.note(.transferStolen)
        self.world.trace.note("thief shows \(hash.short) for \(path)")
        let (chain, key) = (ChainMachine.chainID, Market.transferThief.key)
        let proofs = [
            TransferProof.Proof(txHash: hash, chainID: chain, reference: own),
            TransferProof.Proof.signed(txHash: hash, chainID: chain, reference: own, key: key),
            TransferProof.Proof(txHash: hash, chainID: chain),
            TransferProof.Proof.signed(txHash: hash, chainID: chain, reference: made, key: key),
        ]
        let first = dice.number(in: 0...3)
        for index in [first, (first + 1) % 4] { _ = await counter.show(proofs[index], at: path) }
    }
}

extension World {
    /// Transactions that pay the seller by a plain transfer and that anybody sees: in the pool, or in a block.
    func publicPayments() -> [Bytes32] {
        let ours = Set(self.observer.seen.asked.compactMap { Address(hex: $0.instructions.recipient) } + [Market.payee])
        let transactions = self.chain.look(at: self.executor.now) { state in
            state.pool + state.canonical.suffix(12).flatMap { $0.receipts.map(\.transaction) }
        }
        return transactions.filter { transaction in
            switch transaction.action {
            case .call(let to, let data):
                guard to == ChainMachine.token, data.count == 68 else { return false }
                return ours.contains { ERC20.transfer(to: $0, value: .zero).prefix(36).elementsEqual(data.prefix(36)) }
            case .payAll(let payees): return payees.contains { ours.contains($0.to) }
            case .cancel, .pay: return false
            }
        }.map(\.hash)
    }
}
