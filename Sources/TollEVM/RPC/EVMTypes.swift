// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// Which state of the chain to look at.
public enum BlockTag: Hashable, Sendable {
    /// The newest block.
    case latest
    /// The newest block and what the node would put into the next.
    case pending
    /// The newest block that is unlikely to be undone.
    case safe
    /// The newest block that cannot be undone.
    case finalized
    /// A block by its number.
    case number(UInt64)
}

/// What is needed of a block.
public struct Block: Hashable, Sendable {
    /// Its number.
    public let number: UInt64
    /// Its hash.
    public let hash: Bytes32
    /// The hash of the block before.
    public let parentHash: Bytes32
    /// Seconds since 1970.
    public let timestamp: UInt64
    /// Wei per gas; nil on chains without EIP-1559.
    public let baseFeePerGas: UInt256?

    /// A block of these members.
    public init(number: UInt64, hash: Bytes32, parentHash: Bytes32, timestamp: UInt64, baseFeePerGas: UInt256?) {
        self.number = number
        self.hash = hash
        self.parentHash = parentHash
        self.timestamp = timestamp
        self.baseFeePerGas = baseFeePerGas
    }
}

/// What `eth_call` and `eth_estimateGas` execute.
public struct CallMessage: Hashable, Sendable {
    /// The sender; the zero address when nil.
    public var from: Address?
    /// The contract.
    public var to: Address
    /// Calldata.
    public var data: [UInt8]
    /// Wei sent along.
    public var value: UInt256
    /// The most gas it may use; the node's own limit when nil.
    public var gas: UInt64?

    /// A call of these members.
    public init(from: Address? = nil, to: Address, data: [UInt8], value: UInt256 = 0, gas: UInt64? = nil) {
        self.from = from
        self.to = to
        self.data = data
        self.value = value
        self.gas = gas
    }
}

/// What a contract wrote while a transaction ran.
public struct Log: Hashable, Sendable {
    /// The contract.
    public let address: Address
    /// The event and its indexed members, at most four.
    public let topics: [Bytes32]
    /// The other members.
    public let data: [UInt8]
    /// The block; nil while pending.
    public let blockNumber: UInt64?
    /// The block's hash; nil while pending.
    public let blockHash: Bytes32?
    /// The transaction.
    public let transactionHash: Bytes32?
    /// The log's place in the block.
    public let logIndex: UInt64?
    /// Whether the block was undone.
    public let isRemoved: Bool

    /// A log of these members.
    public init(
        address: Address,
        topics: [Bytes32],
        data: [UInt8],
        blockNumber: UInt64? = nil,
        blockHash: Bytes32? = nil,
        transactionHash: Bytes32? = nil,
        logIndex: UInt64? = nil,
        isRemoved: Bool = false
    ) {
        self.address = address
        self.topics = topics
        self.data = data
        self.blockNumber = blockNumber
        self.blockHash = blockHash
        self.transactionHash = transactionHash
        self.logIndex = logIndex
        self.isRemoved = isRemoved
    }
}

/// Which logs to look for.
public struct LogFilter: Hashable, Sendable {
    /// The contracts; any when empty.
    public var addresses: [Address]
    /// By place, the words wanted there; any when empty.
    public var topics: [[Bytes32]]
    /// The first block.
    public var from: BlockTag
    /// The last block, included.
    public var to: BlockTag

    /// A filter of these members.
    public init(addresses: [Address], topics: [[Bytes32]], from: BlockTag, to: BlockTag) {
        self.addresses = addresses
        self.topics = topics
        self.from = from
        self.to = to
    }
}

/// What became of a transaction in a block.
public struct TransactionReceipt: Hashable, Sendable {
    /// The transaction.
    public let transactionHash: Bytes32
    /// The block it is in.
    public let blockNumber: UInt64
    /// That block's hash.
    public let blockHash: Bytes32
    /// Whether it ran to its end; false when it reverted.
    public let succeeded: Bool
    /// Who sent it.
    public let from: Address
    /// Whom it called; nil when it created a contract.
    public let to: Address?
    /// Gas used.
    public let gasUsed: UInt64
    /// Wei paid per gas; nil where the node does not tell.
    public let effectiveGasPrice: UInt256?
    /// What the contracts wrote.
    public let logs: [Log]

    /// A receipt of these members.
    public init(
        transactionHash: Bytes32,
        blockNumber: UInt64,
        blockHash: Bytes32,
        succeeded: Bool,
        from: Address,
        to: Address?,
        gasUsed: UInt64,
        effectiveGasPrice: UInt256?,
        logs: [Log]
    ) {
        self.transactionHash = transactionHash
        self.blockNumber = blockNumber
        self.blockHash = blockHash
        self.succeeded = succeeded
        self.from = from
        self.to = to
        self.gasUsed = gasUsed
        self.effectiveGasPrice = effectiveGasPrice
        self.logs = logs
    }
}

/// A transaction that a node knows.
public struct TransactionInfo: Hashable, Sendable {
    /// Its hash.
    public let hash: Bytes32
    /// Who sent it.
    public let from: Address
    /// Whom it calls; nil when it creates a contract.
    public let to: Address?
    /// The sender's count of transactions before.
    public let nonce: UInt64
    /// Wei sent along.
    public let value: UInt256
    /// Calldata.
    public let input: [UInt8]
    /// The block it is in; nil while it waits.
    public let blockNumber: UInt64?
    /// That block's hash.
    public let blockHash: Bytes32?

    /// A transaction of these members.
    public init(
        hash: Bytes32,
        from: Address,
        to: Address?,
        nonce: UInt64,
        value: UInt256,
        input: [UInt8],
        blockNumber: UInt64?,
        blockHash: Bytes32?
    ) {
        self.hash = hash
        self.from = from
        self.to = to
        self.nonce = nonce
        self.value = value
        self.input = input
        self.blockNumber = blockNumber
        self.blockHash = blockHash
    }
}

/// What recent blocks cost.
public struct FeeHistory: Hashable, Sendable {
    /// The first block.
    public let oldestBlock: UInt64
    /// Wei per gas, one per block and one more for the next.
    public let baseFeePerGas: [UInt256]
    /// By block, the tips at the percentiles asked for, in wei per gas; empty when none were asked.
    public let reward: [[UInt256]]

    /// A history of these members.
    public init(
        oldestBlock: UInt64,
        baseFeePerGas: [UInt256],
        reward: [[UInt256]]
    ) {
        self.oldestBlock = oldestBlock
        self.baseFeePerGas = baseFeePerGas
        self.reward = reward
    }
}
