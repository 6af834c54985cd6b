// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollPayments
import TollPrimitives

/// A Transfer of a transaction, by its place among the transaction's logs: wherever a reorganisation puts it.
struct LogPlace: Hashable, Sendable {
    let transaction: Bytes32
    let position: Int

    init(transaction: Bytes32, position: Int) {
        self.transaction = transaction
        self.position = position
    }

    /// The one that a deposit says it is made of.
    init?(_ claim: Claim) {
        guard claim.key.isDeposit, let hash = claim.payload["txHash"]?.string.flatMap({ Bytes32(hex: $0) }),
            let position = claim.payload["position"].flatMap({ Int($0.text) })
        else { return nil }
        self.init(transaction: hash, position: position)
    }
}

/// A Transfer that nobody's authorization made, as a block has it.
struct Arrival: Hashable, Sendable {
    let place: LogPlace
    let from: Address
    let to: Address
    let value: UInt256
    let block: UInt64
    let blockHash: Bytes32
    let logIndex: UInt64
    /// Seconds since 1970.
    let time: UInt64
}

extension SimulatedBlock {
    /// Those in this block.
    func arrivals() -> [Arrival] {
        self.receipts.filter(\.isGood).flatMap { receipt -> [Arrival] in
            let authorizers = Set(
                receipt.logs.compactMap { log in
                    log.topics.first == EIP3009.authorizationUsedTopic
                        ? log.topics.dropFirst().first.flatMap { Address($0) } : nil
                })
            return receipt.logs.enumerated().compactMap { position, log in
                guard log.topics.first == ERC20.transferTopic, let from = Address(log.topics[1]), let to = Address(log.topics[2]),
                    let value = UInt256(bigEndian: log.data), !authorizers.contains(from)
                else { return nil }
                return Arrival(
                    place: LogPlace(transaction: receipt.transaction.hash, position: position), from: from, to: to, value: value,
                    block: self.number, blockHash: self.hash, logIndex: log.index, time: self.timestamp)
            }
        }
    }
}
