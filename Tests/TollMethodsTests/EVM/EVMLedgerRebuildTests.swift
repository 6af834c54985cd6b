// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollEVM
import TollMethods
import TollPayments
import TollPrimitives
import TollTestKit

/// A restored ledger is brought up to the chain, so that nobody is served twice for one authorization.
@Suite struct EVMLedgerRebuildTests {
    @Test func `a lost payment is claimed, settled and told, and nothing more`() async throws {
        let stand = LedgerStand()
        let lost = try await stand.settled(1)
        let restored = MemoryPaymentStore()
        let report = try await stand.rebuild(restored)
        #expect(report.added == [lost.id] && report.updated.isEmpty && report.known == 0 && report.transfers == 1)
        let record = try #require(try await restored.record(lost.id))
        #expect(record.phase == .settled && record.claim.dialect == .rebuilt && record.claim.route.isEmpty)
        #expect(record.isTold && !record.isServed && record.debt == nil && record.claim.challengeHash == nil)
        #expect(record.settlement?.transaction == lost.settlement?.transaction)
        #expect(record.settlement?.logIndex == lost.settlement?.logIndex)
        #expect(record.claim.option.amount == 1_000 && record.claim.payer == ExactStand.payer.address.description)
        // Whoever brings the credential again is held off by the claim.
        #expect(try await restored.claim(lost.claim, at: ExactStand.now) == .held(record))
        #expect(try await stand.reconcile(ledger: restored).all.isEmpty)
    }

    @Test func `running it again changes nothing`() async throws {
        let stand = LedgerStand()
        _ = try await stand.settled(1)
        let restored = MemoryPaymentStore()
        _ = try await stand.rebuild(restored)
        let before = try await restored.records(PaymentQuery(limit: 9))
        let report = try await stand.rebuild(restored)
        #expect(report.added.isEmpty && report.updated.isEmpty && report.known == 1)
        #expect(try await restored.records(PaymentQuery(limit: 9)) == before)
    }

    @Test func `a claim without its settlement, left by a crash, is finished`() async throws {
        let stand = LedgerStand()
        let lost = try await stand.settled(1)
        let restored = MemoryPaymentStore()
        _ = try await stand.rebuild(restored)
        let claim = try #require(try await restored.record(lost.id)).claim
        let crashed = MemoryPaymentStore()
        _ = try await crashed.claim(claim, at: ExactStand.now)
        #expect(try await stand.rebuild(crashed).updated == [lost.id])
        let record = try #require(try await crashed.record(lost.id))
        #expect(record.phase == .settled && record.isTold)
    }

    @Test func `a debt is made of what was lost only when the seller says so, once`() async throws {
        let stand = LedgerStand()
        let lost = try await stand.settled(1)
        let restored = MemoryPaymentStore()
        _ = try await stand.rebuild(restored)
        #expect(try await stand.rebuild(restored, owes: true).updated == [lost.id])
        #expect(try await restored.record(lost.id)?.debt?.units == 1_000)
        #expect(try await stand.rebuild(restored, owes: true).updated.isEmpty)
    }

    @Test func `what the ledger has otherwise than the chain is brought up to date`() async throws {
        let stand = LedgerStand()
        let claimed = try await stand.stand.claimed(ExactStand.payload(nonce: 1))
        let failed = try await stand.stand.claimed(ExactStand.payload(nonce: 2))
        _ = try await stand.append([.failed(PaymentRefusal("expired"))], to: failed)
        let moved = try await stand.settled(3)
        _ = try await stand.append([.vanished(reason: "x"), .settled(SamplePayment.settlement(1))], to: moved)
        for nonce in 1...2 { stand.chain.submit(payload: ExactStand.payload(nonce: nonce)) }
        let report = try await stand.rebuild(stand.store)
        #expect(Set(report.updated) == [claimed.id, failed.id, moved.id] && report.added.isEmpty)
        for id in report.updated {
            let record = try #require(try await stand.store.record(id))
            #expect(record.phase == .settled && record.claim.dialect == "x402" && !record.isTold && record.debt == nil)
        }
        #expect(try await stand.reconcile().all.isEmpty)
    }

    @Test func `an untouched debt survives when the place of its payment is corrected`() async throws {
        let stand = LedgerStand()
        let owed = try await stand.settled(1)
        let wrong = SamplePayment.settlement(1)
        _ = try await stand.append([.vanished(reason: "x"), .settled(wrong), .owed(reason: "not delivered")], to: owed)
        _ = try await stand.rebuild(stand.store)
        let record = try #require(try await stand.store.record(owed.id))
        #expect(record.settlement?.transaction == owed.settlement?.transaction && record.debt?.isOpen == true)
    }

    @Test func `transfers without an authorization, to others, or before the block are none of it`() async throws {
        let stand = LedgerStand()
        stand.chain.submit(ERC20.transfer(to: LedgerStand.receiver, value: 5), from: ExactStand.payer.address)
        _ = try await stand.settled(1)
        #expect(try await stand.rebuild(MemoryPaymentStore()).transfers == 1)
        #expect(try await stand.rebuild(MemoryPaymentStore(), from: 1_003).transfers == 0)
        #expect(try await stand.rebuild(MemoryPaymentStore(), from: 9_000).blocks == nil)
    }

    @Test func `transactions of our signers that wait in the pool are named`() async throws {
        let stand = LedgerStand()
        let record = try await stand.stand.claimed()
        stand.chain.isMining = false
        _ = try await stand.stand.settle(record, patience: .seconds(1))
        let report = try await stand.rebuild(MemoryPaymentStore())
        #expect(report.waiting == [ExactStand.signer.address.description: 1])
    }

    @Test func `a ledger or a node that fails stops it`() async throws {
        let stand = LedgerStand()
        _ = try await stand.settled(1)
        stand.chain.setFault { method, _ in method == "eth_getTransactionReceipt" ? .result(.null) : nil }
        await #expect(throws: RPCError.self) { try await stand.rebuild(MemoryPaymentStore()) }
    }
}
