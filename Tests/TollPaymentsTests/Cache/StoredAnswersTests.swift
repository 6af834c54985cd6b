// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollTestKit

@Suite struct StoredAnswersTests {
    /// A settled payment with an answer.
    private static func settled(_ store: MemoryPaymentStore) async throws -> PaymentRecord {
        let claim = SamplePayment.claim(1)
        _ = try await store.claim(claim, at: 100)
        return try await store.append(
            [.answered(SamplePayment.answer(1)), .settled(SamplePayment.settlement(1))], to: claim.id, at: 101)
    }

    @Test func `an answer is read from the ledger once, and then from its copy`() async throws {
        let (store, cache) = (MemoryPaymentStore(), MemoryCache { .seconds(102) })
        let record = try await Self.settled(store)
        let answers = StoredAnswers(store, copies: cache)
        #expect(try await answers.answer(of: record, at: 102) == SamplePayment.answer(1))
        #expect(try await store.pruneAnswers(endedBefore: 1_000) == 1)
        #expect(try await answers.answer(of: record, at: 103) == SamplePayment.answer(1))
        #expect(try await StoredAnswers(store, copies: nil).answer(of: record, at: 103) == nil)
    }

    @Test func `no copy is used when the time of the answer is up`() async throws {
        let (store, cache) = (MemoryPaymentStore(), MemoryCache { .seconds(102) })
        let record = try await Self.settled(store)
        let answers = StoredAnswers(store, copies: cache)
        _ = try await answers.answer(of: record, at: 102)
        _ = try await store.pruneAnswers(endedBefore: 1_000)
        #expect(try await answers.answer(of: record, at: 101 + StoredAnswer.keptSeconds) == nil)
    }

    @Test func `what is no copy is passed over`() async throws {
        let (store, cache) = (MemoryPaymentStore(), MemoryCache { .seconds(102) })
        let record = try await Self.settled(store)
        let key = "answer/\(record.id)/1/100"
        for value in [[], Array("{}\n".utf8), Array("no line".utf8)] {
            await cache.setValue(value, for: key, seconds: 60)
            #expect(try await StoredAnswers(store, copies: cache).answer(of: record, at: 102) == SamplePayment.answer(1))
        }
    }
}
