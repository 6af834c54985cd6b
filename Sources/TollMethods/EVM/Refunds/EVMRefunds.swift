// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
public import TollPayments
public import TollPrimitives

/// A refund for somebody else to sign: with the wallet of the address that received the payment.
public struct UnsignedRefund: Hashable, Sendable {
    /// The payment whose money goes back.
    public let payment: PaymentID
    /// The chain's number.
    public let chainID: UInt64
    /// Who signs: the payment's receiver.
    public let from: String
    /// The token.
    public let to: String
    /// The call: `transfer(payer, units)`.
    public let data: [UInt8]
    /// Who gets it back.
    public let payer: String
    /// How much, in the token's smallest unit.
    public let units: UInt256
    /// `0.001 USDC`, for people.
    public let display: String

    /// The refund of what is owed for `record`.
    public init(_ record: PaymentRecord, units: UInt256) throws(RefundError) {
        let option = record.claim.option
        guard let chainID = option.network.eip155, let token = Address(hex: option.asset.address),
            let receiver = Address(hex: option.payTo), let payer = Address(hex: record.claim.payer)
        else { throw RefundError("payment \(record.id): its network is no EVM chain, and it cannot be paid back from here") }
        self.payment = record.id
        self.chainID = chainID
        self.from = receiver.description
        self.to = token.description
        self.data = ERC20.transfer(to: payer, value: units)
        self.payer = payer.description
        self.units = units
        self.display = "\(DecimalAmount(units: units, decimals: option.asset.decimals)) \(option.asset.symbol)"
    }

    /// The transaction as wallets take it, and the words that say what it is.
    public var json: JSON {
        [
            "chainId": .string(UInt256(self.chainID).hexQuantity), "from": .string(self.from), "to": .string(self.to),
            "value": "0x0", "data": .string(Hex.encodePrefixed(self.data)), "amount": .string(self.units.description),
            "display": .string(self.display), "payer": .string(self.payer), "payment": .string(self.payment.description),
            "note": .string("refund of \(self.display) to \(self.payer) for payment \(self.payment)"),
        ]
    }
}

/// Pays debts back by transactions that somebody else signs: written, confirmed on chain, or dropped.
public struct EVMRefunds: Sendable {
    private let network: ExactEVMNetwork
    private let store: any PaymentStore

    /// Refunds on `network`.
    public init(network: ExactEVMNetwork, store: any PaymentStore) {
        self.network = network
        self.store = store
    }

    /// Marks what is owed as on its way back, so that nothing can be bought with it any more, and writes the transaction. One
    /// that was written before is written again, word for word.
    ///
    /// - Throws: ``RefundError`` where there is nothing to pay back, `StoreError` where the debt was spent in this moment.
    public static func write(_ record: PaymentRecord, store: any PaymentStore, at time: Int64) async throws -> UnsignedRefund {
        let debt = try record.openDebt(at: time)
        if let refund = debt.refund { return try UnsignedRefund(record, units: refund.units) }
        let unsigned = try UnsignedRefund(record, units: debt.units)
        let refund = Refund(to: unsigned.payer, units: debt.units, transaction: nil)
        try await store.append([.refunding(refund)], to: record.id, at: time)
        return unsigned
    }

