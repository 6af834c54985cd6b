// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollEVM
import TollPayments
import TollPrimitives
import TollTestKit

@testable import TollMethods

/// Stuck, dear, deep, taken over, refused: settlement where the chain is no friend.
@Suite struct SettlementLimitsTests {
    private static func isSettled(_ outcome: SettlementOutcome) -> Bool { if case .settled = outcome { true } else { false } }

    @Test func `a base fee that rises over the offer is followed under the same number`() async throws {
        let stand = ExactStand()
        let record = try await stand.claimed()
        stand.chain.isMining = false
        _ = try await stand.settle(record, patience: .seconds(1))
        stand.chain.baseFee = 50_000_000
        stand.chain.mine()
        stand.chain.isMining = true
        #expect(Self.isSettled(try await stand.settle(record)))
        let transactions = try #require(try await stand.store.record(record.id)?.transactions)
        #expect(transactions.count == 2 && transactions.allSatisfy { $0.nonce == 0 })
        #expect(try await stand.events(record).filter { $0 == "signed" }.count == 2)
        #expect(stand.chain.transferCount == 1)
    }

    @Test func `a transaction that is stuck is replaced after the inclusion time`() async throws {
        let stand = ExactStand()
        let record = try await stand.claimed()
        stand.chain.isMining = false
        _ = try await stand.settle(record, patience: .seconds(70))
        let fees = stand.chain.waiting.map(\.transaction.maxFeePerGas)
        #expect(fees.count == 1 && fees[0] > 3_000_000)
        #expect(try await stand.store.record(record.id)?.transactions.count ?? 0 >= 2)
        stand.chain.mine()
        #expect(Self.isSettled(try await stand.settle(record)))
    }

    @Test func `gas over the limit is waited for, and nothing is signed meanwhile`() async throws {
        var limits = ExactEVMNetwork.Limits()
        limits.feePerGas = 10_000_000
        let stand = ExactStand(limits: limits)
        let record = try await stand.claimed()
        stand.chain.baseFee = 20_000_000
        guard case .unavailable(let reason) = try await stand.settle(record) else {
            Issue.record("settled at any price")
            return
        }
        #expect(reason.contains("gas.max_fee_gwei"))
        #expect(try await stand.phase(record) == .claimed)
        stand.chain.baseFee = 8_000_000
        stand.time.advance(by: .seconds(6))
        #expect(Self.isSettled(try await stand.settle(record)))
        #expect(stand.chain.transactionCount == 1)
    }

    @Test func `a number that somebody else used is left, and another is taken`() async throws {
        let stand = ExactStand()
        let record = try await stand.claimed()
        stand.chain.isMining = false
        _ = try await stand.settle(record, patience: .seconds(1))
        stand.chain.dropWaiting()
        stand.chain.useNumber(of: ExactStand.signer.address)
        stand.chain.isMining = true
        #expect(Self.isSettled(try await stand.settle(record)))
        #expect(try await stand.events(record).contains("returned"))
        #expect(try await stand.store.record(record.id)?.transaction?.nonce == 1)
        #expect(stand.chain.transferCount == 1)
    }

    @Test func `what a stopped process left is taken up by the next, a batch as one`() async throws {
        let stand = ExactStand(sleepPasses: false)
        let records = [
            try await stand.queued(ExactStand.payload(nonce: 1)), try await stand.queued(ExactStand.payload(nonce: 2)),
        ]
        let single = try await stand.claimed(ExactStand.payload(nonce: 3))
        stand.chain.isMining = false
        try await stand.withBackground { () async throws in
            await stand.exact.deferredSettlement(BatchTerms(size: 2)).settleDue()
            #expect(await stand.eventually { stand.chain.waiting.count == 1 })
        }
        _ = await stand.exact.settle(single, patience: .zero)
        stand.chain.dropWaiting()
        stand.chain.isMining = true
        stand.time.advance(by: .seconds(61))
        let next = ExactStand(chain: stand.chain, store: stand.store, sleepPasses: false)
        next.time.advance(by: .seconds(61))
        try await next.withBackground { () async throws in
            await next.exact.recovery.takeUp()
            let areSettled = try await next.eventually {
                for record in records + [single] where try await next.phase(record) != .settled { return false }
                return true
            }
            #expect(areSettled)
        }
        #expect(stand.chain.transferCount == 3 && stand.chain.transactionCount == 2)
    }

    @Test func `larger payments need more depth`() async throws {
        let over = [ExactEVMNetwork.DepthOver(microdollars: 999, confirmations: .finalized)]
        let stand = ExactStand(confirmationsOver: over)
        stand.chain.finalityDepth = 5
        let record = try await stand.claimed()
        guard case .pending = try await stand.settle(record, patience: .seconds(3)) else {
            Issue.record("settled at once")
            return
        }
        stand.chain.mine(blocks: 5)
        #expect(Self.isSettled(try await stand.settle(record)))
        #expect(stand.network.confirmations(for: [ExactStand.option]) == .finalized)
        let equal = ExactEVMNetwork.DepthOver(microdollars: 1_000, confirmations: .finalized)
        #expect(ExactStand(confirmationsOver: [equal]).network.confirmations(for: [ExactStand.option]) == .blocks(1))
    }

    @Test func `a token that is not listed is refused, and the chain is not asked`() async {
        let stand = ExactStand(assets: [.zero])
        #expect(await stand.refusal()?.reason == "invalid_exact_evm_failed_to_get_asset_info")
        #expect(stand.chain.methods.isEmpty)
        #expect(await ExactStand(assets: [SimulatedEVMChain.token]).refusal() == nil)
    }

    @Test func `when the chain does not keep up nothing more is taken`() {
        let table = PursuitTable(limit: 2)
        let numbers = (0..<3).map { PursuitTable.Number(chain: ExactStand.option.network, signer: "0x1", number: $0) }
        #expect(table.begin(numbers[0]) && !table.begin(numbers[0]) && !table.isFull)
        #expect(table.begin(numbers[1]) && table.isFull)
        table.leave(numbers[1])
        #expect(table.isFull && !table.isRunning(numbers[1]) && table.knows(numbers[1]))
        #expect(table.begin(numbers[1]))
        table.end(numbers[1])
        #expect(!table.isFull && !table.knows(numbers[1]))
    }
}
