// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments

extension PaymentStoreConformance {
    static func recordsAreChosenAndOrdered(_ store: any PaymentStore) async throws {
        // Three claims share each second, so that the order among equals shows; every third payment is settled.
        var all: [PaymentRecord] = []
        for number in (0..<30).reversed() {
            let claim = SamplePayment.claim(number)
            var record = try await self.claimFirst(store, claim, at: 100 + Int64(number / 3))
            if number.isMultiple(of: 3) {
                record = try await store.append([.settled(SamplePayment.settlement(number))], to: claim.id, at: 500)
            }
            if number == 10 { record = try await store.append([.released(reason: "x")], to: claim.id, at: 500) }
            all.append(record)
        }
        all.sort { ($0.claimedAt, $0.id.description) < ($1.claimedAt, $1.id.description) }
        let choices: [(phases: Set<PaymentRecord.Phase>, since: Int64, limit: Int)] = [
            ([], 0, 100), ([], .min, 7), ([], 105, 100), ([], 110, 100), ([], 0, 0), ([], 0, -1), ([.claimed], 0, 100),
            ([.settled], 103, 100), ([.settled, .released], 0, 5), ([.released], 0, 100), ([.unknown, .signed], 0, 100),
            (Set(PaymentRecord.Phase.allCases), 0, 100),
        ]
        for (phases, since, limit) in choices {
            let expected = all.filter { (phases.isEmpty || phases.contains($0.phase)) && $0.claimedAt >= since }.prefix(
                max(0, limit)
            )
            let query = PaymentQuery(in: phases, since: since, limit: limit)
            try self.expect(try await store.records(query), is: Array(expected), "\(limit) records in \(phases) since \(since)")
            try self.expect(try await store.terms(query), is: expected.map { PaymentTerms($0) }, "the terms of \(limit) records")
        }
    }

    static func nothingIsLostByReopening(_ harness: any PaymentStoreHarness, _ first: any PaymentStore) async throws {
        var records: [PaymentRecord] = []
        for number in 0..<8 {
            let claim = SamplePayment.claim(number)
            var record = try await self.claimFirst(first, claim)
            for batch in SamplePayment.happyPath(number).prefix(number) {
                record = try await first.append(batch, to: claim.id, at: 101)
            }
            records.append(record)
        }
        let deposit = SamplePayment.deposit(20, for: SamplePayment.referenceHash(1))
        guard case .first(let made) = try await first.deposit(deposit, SamplePayment.settlement(20), reason: "x", at: 101) else {
            throw Failure(description: "a deposit of nobody's Transfer is made")
        }
        var histories: [[TimedEvent]] = []
        for record in records { histories.append(try await first.events(record.id)) }
        try await harness.close(first)

        let second = try await harness.open()
        for (number, record) in records.enumerated() {
            try self.expect(try await second.record(record.id), is: record, "the record after reopening")
            try self.expect(try await second.events(record.id), is: histories[number], "the events after reopening")
            let answer = record.hasAnswer ? SamplePayment.answer(number) : nil
            try self.expect(try await second.answer(record.id), is: answer, "the answer after reopening")
            let held = try await self.claimHeld(second, SamplePayment.claim(number, request: "GET /stolen"))
            try self.expect(held, is: record, "the record that a claim after reopening is shown")
        }
        var deposits = PaymentQuery(limit: 10)
        deposits.depositedFor = SamplePayment.referenceHash(1)
        try self.expect(try await second.records(deposits), is: [made], "the deposits after reopening")
        // A payment goes on where it stood.
        let settled = try await second.append([.settled(SamplePayment.settlement(0))], to: records[0].id, at: 102)
        try self.expect(settled.phase, is: .settled, "the phase of a payment that went on after reopening")
        try self.expect(try await second.pruneAnswers(endedBefore: .max) > 0, "answers kept before are pruned after reopening")
        try await harness.close(second)
    }
}
