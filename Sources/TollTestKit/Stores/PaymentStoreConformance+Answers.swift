// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments

extension PaymentStoreConformance {
    static func answerIsKept(_ store: any PaymentStore) async throws {
        let claim = SamplePayment.claim(1)
        _ = try await self.claimFirst(store, claim)
        try self.expect(try await store.answer(claim.id), is: nil, "the answer before there is one")
        let answer = StoredAnswer(
            status: 206,
            fields: [
                .init(name: "Set-Cookie", value: Array("a=1".utf8)), .init(name: "set-cookie", value: Array("b=2".utf8)),
                .init(name: "X-Latin-1", value: [0xE9, 0x20, 0xFF]), .init(name: "X-Empty", value: []),
            ],
            body: Array(UInt8.min...UInt8.max)
        )
        let record = try await store.append([.answered(answer)], to: claim.id, at: 101)
        try self.expect(record.hasAnswer, "the record says that there is an answer")
        try self.expect(try await store.answer(claim.id), is: answer, "the answer")
        try await store.append([.answered(SamplePayment.answer(2, byteCount: 0))], to: claim.id, at: 102)
        try self.expect(
            try await store.answer(claim.id),
            is: SamplePayment.answer(2, byteCount: 0),
            "the answer that replaced it"
        )
    }

    static func largeAnswerIsKept(_ store: any PaymentStore) async throws {
        let claim = SamplePayment.claim(1)
        _ = try await self.claimFirst(store, claim)
        let answer = SamplePayment.answer(1, byteCount: StoredAnswer.bodyByteCountMax)
        try await store.append([.answered(answer)], to: claim.id, at: 101)
        let kept = try await store.answer(claim.id)
        try self.expect(kept == answer, "an answer of \(answer.body.count) bytes comes back, not \(kept?.body.count ?? -1)")
    }

    static func answerGoesWithItsClaim(_ store: any PaymentStore) async throws {
        let claim = SamplePayment.claim(1)
        _ = try await self.claimFirst(store, claim)
        try await store.append([.answered(SamplePayment.answer(1)), .released(reason: "client gone")], to: claim.id, at: 101)
        try self.expect(try await store.answer(claim.id), is: nil, "the answer after the release")
        let again = try await self.claimFirst(store, claim, at: 102)
        try self.expect(!again.hasAnswer, "a new claim has no answer")
        try self.expect(try await store.answer(claim.id), is: nil, "the answer after a new claim")
        try await store.append([.answered(SamplePayment.answer(2))], to: claim.id, at: 103)
        try self.expect(try await store.answer(claim.id), is: SamplePayment.answer(2), "the new claim's answer")
    }

    static func answersArePrunedAfterTheEnd(_ store: any PaymentStore) async throws {
        let answer = SamplePayment.answer(1)
        // Payments end at 200 + number, but number 5, which does not end. Number 4 is answered after its end, as under `before`.
        for number in 1...5 {
            let id = SamplePayment.claim(number).id
            _ = try await self.claimFirst(store, SamplePayment.claim(number))
            if number < 4 || number == 5 { try await store.append([.answered(answer)], to: id, at: 101) }
            let end: PaymentEvent = number == 2 ? .failed(PaymentRefusal("x")) : .settled(SamplePayment.settlement(number))
            if number < 5 { try await store.append([end], to: id, at: 200 + Int64(number)) }
            if number == 4 { try await store.append([.answered(answer)], to: id, at: 300) }
        }
        try self.expect(try await store.pruneAnswers(endedBefore: 201), is: 0, "the number pruned before the first end")
        try self.expect(try await store.pruneAnswers(endedBefore: 203), is: 2, "the number pruned before the third end")
        try self.expect(try await self.kept(store, 1...5), is: [3, 4, 5], "the answers kept")
        try self.expect(try await store.pruneAnswers(endedBefore: 203), is: 0, "the number pruned a second time")
        try self.expect(try await store.pruneAnswers(endedBefore: .max), is: 2, "the number pruned at last")
        try self.expect(try await self.kept(store, 1...5), is: [5], "the answers of payments that have not ended")
        let record = try self.unwrap(try await store.record(SamplePayment.claim(1).id), "a pruned payment's record")
        try self.expect(record.hasAnswer, "the record still says that there was an answer")
        let late = SamplePayment.claim(6)
        _ = try await self.claimFirst(store, late)
        try await store.append([.settled(SamplePayment.settlement(6)), .answered(answer)], to: late.id, at: 400)
        try await self.expectDefect(store, [.answered(SamplePayment.answer(2))], late.id)
        try self.expect(try await store.answer(late.id), is: answer, "the first answer of a settled payment")
        try self.expect(try await store.pruneAnswers(endedBefore: .max), is: 1, "the number pruned after another answer")
    }

    private static func kept(_ store: any PaymentStore, _ numbers: ClosedRange<Int>) async throws -> [Int] {
        var kept: [Int] = []
        for number in numbers where try await store.answer(SamplePayment.claim(number).id) != nil { kept.append(number) }
        return kept
    }
}
