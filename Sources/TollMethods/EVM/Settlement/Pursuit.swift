// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPayments
internal import TollPrimitives

/// One number of a signer in work: the transactions signed under it, the payments they settle, and how far it is.
struct Pursuit: Sendable {
    let number: PursuitTable.Number
    let signer: Address
    let chain: ExactEVMChain
    /// Oldest first. At most one is ever mined.
    var transactions: [SettlementTransaction]
    /// Those that have not ended.
    var payments: [DuePayment]
    var machine: SettlementPursuit
    /// Whether the ledger knows that it takes long.
    var isNoted = false

    /// The pursuit of `records`, which one transaction settles; nil when they cannot be read. A single payment may have depths of
    /// its own, a batch has the deepest that one of its payments needs.
    init?(_ records: [PaymentRecord], on network: ExactEVMNetwork) {
        guard let number = records.first?.pursuedNumber, let signer = Address(hex: number.signer) else { return nil }
        let transactions = records.map(\.transactions).max { $0.count < $1.count } ?? []
        let due = records.compactMap { try? DuePayment($0) }
        guard let newest = transactions.last, !due.isEmpty else { return nil }
        self.number = number
        self.signer = signer
        self.transactions = transactions
        self.payments = due
        self.chain = ExactEVMChain(network, confirmations: network.confirmations(for: due.map(\.payment.option)))
        self.machine = SettlementPursuit(
            number: number.number,
            payments: due.map(\.machinePayment),
            inclusion: network.limits.inclusion,
            offeredFee: newest.maxFeePerGas,
            isVoid: newest.isVoid,
            wasSent: records.contains { $0.phase != .signed }
        )
    }

    /// What is sent.
    var newest: SettlementTransaction { self.transactions[self.transactions.count - 1] }

    /// More payments that a transaction under the number settles.
    mutating func adopt(_ records: [PaymentRecord]) {
        for record in records where !self.payments.contains(where: { $0.record.id == record.id }) {
            guard let due = try? DuePayment(record) else { continue }
            self.payments.append(due)
            self.machine.adopt(due.machinePayment)
        }
    }

    /// What the payments are now.
    mutating func update(_ records: [PaymentRecord]) {
        for record in records {
            guard let index = self.payments.firstIndex(where: { $0.record.id == record.id }) else { continue }
            self.payments[index].record = record
        }
    }
}

extension DuePayment {
    fileprivate var machinePayment: SettlementPursuit.Payment {
        SettlementPursuit.Payment(id: self.record.id, isDeferred: self.record.claim.policy == .deferred)
    }
}

extension PaymentRecord {
    /// The number that settles it; nil when nothing was signed here.
    var pursuedNumber: PursuitTable.Number? {
        self.transaction.map {
            PursuitTable.Number(chain: self.claim.option.network, signer: $0.signer, number: $0.nonce)
        }
    }
}
