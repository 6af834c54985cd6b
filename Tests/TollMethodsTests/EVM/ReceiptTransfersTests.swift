// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollEVM
import TollPayments
import TollPrimitives
import TollTestKit

@testable import TollMethods

/// Which Transfer is whose, in whatever order a token writes its logs.
@Suite struct ReceiptTransfersTests {
    private static func payment(_ nonce: Int) throws -> (PaymentID, ExactEVMPayment) {
        let payment = try ExactEVMPayment(ExactStand.payload(nonce: nonce), option: ExactStand.option)
        return (payment.key.id, payment)
    }

    private static let payer = ExactStand.payer.address

    private static func use(_ nonce: Int) -> (topics: [Bytes32], data: [UInt8]) {
        ([EIP3009.authorizationUsedTopic, self.payer.word, UInt256(UInt64(nonce)).word], [])
    }

    private static func transfer(_ value: UInt256 = 1_000) -> (topics: [Bytes32], data: [UInt8]) {
        ([ERC20.transferTopic, self.payer.word, Address(hex: ExactStand.option.payTo)!.word], value.word.bytes)
    }

    private static func receipt(_ logs: [(topics: [Bytes32], data: [UInt8])], succeeded: Bool = true) -> TransactionReceipt {
        TransactionReceipt(
            transactionHash: .zero, blockNumber: 7, blockHash: .zero, succeeded: succeeded, from: .zero, to: nil, gasUsed: 0,
            effectiveGasPrice: nil,
            logs: logs.enumerated().map { index, log in
                Log(address: SimulatedEVMChain.token, topics: log.topics, data: log.data, logIndex: UInt64(index + 10))
            })
    }

    private static func indexes(_ nonces: [Int], _ receipt: TransactionReceipt) throws -> [UInt64?] {
        let payments = try nonces.map { try self.payment($0) }
        let found = ReceiptTransfers.settlements(of: payments, in: receipt)
        return payments.map { found[$0.0]?.logIndex }
    }

    @Test func `equal payments each have the transfer beside their own nonce`() throws {
        let behind = Self.receipt([Self.use(1), Self.transfer(), Self.use(2), Self.transfer()])
        #expect(try Self.indexes([1, 2], behind) == [11, 13])
        #expect(try Self.indexes([2, 1], behind) == [13, 11])
        #expect(try Self.indexes([2], behind) == [13])
        let before = Self.receipt([Self.transfer(), Self.use(1), Self.transfer(), Self.use(2)])
        #expect(try Self.indexes([1, 2], before) == [10, 12])
        #expect(try Self.indexes([2], before) == [12])
    }

    @Test func `a use that moved nothing takes nobody's transfer`() throws {
        #expect(try Self.indexes([1, 2], Self.receipt([Self.use(1), Self.use(2), Self.transfer()])) == [nil, 12])
        #expect(try Self.indexes([1], Self.receipt([Self.use(1)])) == [nil])
        #expect(try Self.indexes([1, 3], Self.receipt([Self.use(1), Self.transfer()])) == [11, nil])
        #expect(try Self.indexes([3], Self.receipt([Self.use(1), Self.transfer()])) == [nil])
        #expect(try Self.indexes([1], Self.receipt([Self.use(1), Self.transfer(999)])) == [nil])
        #expect(try Self.indexes([1], Self.receipt([Self.use(1), Self.transfer()], succeeded: false)) == [nil])
    }

    @Test func `a transfer without the use of the authorization is somebody else's`() throws {
        #expect(try Self.indexes([1], Self.receipt([Self.transfer()])) == [nil])
        #expect(try Self.indexes([1, 2], Self.receipt([Self.transfer(), Self.transfer()])) == [nil, nil])
    }
}
