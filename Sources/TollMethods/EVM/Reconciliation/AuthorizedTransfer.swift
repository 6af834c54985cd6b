// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPayments
internal import TollPrimitives

/// A Transfer together with the authorization that it used up, as a receipt tells them.
struct AuthorizedTransfer: Hashable {
    let transfer: ERC20.Transfer
    /// The authorization's nonce.
    let nonce: Bytes32
    /// The Transfer's place in the block.
    let logIndex: UInt64

    /// What the chain makes unique about the payment.
    func key(on network: ChainID) -> PaymentKey {
        PaymentKey(
            network: network, asset: self.transfer.token.lowercaseHex, payer: self.transfer.from.lowercaseHex,
            nonce: self.nonce.description)
    }

    /// Every one in `receipt`, in order; none when it reverted. Several payments, also equal ones, may share a transaction.
    ///
    /// EIP-3009 leaves the order of the two events open; its reference and USDC use the authorization first, so each use has the
    /// next Transfer of its token and payer that no other use has, and only without one the last before it.
    static func all(in receipt: TransactionReceipt) -> [AuthorizedTransfer] {
        guard receipt.succeeded else { return [] }
        var free = receipt.logs.enumerated().compactMap { place, log in
            ERC20.Transfer(log).map { (place: place, transfer: $0, logIndex: log.logIndex ?? 0) }
        }
        return receipt.logs.enumerated().compactMap { place, log in
            guard let (authorizer, nonce) = Self.use(log) else { return nil }
            let isIts = { (transfer: ERC20.Transfer) in transfer.token == log.address && transfer.from == authorizer }
            let next = free.firstIndex { $0.place > place && isIts($0.transfer) }
            guard let index = next ?? free.lastIndex(where: { $0.place < place && isIts($0.transfer) }) else { return nil }
            let found = free.remove(at: index)
            return AuthorizedTransfer(transfer: found.transfer, nonce: nonce, logIndex: found.logIndex)
        }
    }

    private static func use(_ log: Log) -> (authorizer: Address, nonce: Bytes32)? {
        guard log.topics.count == 3, log.topics[0] == EIP3009.authorizationUsedTopic, let authorizer = Address(log.topics[1])
        else { return nil }
        return (authorizer, log.topics[2])
    }
}
