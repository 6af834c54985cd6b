// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollPayments
internal import TollPrimitives

extension PaymentStoreConformance {
    static func batchIsAllOrNothing(_ store: any PaymentStore) async throws {
        for number in 1...3 { _ = try await self.claimFirst(store, SamplePayment.claim(number)) }
        let before = try await store.records(PaymentQuery(limit: 10))
        let bad = [
            LedgerEntry(SamplePayment.claim(1).id, [.signed(SamplePayment.transaction(1))]),
            LedgerEntry(SamplePayment.claim(2).id, [.broadcast]),
        ]
        do throws(StoreError) {
            try await store.append(bad, at: 101)
            throw StoreError.unavailable("an illegal event was written")
        } catch {
            try self.expect(error.isDefect, "a batch with an illegal event is refused as a defect: \(error.reason)")
        }
        try self.expect(try await store.records(PaymentQuery(limit: 10)), is: before, "the payments after a refused batch")
        let good = (1...3).map { LedgerEntry(SamplePayment.claim($0).id, [.signed(SamplePayment.transaction(1)), .broadcast]) }
        let after = try await store.append(good, at: 102)
        try self.expect(after.map(\.phase), is: [.broadcast, .broadcast, .broadcast], "the phases after a batch")
        try self.expect(after.map(\.id), is: good.map(\.payment), "the order of the records")
    }

    private static let account = SignerAccount(network: SamplePayment.asset.network, address: "0xSigner", chainCount: 7)

    /// Signs with whatever number it is given.
    private static func signed(_ payment: Int, _ number: UInt64) -> [LedgerEntry] {
        let transaction = SettlementTransaction(
            hash: SamplePayment.hash(payment), raw: [1], signer: self.account.address, nonce: number)
        return [LedgerEntry(SamplePayment.claim(payment).id, [.answered(SamplePayment.answer(payment)), .signed(transaction)])]
    }

    static func numbersHaveNoGaps(_ store: any PaymentStore) async throws {
        for number in 1...40 { _ = try await self.claimFirst(store, SamplePayment.claim(number)) }
        let taken = try await withThrowingTaskGroup(of: UInt64?.self) { group in
            for number in 1...40 {
                group.addTask {
                    let records = try await store.sign(as: self.account, at: 101) { self.signed(number, $0) }
                    return records.first?.transaction?.nonce
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        try self.expect(Set(taken.compactMap(\.self)), is: Set(7..<47), "the numbers that forty settlements at once took")
    }

    static func refusedSigningTakesNoNumber(_ store: any PaymentStore) async throws {
        for number in 1...3 { _ = try await self.claimFirst(store, SamplePayment.claim(number)) }
        _ = try await store.sign(as: self.account, at: 101) { self.signed(1, $0) }
        do throws(StoreError) {
            _ = try await store.sign(as: self.account, at: 102) { self.signed(1, $0) }
            throw StoreError.unavailable("a payment was signed for under another number")
        } catch {
            try self.expect(error.isDefect, "signing again under another number is a defect: \(error.reason)")
        }
        let next = try await store.sign(as: self.account, at: 103) { self.signed(2, $0) }
        try self.expect(next.first?.transaction?.nonce, is: 8, "the number after a refused signing")
        let ahead = SignerAccount(network: self.account.network, address: self.account.address, chainCount: 20)
        let skipped = try await store.sign(as: ahead, at: 104) { self.signed(3, $0) }
        try self.expect(skipped.first?.transaction?.nonce, is: 20, "the number when the chain has counted further")
        try self.expect(try await store.answer(SamplePayment.claim(3).id), is: SamplePayment.answer(3), "the answer kept with it")
    }

    static func workIsHandedOutOnce(_ store: any PaymentStore) async throws {
        let network = SamplePayment.asset.network
        for number in 1...30 {
            let claim = SamplePayment.claim(number, policy: .deferred, validBefore: Int64(2_000 - number))
            _ = try await self.claimFirst(store, claim)
            try await store.append([.queued, .served], to: claim.id, at: 101)
        }
        let first = try await store.takeWork(in: [.queued], on: network, limit: 5, leaseSeconds: 30, at: 110)
        try self.expect(first.map(\.claim.validBefore), is: [1_970, 1_971, 1_972, 1_973, 1_974], "the first five to end")
        let shares = try await withThrowingTaskGroup(of: [PaymentID].self) { group in
            for _ in 0..<10 {
                group.addTask {
                    try await store.takeWork(in: [.queued], on: network, limit: 4, leaseSeconds: 30, at: 111).map(\.id)
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        try self.expect(Set(shares).count, is: shares.count, "payments that two callers got: the count of different ones")
        try self.expect(Set(shares).isDisjoint(with: first.map(\.id)), "leased payments stay with whoever has them")
        let rest = try await store.takeWork(in: [.queued], on: network, limit: 99, leaseSeconds: 30, at: 112)
        try self.expect(shares.count + rest.count, is: 25, "payments handed out, in all")
        let again = try await store.takeWork(in: [.queued], on: network, limit: 99, leaseSeconds: 30, at: 140)
        try self.expect(again.count, is: 5, "payments whose lease has ended")
        let elsewhere = try await store.takeWork(
            in: [.queued], on: ChainID(eip155: 1), limit: 99, leaseSeconds: 30, at: 999)
        try self.expect(elsewhere, is: [], "work on another chain")
    }

    static func writingAStepIsALease(_ store: any PaymentStore) async throws {
        let claim = SamplePayment.claim(1)
        _ = try await self.claimFirst(store, claim)
        try await store.append([.signed(SamplePayment.transaction(1))], to: claim.id, at: 1_000)
        let end = 1_000 + PaymentRecord.leaseSeconds
        let network = SamplePayment.asset.network
        let early = try await store.takeWork(in: [.signed], on: network, limit: 9, leaseSeconds: 1, at: end - 1)
        try self.expect(early, is: [], "work that somebody has just written to")
        let late = try await store.takeWork(in: [.signed], on: network, limit: 9, leaseSeconds: 1, at: end)
        try self.expect(late.map(\.id), is: [claim.id], "work whose worker was not heard of since")
    }

    static func marksMoveForward(_ store: any PaymentStore) async throws {
        let (mark, other) = (LedgerMark.finalized(ChainID(eip155: 1)), LedgerMark.expired(ChainID(eip155: 1)))
        try self.expect(try await store.mark(mark), is: nil, "a mark that was never set")
        try await store.setMark(mark, to: 12)
        try await store.setMark(mark, to: 9)
        try self.expect(try await store.mark(mark), is: 12, "a mark after a lower value")
        try self.expect(try await store.mark(other), is: nil, "another mark")
    }
}
