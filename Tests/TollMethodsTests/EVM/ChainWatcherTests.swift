// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollEVM
import TollPayments
import TollPrimitives
import TollRuntime
import TollTestKit

@testable import TollMethods

/// What the chain does to payments that have ended.
@Suite struct ChainWatcherTests {
    private static func watcher(_ stand: ExactStand) -> ChainWatcher {
        ChainWatcher(networks: [stand.network], store: stand.store, environment: stand.time.environment, log: .silent)
    }

    private static func settled(_ stand: ExactStand, _ nonce: Int = 1) async throws -> PaymentRecord {
        let record = try await stand.claimed(ExactStand.payload(nonce: nonce))
        guard case .settled = try await stand.settle(record) else { throw ExactStand.Unverified() }
        return record
    }

    @Test func `a settlement whose block is still there stays, and is asked for once`() async throws {
        let stand = ExactStand()
        stand.chain.finalityDepth = 50
        let record = try await Self.settled(stand)
        let watcher = Self.watcher(stand)
        for _ in 0..<3 { await watcher.watch() }
        #expect(try await stand.phase(record) == .settled)
        stand.chain.finalityDepth = 0
        for _ in 0..<2 {
            await watcher.watch()
            stand.time.advance(by: .seconds(60))
        }
        await watcher.watch()
        let asked = stand.chain.methods.count
        await watcher.watch()
        // The newest and the final block, twice: of authorizations too.
        #expect(stand.chain.methods.count - asked == 3)
    }

    @Test func `a ledger that was never watched is not read from its first payment on`() async throws {
        let stand = ExactStand()
        let record = try await Self.settled(stand)
        for _ in 0..<1_000 { stand.chain.mine() }
        stand.chain.finalityDepth = 10
        let reads = CountingStore(wrapped: stand.store)
        let watcher = ChainWatcher(
            networks: [stand.network], store: reads, environment: stand.time.environment, log: .silent)
        await watcher.watch()
        #expect(reads.found.isEmpty, "its block lies deeper than any that can be undone")
        #expect(try await stand.phase(record) == .settled)
        let young = try await Self.settled(stand, 2)
        await watcher.watch()
        #expect(reads.found == [young.id])
    }

    @Test func `the mark stands where the chain was final a minute ago`() async throws {
        let stand = ExactStand()
        let watcher = Self.watcher(stand)
        stand.chain.mine(blocks: 20)
        let first = Int64(stand.chain.block)
        await watcher.watch()
        #expect(try await stand.store.mark(.finalized(stand.network.chain)) == nil)
        stand.chain.mine(blocks: 10)
        stand.time.advance(by: .seconds(59))
        await watcher.watch()
        #expect(try await stand.store.mark(.finalized(stand.network.chain)) == nil)
        stand.time.advance(by: .seconds(1))
        await watcher.watch()
        #expect(try await stand.store.mark(.finalized(stand.network.chain)) == first)
        stand.time.advance(by: .seconds(60))
        await watcher.watch()
        #expect(try await stand.store.mark(.finalized(stand.network.chain)) == first + 10)
    }

    /// A reorganisation took it, and a node that has not seen that yet tells of it again when others call its block final.
    @Test func `a settlement that a node which is behind tells of once more vanishes once more`() async throws {
        let stand = ExactStand()
        let record = try await Self.settled(stand)
        let told = try #require(try await stand.store.record(record.id)?.settlement)
        let watcher = Self.watcher(stand)
        stand.chain.finalityDepth = 50
        await watcher.watch()
        stand.chain.reorganise(depth: 1, returnsTransactions: false)
        stand.time.advance(by: .seconds(15))
        await watcher.watch()
        #expect(try await stand.phase(record) == .unknown)
        stand.chain.finalityDepth = 0
        stand.time.advance(by: .seconds(15))
        await watcher.watch()
        try await stand.store.append([.settled(told)], to: record.id, at: ExactStand.now)
        stand.time.advance(by: .seconds(15))
        await watcher.watch()
        #expect(try await stand.phase(record) == .unknown)
    }

    /// The second block's hash is of the new fork; the first one's, known from before, is not.
    @Test func `a reorganisation while blocks are asked for hides none of them`() async throws {
        let stand = ExactStand()
        stand.chain.finalityDepth = 50
        let first = try await Self.settled(stand, 1)
        let watcher = Self.watcher(stand)
        await watcher.watch()
        let second = try await Self.settled(stand, 2)
        let block = try #require(try await stand.store.record(second.id)?.settlement?.block)
        let chain = stand.chain
        let hasForked = Mutex(false)
        chain.setFault { method, params in
            guard method == "eth_getBlockByNumber", params.first?.string == UInt256(block).hexQuantity,
                hasForked.withLock({ hasForked in
                    defer { hasForked = true }
                    return !hasForked
                })
            else { return nil }
            chain.reorganise(depth: 2, returnsTransactions: false)
            return nil
        }
        for _ in 0..<3 { await watcher.watch() }
        #expect(try await stand.phase(first) == .unknown)
        #expect(try await stand.phase(second) == .unknown)
    }

