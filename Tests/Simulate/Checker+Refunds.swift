// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollPayments
import TollPrimitives

/// What is owed is made good once: spent or paid back, never both.
extension Checker {
    mutating func checkRefunds() {
        self.checkCredit()
        var written: [String: (payment: PaymentID, order: Int)] = [:]
        for write in self.seen.writes {
            guard case .refunding(let refund) = write.event, let transaction = refund.transaction else { continue }
            written[transaction.hash] = written[transaction.hash] ?? (write.payment, write.order)
        }
        for sent in self.seen.sent where sent.transaction.sender == Market.payoutWallet.address {
            let hash = sent.transaction.hash
            if written[hash.description].map({ $0.order > sent.order }) ?? true {
                self.report("I2", "the refund \(hash.short) was sent before it was durable")
            }
        }
        self.checkPayouts(written.mapValues { $0.payment })
    }

    /// Whatever was bought out of credit was drawn from debts.
    private mutating func checkCredit() {
        let bought = self.world.records.filter { $0.settlement?.isCredit == true }
        let spent = bought.reduce(UInt256.zero) { $0.adding($1.claim.option.amount) ?? .max }
        let drawn = self.world.records.reduce(UInt256.zero) { sum, record in
            guard let debt = record.debt else { return sum }
            let left = debt.refunded == nil ? debt.units : debt.refund?.units ?? .zero
            return sum.adding(record.claim.option.amount.subtracting(left) ?? .zero) ?? .max
        }
        if spent != drawn {
            self.report("I5", "\(bought.count) purchases out of credit for \(spent) units, and \(drawn) were drawn from debts")
        }
    }

    /// What the payout wallet moved is what the ledger says, once for each debt.
    private mutating func checkPayouts(_ written: [String: PaymentID]) {
        // A refund that moves less than its amount, or nothing, is left to the seller; the ledger goes on calling it unpaid.
        guard self.world.scenario.chain.kind == .standard else { return }
        var paid: Set<PaymentID> = []
        for payout in self.payouts {
            let hash = payout.transaction
            guard let payment = written[hash.description], let record = self.records[payment] else {
                self.report("I6", "the payout wallet moved money in \(hash.short), and the ledger knows of no refund in it")
                continue
            }
            let name = payment.description.prefix(8)
            if !paid.insert(payment).inserted { self.report("I5", "payment \(name) was paid back twice") }
            if record.debt?.refunded?.transaction != hash.description {
                self.report("I6", "payment \(name) was paid back in \(hash.short), and the ledger does not say so")
            }
        }
        for record in self.world.records {
            guard let refunded = record.debt?.refunded, !paid.contains(record.id) else { continue }
            // Below the confirmations that were asked for, a reorganisation may take a refund as it may take a payment.
            if !self.wasMined(refunded.transaction) {
                self.report("I6", "payment \(record.id.description.prefix(8)) was paid back, and the chain never had it")
            }
        }
    }

    private func wasMined(_ hash: String) -> Bool {
        Bytes32(hex: hash).map { self.world.chain.action(of: $0) != nil } ?? false
    }
}
