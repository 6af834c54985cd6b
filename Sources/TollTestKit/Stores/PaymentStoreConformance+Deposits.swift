// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives

/// Money that arrives by itself.
extension PaymentStoreConformance {
    private static let waits = "awaits its call"

    @discardableResult
    private static func deposit(
        _ store: any PaymentStore, _ number: Int, for reference: Int, amount: UInt256 = 1_000,
        asset: Asset = SamplePayment.asset, payer: String = SamplePayment.payer, at time: Int64 = 100
    ) async throws -> PaymentRecord {
        let claim = SamplePayment.deposit(
            number, for: SamplePayment.referenceHash(reference), amount: amount, asset: asset, payer: payer)
        let outcome = try await store.deposit(claim, SamplePayment.settlement(number), reason: self.waits, at: time)
        guard case .first(let record) = outcome else { throw Failure(description: "deposit \(number) came to \(outcome)") }
        return record
    }

    private static func units(_ store: any PaymentStore, _ deposit: PaymentRecord) async throws -> UInt256? {
        try await store.record(deposit.id)?.debt?.units
    }

    static func depositIsMadeOnce(_ store: any PaymentStore) async throws {
        let claim = SamplePayment.deposit(1, for: SamplePayment.referenceHash(1))
        let outcomes = try await withThrowingTaskGroup(of: ClaimOutcome.self) { group in
            for number in 1...8 {
                group.addTask {
                    try await store.deposit(claim, SamplePayment.settlement(number), reason: self.waits, at: 100)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let made = outcomes.compactMap { if case .first(let record) = $0 { record } else { nil } }
        try self.expect(made.count, is: 1, "deposits of one Transfer")
        try self.expect(outcomes.count { $0 == .held(made[0]) }, is: 7, "those who found it deposited, and see it")
        try self.expect(made[0].phase, is: .settled, "the phase of a deposit")
        try self.expect(made[0].debt?.units, is: 1_000, "what is owed for it")
        let names = try await store.events(claim.id).map(\.event.name)
        try self.expect(names, is: ["claimed", "settled", "owed"], "what happened to it")
        try self.expect(try await store.record(claim.id), is: made[0], "the record that is read")
        // What has happened to it since stays.
        let drawn = try await store.append([.drawn(units: 400, by: SamplePayment.claim(9).id)], to: claim.id, at: 101)
        try self.expect(
            try await store.deposit(claim, SamplePayment.settlement(1), reason: self.waits, at: 102), is: .held(drawn),
            "the same Transfer later")
        // The same log of another's is another payment; a claim of the same key is not.
        let held = try await self.claimHeld(store, claim, at: 103)
        try self.expect(held, is: drawn, "a claim of what was deposited")
    }

    static func depositBuysForItsReferenceOnly(_ store: any PaymentStore) async throws {
        let (mine, other) = (SamplePayment.referenceHash(1), SamplePayment.referenceHash(2))
        let first = try await self.deposit(store, 1, for: 1, amount: 600, at: 100)
        let strangers = try await self.deposit(store, 2, for: 2, amount: 1_000, at: 101)
        let elsewhere = try await self.deposit(store, 3, for: 1, amount: 900, asset: SamplePayment.otherAsset, at: 102)
        let call = SamplePayment.call(of: mine)
        try self.expect(try await store.spendCredit(call, at: 110), is: .insufficient, "what is underpaid")
        // Topped up by somebody else, and one call presented by many at once.
        let friend = "0x00000000000000000000000000000000000000AA"
        let topUp = try await self.deposit(store, 4, for: 1, amount: 700, payer: friend, at: 103)
        let outcomes = try await withThrowingTaskGroup(of: CreditOutcome.self) { group in
            for _ in 0..<8 { group.addTask { try await store.spendCredit(call, at: 120) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        try self.expect(outcomes.count { if case .first = $0 { true } else { false } }, is: 1, "calls that were bought")
        try self.expect(outcomes.count { if case .held = $0 { true } else { false } }, is: 7, "those who found it bought")
        try self.expect(try await self.units(store, first), is: 0, "what is left of the older deposit")
        try self.expect(try await self.units(store, topUp), is: 300, "what is left of the newer one")
        try self.expect(try await self.units(store, strangers), is: 1_000, "what was sent for another reference")
        try self.expect(try await self.units(store, elsewhere), is: 900, "what was sent in another token")
        // Whoever calls first is served: the payer's name is no part of what a reference buys.
        let stolen = SamplePayment.call(of: mine, payer: "0x00000000000000000000000000000000000000BB")
        guard case .held = try await store.spendCredit(stolen, at: 121) else {
            throw Failure(description: "one reference buys one call, whoever shows it")
        }
        let stranger = SamplePayment.call(of: other, amount: 1_001)
        try self.expect(try await store.spendCredit(stranger, at: 122), is: .insufficient, "more than was sent")
    }

    static func depositIsThePayersCredit(_ store: any PaymentStore) async throws {
        let deposit = try await self.deposit(store, 1, for: 1, amount: 1_500)
        _ = try await store.spendCredit(SamplePayment.call(of: SamplePayment.referenceHash(1)), at: 110)
        guard case .first = try await store.spendCredit(SamplePayment.claim(2, dialect: .credit, amount: 500), at: 111) else {
            throw Failure(description: "what is left of a deposit is credit of whoever sent it")
        }
        try self.expect(try await self.units(store, deposit), is: 0, "what is left of the deposit")
        let late = SamplePayment.call(of: SamplePayment.referenceHash(1), amount: 1)
        guard case .held = try await store.spendCredit(late, at: 112) else { throw Failure(description: "a reference buys once") }
    }

    static func depositsAreFoundByReference(_ store: any PaymentStore) async throws {
        var all: [PaymentRecord] = []
        for number in 0..<12 {
            all.append(try await self.deposit(store, number, for: number % 3, at: 100 + Int64(number / 2)))
        }
        _ = try await self.claimFirst(store, SamplePayment.claim(50))
        for reference in 0..<4 {
            var query = PaymentQuery(limit: 100)
            query.depositedFor = SamplePayment.referenceHash(reference)
            let expected = all.filter { $0.claim.depositedFor == query.depositedFor }
                .sorted { PaymentQuery.Cursor($0) < PaymentQuery.Cursor($1) }
            try self.expect(try await store.records(query), is: expected, "deposits for reference \(reference)")
            query.phases = [.settled]
            query.payer = SamplePayment.payer
            try self.expect(try await store.records(query), is: expected, "settled ones of the payer")
            query.after = expected.first.map(PaymentQuery.Cursor.init)
            query.limit = 2
            let page = Array(expected.dropFirst().prefix(2))
            try self.expect(try await store.records(query), is: page, "the second page of them")
            query.phases = [.claimed, .unknown]
            try self.expect(try await store.records(query), is: [], "those that are not settled")
        }
    }

    static func vanishedDepositBuysNothing(_ store: any PaymentStore) async throws {
        let deposit = try await self.deposit(store, 1, for: 1)
        let call = SamplePayment.call(of: SamplePayment.referenceHash(1))
        try await store.append([.vanished(reason: "reorganised")], to: deposit.id, at: 101)
        try self.expect(try await store.spendCredit(call, at: 102), is: .insufficient, "money that has vanished")
        try await store.append([.settled(SamplePayment.settlement(2))], to: deposit.id, at: 103)
        guard case .first(let record) = try await store.spendCredit(call, at: 104) else {
            throw Failure(description: "money that is back buys")
        }
        try self.expect(record.settlement?.isCredit, is: true, "how the call was paid")
        try await store.append([.vanished(reason: "reorganised")], to: deposit.id, at: 105)
        let lost = try await store.append([.failed(PaymentRefusal("vanished"))], to: deposit.id, at: 106)
        try self.expect(lost.debt?.isOpen, is: false, "what is left of a deposit whose money never came")
    }
}
