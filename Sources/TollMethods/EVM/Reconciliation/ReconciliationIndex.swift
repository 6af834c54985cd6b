// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPayments
internal import TollPrimitives

/// What a ledger says must be on one chain: a few words for each payment, since a ledger may hold millions.
struct ReconciliationIndex {
    /// A Transfer's place on the chain.
    struct Place: Hashable {
        let transaction: Bytes32
        let logIndex: UInt64
    }

    /// A Transfer that the ledger says there was.
    struct Expected: Hashable {
        let payment: PaymentID
        let isRefund: Bool
        let asset: Address
        let to: Address
        let units: UInt256
        let block: UInt64
    }

    /// What a refund would look like: one that was written for somebody else to sign, or that would pay an open debt.
    struct WrittenRefund: Hashable {
        let asset: Address
        let to: Address
        let units: UInt256
    }

    private(set) var expected: [Place: Expected] = [:]
    /// Settlements of which the ledger does not know the place: a facilitator elsewhere told the transaction alone.
    private(set) var withoutPlace: [Bytes32: [Expected]] = [:]
    /// A second payment that is said to be settled by a Transfer which has one already.
    private(set) var shared: [(place: Place, first: PaymentID, second: Expected)] = []
    /// The first block in which a settlement of this ledger can be.
    private(set) var firstBlock: UInt64?
    private(set) var refundsSent: [Bytes32: PaymentID] = [:]
    private(set) var refundsWritten: [WrittenRefund: PaymentID] = [:]
    /// Who paid refunds, as far as the ledger tells: receivers and payout wallets.
    private(set) var payouts: Set<Address> = []
    private(set) var assets: Set<Address> = []
    private(set) var receivers: Set<Address> = []
    private(set) var signers: Set<Address> = []

    mutating func add(_ record: PaymentRecord) {
        let option = record.claim.option
        guard record.settlement?.isCredit != true, let asset = Address(hex: option.asset.address),
            let receiver = Address(hex: option.payTo)
        else { return }
        self.assets.insert(asset)
        self.receivers.insert(receiver)
        self.signers.formUnion(record.transactions.compactMap { Address(hex: $0.signer) })
        self.noteBlock(of: record)
        if let settlement = record.settlement {
            let expected = Expected(
                payment: record.id, isRefund: false, asset: asset, to: receiver, units: option.amount, block: settlement.block)
            self.expect(expected, at: settlement)
        }
        if let refund = record.debt?.refund, let to = Address(hex: refund.to) {
            self.add(refund, to: to, refunded: record.debt?.refunded, of: record.id, asset: asset, receiver: receiver)
        } else if let debt = record.debt, debt.isOpen, let payer = Address(hex: record.claim.payer) {
            // A restored ledger has forgotten the refunds that were made after its backup.
            self.payouts.insert(receiver)
            self.refundsWritten[WrittenRefund(asset: asset, to: payer, units: debt.units)] = record.id
        }
    }

    private mutating func add(
        _ refund: Refund, to: Address, refunded: Settlement?, of payment: PaymentID, asset: Address, receiver: Address
    ) {
        self.payouts.insert(refund.transaction.flatMap { Address(hex: $0.signer) } ?? receiver)
        if let refunded {
            self.expect(
                Expected(payment: payment, isRefund: true, asset: asset, to: to, units: refund.units, block: refunded.block),
                at: refunded)
        } else if let transaction = refund.transaction {
            if let hash = Bytes32(hex: transaction.hash) { self.refundsSent[hash] = payment }
        } else {
            self.refundsWritten[WrittenRefund(asset: asset, to: to, units: refund.units)] = payment
        }
    }

    private mutating func noteBlock(of record: PaymentRecord) {
        let unused = record.claim.unusedAtBlock
        // A reorganisation may have put the settlement below.
        let candidates = [unused > 0 ? unused + 1 : 0, record.settlement?.block ?? 0]
        guard let first = candidates.filter({ $0 > 0 }).min() else { return }
        self.firstBlock = min(self.firstBlock ?? first, first)
    }

    private mutating func expect(_ expected: Expected, at settlement: Settlement) {
        let hash = Bytes32(hex: settlement.transaction) ?? .zero
        guard settlement.block > 0 else {
            self.withoutPlace[hash, default: []].append(expected)
            return
        }
        let place = Place(transaction: hash, logIndex: settlement.logIndex)
        if let first = self.expected[place] {
            self.shared.append((place, first.payment, expected))
        } else {
            self.expected[place] = expected
        }
    }

    /// Takes out what the ledger expects of this Transfer.
    mutating func take(_ entry: TransferLogs.Entry) -> Expected? {
        if let found = self.expected.removeValue(forKey: Place(transaction: entry.transaction, logIndex: entry.logIndex)) {
            return found
        }
        let isIt = { (expected: Expected) in
            expected.asset == entry.transfer.token && expected.to == entry.transfer.to && expected.units == entry.transfer.value
        }
        guard let index = self.withoutPlace[entry.transaction]?.firstIndex(where: isIt) else { return nil }
        return self.withoutPlace[entry.transaction]?.remove(at: index)
    }

    /// Takes out the settlement of `payment`, wherever the ledger says it is.
    mutating func take(_ payment: PaymentRecord) -> Expected? {
        guard let settlement = payment.settlement, let hash = Bytes32(hex: settlement.transaction) else { return nil }
        return self.expected.removeValue(forKey: Place(transaction: hash, logIndex: settlement.logIndex))
    }

    /// Forgets settlements without a place by `transaction`, which lies outside of what is compared.
    mutating func drop(_ transaction: Bytes32) {
        self.withoutPlace[transaction] = nil
    }
}