    /// Notes that `transaction` paid the debt of `record` back, when the chain says so.
    ///
    /// - Parameter senders: Whose Transfer counts, beside that of the payment's receiver.
    /// - Throws: ``RefundError`` naming what does not fit.
    public func confirm(
        _ record: PaymentRecord, by transaction: String, from senders: [String] = [], at time: Int64
    ) async throws -> PaymentRecord {
        guard let hash = Bytes32(hex: transaction), transaction.hasPrefix("0x") else {
            throw RefundError("\"\(transaction)\" is no transaction's hash: 0x and 64 hexadecimal digits")
        }
        let debt = try record.openDebt()
        let unsigned = try UnsignedRefund(record, units: debt.units)
        guard let receipt = try await self.network.client.ask(.receipt(of: hash)) else {
            throw RefundError("the chain has no transaction \(hash) in a block; wait, or compare the hash")
        }
        guard receipt.succeeded else { throw RefundError("transaction \(hash) reverted, and paid nothing back") }
        guard try await self.network.isDeep(receipt.blockNumber) else {
            throw RefundError("transaction \(hash) is in block \(receipt.blockNumber), not deep enough yet; wait")
        }
        let accounts = Set(([unsigned.from] + senders).compactMap { Address(hex: $0) })
        let taken = try await self.logsTaken(by: record.claim.payer, in: hash)
        let found = receipt.logs.first { log in
            guard let transfer = ERC20.Transfer(log), !taken.contains(log.logIndex ?? 0) else { return false }
            return transfer.token.description == unsigned.to && accounts.contains(transfer.from)
                && transfer.to.description == unsigned.payer && transfer.value == unsigned.units
        }
        guard let found else {
            throw RefundError(
                "transaction \(hash) has no Transfer of \(unsigned.units) units of \(unsigned.to) from "
                    + "\(accounts.map(\.description).sorted().joined(separator: " or ")) to \(unsigned.payer)"
                    + (taken.isEmpty ? "" : " that is not another payment's refund"))
        }
        let settlement = Settlement(
            transaction: hash.description, block: receipt.blockNumber, logIndex: found.logIndex ?? 0,
            blockHash: receipt.blockHash.description)
        // Paid back by hand, without having been written first.
        let missing: [PaymentEvent] =
            debt.refund == nil ? [.refunding(Refund(to: unsigned.payer, units: debt.units, transaction: nil))] : []
        return try await self.store.append(missing + [.refunded(settlement)], to: record.id, at: time)
    }

    /// Gives the debt of `record` back to its payer, to be spent or refunded: the written transaction will not be sent.
    ///
    /// - Throws: ``RefundError`` when the chain has a Transfer that may be this refund, or the transaction may still be mined.
    public func drop(_ record: PaymentRecord, at time: Int64) async throws -> PaymentRecord {
        guard let refund = record.debt?.refund, record.debt?.refunded == nil else {
            throw RefundError("payment \(record.id): no refund of it is on its way")
        }
        if let transaction = refund.transaction {
            throw RefundError(
                "the refund \(transaction.hash) is signed and may be mined at any time; run `tollgate ledger refund "
                    + "\(record.id)`, which pursues it to its end")
        }
        if let paid = try await self.transfer(like: refund, of: record) {
            throw RefundError(
                "\(paid) moved \(refund.units) units to \(refund.to), as this refund would; run `tollgate ledger refund "
                    + "--confirm \(record.id) \(paid)`")
        }
        return try await self.store.append([.refundDropped(reason: "dropped by the seller")], to: record.id, at: time)
    }

    /// A Transfer that looks like this refund and is no other's.
    private func transfer(like refund: Refund, of record: PaymentRecord) async throws -> Bytes32? {
        let unsigned = try UnsignedRefund(record, units: refund.units)
        guard let token = Address(hex: unsigned.to), let sender = Address(hex: unsigned.from), let to = Address(hex: refund.to)
        else { return nil }
        let last = try await self.network.client.ask(.blockNumber)
        let first = min(record.settlement?.block ?? last, last)
        var found: [TransferLogs.Entry] = []
        try await TransferLogs(client: self.network.client, assets: [token]).read([.from([sender])], in: first...last) {
            found += $0[0].filter { $0.transfer.to == to && $0.transfer.value == refund.units }
        }
        for entry in found {
            guard try await !self.logsTaken(by: record.claim.payer, in: entry.transaction).contains(entry.logIndex) else {
                continue
            }
            return entry.transaction
        }
        return nil
    }

    /// Places of Transfers in `transaction` that are the refunds of other payments of this payer.
    private func logsTaken(by payer: String, in transaction: Bytes32) async throws -> Set<UInt64> {
        var query = PaymentQuery(limit: PaymentQuery.pageSize)
        query.network = self.network.chain
        query.payer = payer
        query.isOwed = true
        var taken: Set<UInt64> = []
        try await self.store.forEach(query) { record in
            guard let refunded = record.debt?.refunded, Bytes32(hex: refunded.transaction) == transaction else { return }
            taken.insert(refunded.logIndex)
        }
        return taken
    }
}
