// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// A Transfer of a token, and where it is.
public struct TransferLog: Hashable, Sendable {
    /// What moved.
    public let transfer: ERC20.Transfer
    /// The transaction.
    public let transaction: Bytes32
    /// The block.
    public let block: UInt64
    /// The block's hash; nil where the node does not tell.
    public let blockHash: Bytes32?
    /// The log's place in the block.
    public let logIndex: UInt64

    /// A Transfer by all its fields.
    public init(transfer: ERC20.Transfer, transaction: Bytes32, block: UInt64, blockHash: Bytes32?, logIndex: UInt64) {
        self.transfer = transfer
        self.transaction = transaction
        self.block = block
        self.blockHash = blockHash
        self.logIndex = logIndex
    }

    /// Nil for what is no Transfer, is in no block yet, or in one that was undone.
    public init?(_ log: Log) {
        guard !log.isRemoved, let transfer = ERC20.Transfer(log), let transaction = log.transactionHash,
            let block = log.blockNumber, let logIndex = log.logIndex
        else { return nil }
        self.init(
            transfer: transfer, transaction: transaction, block: block, blockHash: log.blockHash, logIndex: logIndex)
    }
}

extension LogFilter {
    /// Transfers of `tokens` in `blocks`, from and to these accounts; from or to anybody where none are named.
    public static func transfers(
        of tokens: some Sequence<Address>, from senders: some Sequence<Address> = [], to recipients: some Sequence<Address> = [],
        in blocks: ClosedRange<UInt64>
    ) -> LogFilter {
        var topics = [[ERC20.transferTopic], senders.map(\.word), recipients.map(\.word)]
        while topics.last?.isEmpty == true { topics.removeLast() }
        return LogFilter(
            addresses: Array(tokens), topics: topics, from: .number(blocks.lowerBound), to: .number(blocks.upperBound))
    }
}
