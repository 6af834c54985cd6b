// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollPayments
import TollPrimitives
import TollProtocol

extension World {
    /// Counts what only the end shows: what the chain, the wire and the ledger hold of the faults that were meant to come about.
    func countAftermath() {
        self.countTransactions()
        let seen = self.observer.seen
        self.tally.note(.creditSpent, self.records.count { $0.settlement?.isCredit == true })
        self.tally.note(.paymentVanished, seen.writes.count { if case .vanished = $0.event { true } else { false } })
        self.countTakeovers(seen)
        self.countTransfers(seen)
    }

    /// What reorganisations did to transfers that buyers sent by themselves, and to what was made of them.
    private func countTransfers(_ seen: WorldEvents) {
        guard !self.scenario.transfers.isEmpty else { return }
        let ours = Set(seen.asked.compactMap { Address(hex: $0.instructions.recipient) })
        var blocks: [LogPlace: Set<Bytes32>] = [:]
        for arrival in self.chain.minedBlocks.flatMap({ $0.arrivals() }) where ours.contains(arrival.to) {
            blocks[arrival.place, default: []].insert(arrival.blockHash)
        }
        self.tally.note(.transferMoved, blocks.values.count { $0.count > 1 })
        self.tally.note(
            .transferVanished, blocks.keys.count { !self.chain.isMined($0.transaction, at: self.executor.now) })
        let references = Dictionary(
            seen.writes.compactMap { write -> (PaymentID, Bytes32)? in
                guard case .claimed(let claim) = write.event, let reference = claim.depositedFor else { return nil }
                return (write.payment, reference)
            }
        ) { first, _ in first }
        var bought: Set<PaymentID> = []
        for write in seen.writes {
            switch write.event {
            case .claimed(let claim) where claim.key.boughtReference != nil: bought.insert(write.payment)
            case .vanished:
                guard let reference = references[write.payment] else { continue }
                let call = PaymentKey.call(reference: reference, network: Market.chain, payer: "").id
                self.tally.note(bought.contains(call) ? .boughtVanished : .depositVanished)
            default: break
            }
        }
    }

    private func countTransactions() {
        let ours = Set((Market.gatewaySigners + Market.facilitatorSigners).map(\.address))
        let payers = Set(Market.buyers.map(\.address))
        var known: Set<Bytes32> = []
        for block in self.chain.minedBlocks {
            for receipt in block.receipts where receipt.isGood && known.insert(receipt.transaction.hash).inserted {
                switch receipt.transaction.action {
                case .cancel: self.tally.note(.authorizationCancelled)
                case .pay: self.tally.note(.walletEmptied)
                case .payAll: break
                case .call(let to, let data):
                    let transfers = ChainMachine.transfers(in: data, to: to)
                    let moved = receipt.logs.count { $0.topics.first == EIP3009.authorizationUsedTopic }
                    if block.token.kind == .quiet { self.tally.note(.quietFailure, transfers.count - moved) }
                    if block.token.kind == .feeOnTransfer { self.tally.note(.feeOnTransfer, moved) }
                    if !ours.contains(receipt.transaction.sender) {
                        self.tally.note(payers.contains(receipt.transaction.sender) ? .settledByPayer : .settledByOthers, moved)
                    }
                }
            }
        }
    }

    /// Who claimed a payment need not be who settles it.
    private func countTakeovers(_ seen: WorldEvents) {
        var claimers: [PaymentID: String] = [:]
        for write in seen.writes where write.ledger == self.disk.name {
            switch write.event {
            case .claimed: claimers[write.payment] = write.process
            case .settled:
                if let claimer = claimers[write.payment], claimer != write.process { self.tally.note(.takenOver) }
            default: break
            }
        }
    }
}
