// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// A Transfer that arrived by itself, and where in its transaction.
struct ArrivedTransfer: Hashable {
    let transfer: ERC20.Transfer
    /// The log's place among those of the transaction.
    let position: UInt64
    /// The log's place in the block.
    let logIndex: UInt64
}

/// Finds in a receipt what arrived by itself. Decides nothing of references.
struct ReceiptReading {
    let receipt: TransactionReceipt

    /// Transfers to `recipients` that nobody's authorization made, in their order; none when the transaction reverted.
    ///
    /// A Transfer beside an authorization of its token and sender may be what that authorization moved. Which one it was is left
    /// open by EIP-3009 where there are several; none of them is taken then, so that no money is counted in two dialects.
    func arrivals(at recipients: Set<Address>) -> [ArrivedTransfer] {
        guard self.receipt.succeeded else { return [] }
        let authorized = Set(
            self.receipt.logs.compactMap { log -> Authorizer? in
                guard log.topics.count == 3, log.topics[0] == EIP3009.authorizationUsedTopic,
                    let account = Address(log.topics[1])
                else { return nil }
                return Authorizer(token: log.address, account: account)
            })
        return self.receipt.logs.enumerated().compactMap { place, log in
            guard let transfer = ERC20.Transfer(log), recipients.contains(transfer.to),
                !authorized.contains(Authorizer(token: transfer.token, account: transfer.from)), transfer.value > .zero,
                transfer.from != transfer.to, let index = log.logIndex
            else { return nil }
            return ArrivedTransfer(transfer: transfer, position: UInt64(place), logIndex: index)
        }
    }

    /// Whether anything of it was moved by an authorization to one of `recipients`.
    func isAuthorized(to recipients: Set<Address>) -> Bool {
        self.receipt.logs.contains { $0.topics.first == EIP3009.authorizationUsedTopic }
            && self.receipt.logs.contains { log in ERC20.Transfer(log).map { recipients.contains($0.to) } ?? false }
    }

    /// Where a Transfer of it settled something.
    func settlement(of arrival: ArrivedTransfer) -> Settlement {
        Settlement(
            transaction: self.receipt.transactionHash.description, block: self.receipt.blockNumber,
            logIndex: arrival.logIndex, blockHash: self.receipt.blockHash.description)
    }

    private struct Authorizer: Hashable {
        let token: Address
        let account: Address
    }
}

/// Whether what arrived is for a reference, by what binds it.
struct BindingJudge {
    let reference: PaymentReference
    let token: Address
    let recipient: Address

    init?(_ reference: PaymentReference) {
        guard let token = Address(hex: reference.option.asset.address), let recipient = Address(hex: reference.option.payTo)
        else { return nil }
        self.reference = reference
        self.token = token
        self.recipient = recipient
    }

    /// Whether the chain alone says so: it went to the reference's own address, or is of its own amount.
    func isBoundByItself(_ transfer: ERC20.Transfer) -> Bool {
        switch self.reference.binding {
        case .signature: false
        case .amount:
            transfer.to == self.recipient && transfer.token == self.token && transfer.value == self.reference.option.amount
        case .address: transfer.to == self.recipient
        }
    }

    /// Whether it is money that the reference asks for.
    func isDue(_ transfer: ERC20.Transfer, on network: ChainID) -> Bool {
        network == self.reference.option.network && transfer.token == self.token && transfer.to == self.recipient
    }
}