    @Test(arguments: [true, false])
    func `a settlement that vanishes is sent again and found in another block`(isForgotten: Bool) async throws {
        let stand = ExactStand(sleepPasses: false)
        stand.chain.finalityDepth = 50
        let record = try await Self.settled(stand)
        let first = try #require(try await stand.store.record(record.id)?.settlement)
        let watcher = Self.watcher(stand)
        await watcher.watch()
        stand.chain.isMining = false
        stand.chain.reorganise(depth: 1, returnsTransactions: !isForgotten)
        await watcher.watch()
        #expect(try await stand.phase(record) == .unknown)
        #expect(try await stand.events(record).last == "vanished")
        stand.chain.isMining = true
        if !isForgotten { stand.chain.mine() }
        stand.time.advance(by: .seconds(PaymentRecord.leaseSeconds))  // Nobody else is at work on it any more.
        try await stand.withBackground { () async throws in
            await stand.exact.recovery.takeUp()
            let isSettled = try await stand.eventually { try await stand.phase(record) == .settled }
            #expect(isSettled)
        }
        let second = try #require(try await stand.store.record(record.id)?.settlement)
        #expect(second.transaction == first.transaction && second.blockHash != first.blockHash)
        #expect(stand.chain.transferCount == 1)
        await watcher.watch()
        #expect(try await stand.phase(record) == .settled)
    }

    @Test func `a settlement that vanishes for good fails when its authorization has ended`() async throws {
        let stand = ExactStand(sleepPasses: false)
        stand.chain.finalityDepth = 50
        let record = try await Self.settled(stand)
        stand.chain.reorganise(depth: 1, returnsTransactions: false)
        stand.time.advance(by: .seconds(130))
        await Self.watcher(stand).watch()
        try await stand.withBackground { () async throws in
            await stand.exact.recovery.takeUp()
            let isFailed = try await stand.eventually { try await stand.phase(record) == .failed }
            #expect(isFailed)
        }
        #expect(stand.chain.transferCount == 0)
    }

    @Test func `a node that does not know the block says nothing against it`() async throws {
        let stand = ExactStand()
        let record = try await Self.settled(stand)
        stand.chain.finalityDepth = 50
        let behind = stand.chain.block - 1
        stand.chain.setFault { method, params in
            guard method == "eth_getBlockByNumber" else { return nil }
            guard params.first?.string == "latest" else { return .result(.null) }
            return .result([
                "number": .string(UInt256(behind).hexQuantity), "hash": .string(Bytes32.zero.description),
                "parentHash": .string(Bytes32.zero.description), "timestamp": "0x6b49d200",
            ])
        }
        await Self.watcher(stand).watch()
        #expect(try await stand.phase(record) == .settled)
    }

    @Test func `an authorization that somebody uses after it was given up has paid, and is owed`() async throws {
        let stand = ExactStand()
        let released = try await stand.claimed(ExactStand.payload(nonce: 1))
        let served = try await stand.claimed(ExactStand.payload(nonce: 2))
        let unused = try await stand.claimed(ExactStand.payload(nonce: 3))
        try await stand.store.append([.released(reason: "502")], to: released.id, at: ExactStand.now)
        try await stand.store.append([.failed(PaymentRefusal("transaction_failed")), .served], to: served.id, at: ExactStand.now)
        for record in [released, served] { _ = stand.chain.submit(payload: record.claim.payload) }
        let watcher = Self.watcher(stand)
        await watcher.watch()
        #expect(try await stand.phase(released) == .released)
        stand.time.advance(by: .seconds(300))
        await watcher.watch()
        #expect(try await stand.events(released).suffix(2) == ["settled", "owed"])
        #expect(try await stand.events(served).last == "settled")
        #expect(try await stand.phase(unused) == .failed)
        #expect(try await stand.store.mark(.expired(stand.network.chain)) == ExactStand.now + 180)
    }

    /// The Transfer stands in block 1001.
    @Test(arguments: [(1_000, true), (1_001, true), (1_003, true), (1_900, true), (1_901, false)] as [(UInt64, Bool)])
    func `a transfer that a reorganisation put below the claim's block is ours, a final one was there before`(
        _ unusedAtBlock: UInt64, isOurs: Bool
    ) async throws {
        let stand = ExactStand()
        let record = try await stand.claimed(unusedAtBlock: unusedAtBlock)
        try await stand.store.append([.released(reason: "502")], to: record.id, at: ExactStand.now)
        let hash = stand.chain.submit(payload: record.claim.payload)
        stand.chain.mine(blocks: 2_000)
        stand.time.advance(by: .seconds(300))
        await Self.watcher(stand).watch()
        let settlement = try await stand.store.record(record.id)?.settlement
        #expect(settlement?.transaction == (isOurs ? hash?.description : nil))
        #expect(settlement?.block == (isOurs ? 1_001 : nil))
    }
}

/// Notes which payments were read.
private final class CountingStore: WrappingPaymentStore {
    let wrapped: any PaymentStore
    private let state = Mutex<Set<PaymentID>>([])

    init(wrapped: any PaymentStore) {
        self.wrapped = wrapped
    }

    var found: Set<PaymentID> { self.state.withLock { $0 } }

    func records(_ query: PaymentQuery) async throws(StoreError) -> [PaymentRecord] {
        let records = try await self.wrapped.records(query)
        self.state.withLock { $0.formUnion(records.map(\.id)) }
        return records
    }
}
