// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollPayments
import TollPrimitives

extension World {
    /// Counts what only the end shows: what the chain, the wire and the ledger hold of the faults that were meant to come about.
    func countAftermath() {
        self.countTransactions()
        let seen = self.observer.seen
        self.tally.note(.creditSpent, self.records.count { $0.settlement?.isCredit == true })
        self.tally.note(.paymentVanished, seen.writes.count { if case .vanished = $0.event { true } else { false } })
        self.countTakeovers(seen)
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
