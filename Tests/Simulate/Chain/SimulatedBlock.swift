// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollPrimitives

/// What a transaction does.
enum ChainAction: Hashable, Sendable {
    /// Calls a contract, or sends nothing to an account.
    case call(to: Address, data: [UInt8])
    /// The account cancels an authorization of its own.
    case cancel(Bytes32)
    /// The account moves units of the token elsewhere.
    case pay(to: Address, UInt256)
    /// The account, a wallet that does several things in one transaction, moves units of the token to several at once.
    case payAll([Payee])

    /// Who gets what.
    struct Payee: Hashable, Sendable {
        let to: Address
        let value: UInt256
    }
}

/// A transaction that waits, or is in a block.
struct ChainTransaction: Hashable, Sendable {
    let hash: Bytes32
    let sender: Address
    let number: UInt64
    /// Wei per gas.
    let maxFee: UInt64
    /// Wei per gas.
    let tip: UInt64
    let gasLimit: UInt64
    let action: ChainAction
}

/// What became of a transaction in a block.
struct ChainReceipt: Hashable, Sendable {
    struct Entry: Hashable, Sendable {
        let address: Address
        let topics: [Bytes32]
        let data: [UInt8]
        let index: UInt64
    }

    let transaction: ChainTransaction
    let isGood: Bool
    let gasUsed: UInt64
    let logs: [Entry]
}

/// A block with the state after it. Blocks know their parents, so that forks share what they have in common.
final class SimulatedBlock: Sendable {
    let number: UInt64
    let hash: Bytes32
    let parent: SimulatedBlock?
    /// Seconds since 1970.
    let timestamp: UInt64
    /// Wei per gas.
    let baseFee: UInt64
    let token: TokenState
    /// The next number of each account that has sent something.
    let counts: [Address: UInt64]
    let receipts: [ChainReceipt]

    init(
        number: UInt64, hash: Bytes32, parent: SimulatedBlock?, timestamp: UInt64, baseFee: UInt64, token: TokenState,
        counts: [Address: UInt64], receipts: [ChainReceipt]
    ) {
        self.number = number
        self.hash = hash
        self.parent = parent
        self.timestamp = timestamp
        self.baseFee = baseFee
        self.token = token
        self.counts = counts
        self.receipts = receipts
    }

    /// This block or one before it on the same fork.
    func ancestor(_ number: UInt64) -> SimulatedBlock? {
        guard number <= self.number else { return nil }
        var block = self
        while block.number > number {
            guard let parent = block.parent else { return nil }
            block = parent
        }
        return block
    }
}

/// A Transfer of the token to the seller, as the chain has it.
struct SeenTransfer: Hashable, Sendable {
    let transaction: Bytes32
    let sender: Address
    let block: UInt64
    let logIndex: UInt64
    let from: Address
    let to: Address
    let value: UInt256
    /// The authorization used just before it, when there was one.
    let authorization: AuthorizationKey?
}

extension SimulatedBlock {
    /// Every Transfer on this fork.
    func transfers() -> [SeenTransfer] {
        var found: [SeenTransfer] = []
        var block: SimulatedBlock? = self
        while let current = block {
            if !current.receipts.isEmpty { found = current.ownTransfers() + found }
            block = current.parent
        }
        return found
    }

    /// The Transfers in this block.
    func ownTransfers() -> [SeenTransfer] {
        self.receipts.filter(\.isGood).flatMap { receipt -> [SeenTransfer] in
            var found: [SeenTransfer] = []
            var used: AuthorizationKey?
            for log in receipt.logs {
                if log.topics.first == EIP3009.authorizationUsedTopic, log.topics.count == 3 {
                    used = Address(log.topics[1]).map { AuthorizationKey(account: $0, nonce: log.topics[2]) }
                }
                guard log.topics.first == ERC20.transferTopic, let from = Address(log.topics[1]), let to = Address(log.topics[2]),
                    let value = UInt256(bigEndian: log.data)
                else { continue }
                found.append(
                    SeenTransfer(
                        transaction: receipt.transaction.hash, sender: receipt.transaction.sender, block: self.number,
                        logIndex: log.index, from: from, to: to, value: value,
                        authorization: used.flatMap { $0.account == from ? $0 : nil }))
            }
            return found
        }
    }
}
