// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPayments
internal import TollPrimitives

/// Finds in a receipt which payments were made, each by a Transfer of its own: of its token, from its payer, to its payee, of its
/// amount.
///
/// Two payments of one payer and one price have Transfers that look alike. They are told apart by the nonces in the
/// `AuthorizationUsed` logs: tokens write that log and the Transfer of one authorization one after the other.
struct ReceiptTransfers {
    private let receipt: TransactionReceipt
    /// Where the logs of used authorizations stand.
    private let uses: [Int]
    /// Whether the token writes the Transfer first: then there is one right before every use. The contract of EIP-3009's authors
    /// writes it behind.
    private let transfersStandBefore: Bool
    private var taken: Set<Int> = []

    init(_ receipt: TransactionReceipt) {
        self.receipt = receipt
        let uses = receipt.logs.indices.filter { receipt.logs[$0].topics.first == EIP3009.authorizationUsedTopic }
        self.uses = uses
        self.transfersStandBefore = uses.allSatisfy { index in
            index > 0 && receipt.logs[index - 1].topics.first == ERC20.transferTopic
                && receipt.logs[index - 1].topics.dropFirst().first == receipt.logs[index].topics.dropFirst().first
        }
    }

    /// Where each of `payments` was settled; those that were not are left out.
    static func settlements(of payments: [(PaymentID, ExactEVMPayment)], in receipt: TransactionReceipt) -> [PaymentID:
        Settlement]
    {
        guard receipt.succeeded else { return [:] }
        var logs = ReceiptTransfers(receipt)
        var found: [PaymentID: Settlement] = [:]
        for (id, payment) in payments { found[id] = logs.take(payment) }
        return found
    }

    /// Where one payment was settled.
    static func settlement(of payment: ExactEVMPayment, in receipt: TransactionReceipt) -> Settlement? {
        self.settlements(of: [(payment.key.id, payment)], in: receipt)[payment.key.id]
    }

    private mutating func take(_ payment: ExactEVMPayment) -> Settlement? {
        let authorization = payment.authorization
        let wanted = ERC20.Transfer(
            token: payment.asset, from: authorization.from, to: authorization.to, value: authorization.value)
        let use = self.uses.first { index in
            let log = self.receipt.logs[index]
            return log.address == payment.asset
                && log.topics == [EIP3009.authorizationUsedTopic, authorization.from.word, authorization.nonce]
        }
        // Without it the Transfer beside is another's, or of another kind: EIP-3009 asks for the log.
        guard let use else { return nil }
        let behind = use..<(self.uses.first { $0 > use } ?? self.receipt.logs.endIndex)
        let before = (self.uses.last { $0 < use } ?? self.receipt.logs.startIndex)..<use
        let ranges = self.transfersStandBefore ? [before, behind] : [behind, before]
        return ranges.compactMap { self.first(wanted, in: $0) }.first.map { self.take($0) }
    }

    private func first(_ wanted: ERC20.Transfer, in range: Range<Int>) -> Int? {
        range.first { !self.taken.contains($0) && ERC20.Transfer(self.receipt.logs[$0]) == wanted }
    }

    private mutating func take(_ index: Int) -> Settlement {
        self.taken.insert(index)
        return Settlement(
            transaction: self.receipt.transactionHash.description,
            block: self.receipt.blockNumber,
            logIndex: self.receipt.logs[index].logIndex ?? 0,
            blockHash: self.receipt.blockHash.description
        )
    }
}
