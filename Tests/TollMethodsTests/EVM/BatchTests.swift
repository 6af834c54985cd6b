// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollEVM
import TollPayments
import TollPrimitives
import TollTestKit

@testable import TollMethods

/// What was served before it was paid is settled together, and one that fails harms no other.
@Suite struct BatchTests {
    private static let poor = PrivateKey(bytes: [UInt8](repeating: 8, count: 32))!

    private static func queue(_ count: Int, in stand: ExactStand) async throws -> [PaymentRecord] {
        stand.chain.mint(UInt256(UInt64(count * 1_000)), to: ExactStand.payer.address)
        var records: [PaymentRecord] = []
        for nonce in 1...count { records.append(try await stand.queued(ExactStand.payload(nonce: nonce))) }
        return records
    }

    private static func settle(_ records: [PaymentRecord], in stand: ExactStand) async throws -> Bool {
        try await stand.eventually {
            for record in records where try await stand.phase(record) != .settled { return false }
            return true
        }
    }

    @Test func `ten payments of one payer at one price are one transaction with ten transfers`() async throws {
        let stand = ExactStand(sleepPasses: false)
        let records = try await Self.queue(10, in: stand)
        try await stand.withBackground { () async throws in
            await stand.exact.deferredSettlement(BatchTerms(size: 10)).settleDue()
            let isSettled = try await Self.settle(records, in: stand)
            #expect(isSettled)
        }
        var settlements: [Settlement] = []
        for record in records {
            let isWhole = try await stand.events(record) == ["claimed", "queued", "served", "signed", "broadcast", "settled"]
            #expect(isWhole)
            settlements.append(try #require(try await stand.store.record(record.id)?.settlement))
        }
        #expect(Set(settlements.map(\.transaction)).count == 1)
        #expect(settlements.map(\.logIndex).sorted() == (0..<10).map { 2 * $0 + 1 })
        #expect(settlements.allSatisfy { !$0.blockHash.isEmpty })
        #expect(stand.chain.transferCount == 10 && stand.chain.transactionCount == 1)
    }

    @Test func `a batch goes when it is full, when its oldest is old, or when an end is near`() {
        let terms = BatchTerms(size: 3, maxAge: .seconds(30))
        func waiting(_ number: Int, at time: Int64, validBefore: Int64 = 1_000) -> PaymentTerms {
            PaymentTerms(SamplePayment.claim(number).id, claimedAt: time, validBefore: validBefore)
        }
        let two = [waiting(1, at: 100), waiting(2, at: 110)]
        #expect(!terms.isDue(two, at: 129))
        #expect(terms.isDue(two, at: 130))
        #expect(terms.isDue(two + [waiting(3, at: 111)], at: 112))
        #expect(terms.isDue([waiting(1, at: 100, validBefore: 171)], at: 111))
        #expect(!terms.isDue([waiting(1, at: 100, validBefore: 172)], at: 111))
    }

    @Test func `who has no money is left out, tried again, and paid when it has some`() async throws {
        let stand = ExactStand(sleepPasses: false)
        stand.chain.mint(1_000, to: Self.poor.address)
        var records = try await Self.queue(3, in: stand)
        let poor = try await stand.queued(ExactStand.payload(nonce: 9, from: Self.poor.address, key: Self.poor))
        stand.chain.mint(0, to: Self.poor.address)
        let service = stand.exact.deferredSettlement(BatchTerms(size: 4))
        try await stand.withBackground { () async throws in
            await service.settleDue()
            let isSettled = try await Self.settle(records, in: stand)
            #expect(isSettled)
            let isQueued = try await stand.phase(poor) == .queued
            #expect(isQueued)
            stand.chain.mint(1_000, to: Self.poor.address)
            stand.time.advance(by: .seconds(40))
            await service.settleDue()
            records.append(poor)
            let isPaid = try await Self.settle(records, in: stand)
            #expect(isPaid)
        }
        #expect(stand.chain.transferCount == 4)
    }

    @Test func `who never has the money fails when its authorization ends`() async throws {
        let stand = ExactStand(sleepPasses: false)
        stand.chain.mint(1_000, to: Self.poor.address)
        let poor = try await stand.queued(ExactStand.payload(nonce: 9, from: Self.poor.address, key: Self.poor))
        stand.chain.mint(0, to: Self.poor.address)
        stand.time.advance(by: .seconds(130))
        try await stand.withBackground { () async throws in
            await stand.exact.deferredSettlement().settleDue()
            let isFailed = try await stand.eventually { try await stand.phase(poor) == .failed }
            #expect(isFailed)
        }
        #expect(try await stand.store.record(poor.id)?.isUnpaid == true)
        #expect(stand.chain.transactionCount == 0)
    }

    @Test func `a call that fails in a mined batch returns to the queue, the others are settled`() async throws {
        let stand = ExactStand(sleepPasses: false)
        stand.chain.mint(1_000, to: Self.poor.address)
        let records = try await Self.queue(2, in: stand)
        let poor = try await stand.queued(ExactStand.payload(nonce: 9, from: Self.poor.address, key: Self.poor))
        stand.chain.isMining = false
        try await stand.withBackground { () async throws in
            await stand.exact.deferredSettlement(BatchTerms(size: 3)).settleDue()
            #expect(await stand.eventually { !stand.chain.waiting.isEmpty })
            stand.chain.mint(0, to: Self.poor.address)
            stand.chain.mine()
            let isSettled = try await Self.settle(records, in: stand)
            #expect(isSettled)
            let isQueued = try await stand.eventually { try await stand.phase(poor) == .queued }
            #expect(isQueued)
        }
        #expect(try await stand.events(poor).suffix(2) == ["broadcast", "returned"])
    }

    @Test func `a batch over the gas limit is halved, at last to payments alone`() async throws {
        for (gas, transactions) in [(UInt64(150_000), 2), (60_000, 4)] {
            var limits = ExactEVMNetwork.Limits()
            limits.batchGas = gas
            let stand = ExactStand(limits: limits, sleepPasses: false)
            let records = try await Self.queue(4, in: stand)
            try await stand.withBackground { () async throws in
                await stand.exact.deferredSettlement(BatchTerms(size: 4)).settleDue()
                let isSettled = try await Self.settle(records, in: stand)
                #expect(isSettled)
            }
            #expect(stand.chain.transferCount == 4 && stand.chain.transactionCount == transactions)
        }
    }

    @Test func `a batch that reverts when it is mined is halved and sent again`() async throws {
        let stand = ExactStand(sleepPasses: false)
        let records = try await Self.queue(4, in: stand)
        stand.chain.isMining = false
        try await stand.withBackground { () async throws in
            await stand.exact.deferredSettlement(BatchTerms(size: 4)).settleDue()
            #expect(await stand.eventually { !stand.chain.waiting.isEmpty })
            stand.chain.gasPerTransfer = 90_000  // More than it was signed with.
            stand.chain.mine()
            stand.chain.isMining = true
            let isSettled = try await Self.settle(records, in: stand)
            #expect(isSettled)
        }
        #expect(stand.chain.transferCount == 4 && stand.chain.transactionCount == 3)
    }

    @Test func `a queue is emptied before the process stops`() async throws {
        let stand = ExactStand(sleepPasses: false)
        let records = try await Self.queue(5, in: stand)
        try await stand.withBackground { () async throws in
            await stand.exact.deferredSettlement(BatchTerms(size: 2, maxAge: .seconds(3_600))).flush()
            let isSettled = try await Self.settle(records, in: stand)
            #expect(isSettled)
        }
        #expect(stand.chain.transactionCount == 3)
    }

    @Test func `who paid before is served by what was read of it, and no node is asked`() async throws {
        let stand = ExactStand(sleepPasses: false)
        let credential = ExactStand.credential()
        guard case .valid(let first) = await stand.exact.verify(credential, at: ExactStand.now, freshness: .recent) else {
            Issue.record("not valid")
            return
        }
        #expect(first.spendable == 5_000)
        let asked = stand.chain.methods.count
        let next = ExactStand.credential(ExactStand.payload(nonce: 2))
        #expect(await stand.exact.verify(next, at: ExactStand.now, freshness: .recent) != .unavailable(reason: ""))
        #expect(stand.chain.methods.count == asked)
        let forged = ExactStand.credential(ExactStand.payload(nonce: 3, key: Self.poor))
        guard case .invalid(let refusal, _, _) = await stand.exact.verify(forged, at: ExactStand.now, freshness: .recent) else {
            Issue.record("a forged signature is taken")
            return
        }
        #expect(refusal.reason == "invalid_exact_evm_payload_signature")
        #expect(stand.chain.methods.count == asked)
        stand.time.advance(by: .seconds(6))
        _ = await stand.exact.verify(next, at: ExactStand.now, freshness: .recent)
        #expect(stand.chain.methods.count > asked)
    }
}
