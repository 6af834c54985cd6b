// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPayments
internal import TollPrimitives

/// The Transfer that a deposit of the ledger is made of.
struct DepositTransfer: Hashable {
    /// The transaction.
    let transaction: Bytes32
    /// The log's place among those of the transaction.
    let position: UInt64
    /// What moved.
    let transfer: ERC20.Transfer

    /// Nil for what is no deposit on an EVM chain.
    init?(_ claim: Claim) {
        guard let place = claim.key.depositPlace, let hash = Bytes32(hex: place.transaction),
            let token = Address(hex: claim.option.asset.address), let from = Address(hex: claim.payer),
            let to = Address(hex: claim.option.payTo)
        else { return nil }
        self.transaction = hash
        self.position = place.position
        self.transfer = ERC20.Transfer(token: token, from: from, to: to, value: claim.option.amount)
    }

    /// Where the receipt of the transaction has it; nil when it reverted, or something else stands at its place.
    func settlement(in receipt: TransactionReceipt) -> Settlement? {
        guard receipt.succeeded, receipt.transactionHash == self.transaction, let place = Int(exactly: self.position),
            receipt.logs.indices.contains(place), ERC20.Transfer(receipt.logs[place]) == self.transfer,
            let index = receipt.logs[place].logIndex
        else { return nil }
        return Settlement(
            transaction: receipt.transactionHash.description, block: receipt.blockNumber, logIndex: index,
            blockHash: receipt.blockHash.description)
    }
}

extension TransactionReceipt {
    /// The key of the deposit that the log at this place in the block would make; nil when no Transfer stands there.
    func depositKey(ofLog logIndex: UInt64, on network: ChainID) -> PaymentKey? {
        guard let place = self.logs.firstIndex(where: { $0.logIndex == logIndex }),
            let transfer = ERC20.Transfer(self.logs[place])
        else { return nil }
        return PaymentKey.deposit(
            network: network, asset: transfer.token.description, payer: transfer.from.description,
            transaction: self.transactionHash.description, position: UInt64(place))
    }
}
