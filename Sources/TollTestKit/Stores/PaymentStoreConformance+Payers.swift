// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives

extension PaymentStoreConformance {
    private static let stranger = "0x00000000000000000000000000000000000000AA"

    private static func deferred(_ number: Int, payer: String = SamplePayment.payer, exposure: Int64 = 1_000) -> Claim {
        SamplePayment.claim(number, policy: .deferred, payer: payer, exposure: exposure)
    }

    private static func terms(perPayer: Int64 = 5_000, total: Int64 = 8_000, spendable: UInt256 = 100_000) -> DeferralTerms {
        DeferralTerms(perPayer: perPayer, total: total, spendable: spendable)
    }

    /// Makes the payer one with a settled payment behind it.
    private static func settleOne(_ store: any PaymentStore, _ number: Int, payer: String = SamplePayment.payer) async throws {
        let claim = SamplePayment.claim(number, payer: payer)
        _ = try await self.claimFirst(store, claim)
        try await store.append([.settled(SamplePayment.settlement(number)), .served], to: claim.id, at: 90)
    }

    private static func expectRefused(_ outcome: ClaimOutcome, _ store: any PaymentStore, _ id: PaymentID, _ why: String)
        async throws
    {
        guard case .notDeferrable = outcome else { throw Failure(description: "\(why): the claim came to \(outcome)") }
        try self.expect(try await store.record(id), is: nil, "\(why): the payment")
    }

    static func strangersAreNotDeferred(_ store: any PaymentStore) async throws {
        let claim = self.deferred(1)
        try await self.expectRefused(
            try await store.claim(claim, deferral: self.terms(), at: 100), store, claim.id, "no settled payment")
        try await self.settleOne(store, 2)
        guard case .first = try await store.claim(claim, deferral: self.terms(), at: 100) else {
            throw Failure(description: "a payer with a settled payment is deferred")
        }
        let poor = self.deferred(3)
        try await self.expectRefused(
            try await store.claim(poor, deferral: self.terms(spendable: 1_999), at: 100), store, poor.id, "owed and price")
        // What was claimed without terms is held by everyone's rules.
        guard case .held = try await store.claim(claim, deferral: self.terms(), at: 101) else {
            throw Failure(description: "a held payment is held")
        }
    }

    static func raceKeepsExposures(_ store: any PaymentStore) async throws {
        let others = (1...3).map { "0x00000000000000000000000000000000000000B\($0)" }
        for (index, payer) in others.enumerated() { try await self.settleOne(store, 900 + index, payer: payer) }
        let outcomes = try await withThrowingTaskGroup(of: (String, Bool).self) { group in
            for (index, payer) in others.enumerated() {
                for number in 0..<20 {
                    group.addTask {
                        let claim = self.deferred(100 * (index + 1) + number, payer: payer)
                        let outcome = try await store.claim(claim, deferral: self.terms(), at: 100)
                        if case .first = outcome { return (payer, true) }
                        return (payer, false)
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let taken = outcomes.filter(\.1)
        try self.expect(taken.count, is: 8, "claims within the exposure to all")
        for payer in others {
            try self.expect(taken.count { $0.0 == payer } <= 5, "claims of one payer are within its exposure")
        }
    }

    static func settlingFreesExposure(_ store: any PaymentStore) async throws {
        try await self.settleOne(store, 1)
        let terms = self.terms(perPayer: 1_000)
        guard case .first = try await store.claim(self.deferred(2), deferral: terms, at: 100) else {
            throw Failure(description: "the first claim is within the exposure")
        }
        let next = self.deferred(3)
        try await self.expectRefused(try await store.claim(next, deferral: terms, at: 100), store, next.id, "exposure")
        try await store.append([.queued, .served], to: self.deferred(2).id, at: 101)
        try await store.append([.settled(SamplePayment.settlement(2))], to: self.deferred(2).id, at: 102)
        guard case .first = try await store.claim(next, deferral: terms, at: 103) else {
            throw Failure(description: "a settled payment frees its exposure")
        }
    }

    static func unpaidBarsThePayer(_ store: any PaymentStore) async throws {
        try await self.settleOne(store, 1)
        try await self.lose(store, 2, at: 100)
        let next = self.deferred(3)
        try await self.expectRefused(try await store.claim(next, deferral: self.terms(), at: 102), store, next.id, "unpaid")
        try await store.append([.settled(SamplePayment.settlement(2))], to: self.deferred(2).id, at: 103)
        guard case .first = try await store.claim(next, deferral: self.terms(), at: 104) else {
            throw Failure(description: "a payer that has paid is deferred again")
        }
        // What was lost is not paid, but the payer pays as much for something else, before it gets it.
        try await self.lose(store, 4, at: 110)
        let again = self.deferred(5)
        let less = SamplePayment.claim(6, policy: .before, amount: 999)
        let other = SamplePayment.claim(7, policy: .before, payer: self.stranger)
        for claim in [less, other] {
            _ = try await self.claimFirst(store, claim, at: 120)
            try await store.append([.settled(SamplePayment.settlement(6))], to: claim.id, at: 121)
            try await self.expectRefused(try await store.claim(again, deferral: self.terms(), at: 122), store, again.id, "unpaid")
        }
        _ = try await self.claimFirst(store, SamplePayment.claim(8, policy: .after), at: 123)
        try await store.append([.settled(SamplePayment.settlement(8))], to: SamplePayment.claim(8).id, at: 124)
        guard case .first = try await store.claim(again, deferral: self.terms(), at: 125) else {
            throw Failure(description: "a payer that has paid as much again is deferred again")
        }
        let limit = self.terms(perPayer: 2_999)
        let full = self.deferred(9)
        try await self.expectRefused(try await store.claim(full, deferral: limit, at: 126), store, full.id, "exposure")
    }

    /// Serves deferred payment `number`, which then fails.
    private static func lose(_ store: any PaymentStore, _ number: Int, at time: Int64) async throws {
        let lost = self.deferred(number)
        guard case .first = try await store.claim(lost, deferral: self.terms(), at: time) else {
            throw Failure(description: "the claim is deferred")
        }
        try await store.append([.queued, .served, .failed(PaymentRefusal("insufficient_funds"))], to: lost.id, at: time + 1)
    }

    static func identifierNamesOnePayment(_ store: any PaymentStore) async throws {
        let claim = SamplePayment.claim(1, identifier: "payer/pay_1")
        let first = try await self.claimFirst(store, claim)
        let hash = try self.unwrap(claim.identifierHash, "the sample's identifier")
        try self.expect(try await store.payment(identifiedBy: hash), is: first, "the payment of the identifier")
        let outcome = try await store.claim(SamplePayment.claim(2, identifier: "payer/pay_1"), at: 101)
        try self.expect(outcome, is: .identifierTaken(first), "a second payment under the same identifier")
        try self.expect(try await store.record(SamplePayment.claim(2).id), is: nil, "the second payment")
        try await store.append([.released(reason: "upstream 502")], to: claim.id, at: 102)
        try self.expect(try await store.payment(identifiedBy: hash), is: nil, "the identifier after a failed call")
        _ = try await self.claimFirst(store, SamplePayment.claim(2, identifier: "payer/pay_1"))
    }

    static func latePaymentsLeaveIdentifiers(_ store: any PaymentStore) async throws {
        let (older, newer) = (
            SamplePayment.claim(1, identifier: "payer/pay_1"), SamplePayment.claim(2, identifier: "payer/pay_1")
        )
        let hash = try self.unwrap(older.identifierHash, "the sample's identifier")
        _ = try await self.claimFirst(store, older)
        try await store.append([.failed(PaymentRefusal("expired"))], to: older.id, at: 101)
        _ = try await self.claimFirst(store, newer, at: 102)
        try await store.append([.settled(SamplePayment.settlement(1))], to: older.id, at: 103)
        try self.expect(try await store.payment(identifiedBy: hash)?.id, is: newer.id, "the payment of the identifier")
        let third = try await store.claim(SamplePayment.claim(3, identifier: "payer/pay_1"), at: 104)
        guard case .identifierTaken(let holder) = third else { throw Failure(description: "a third payment took the identifier") }
        try self.expect(holder.id, is: newer.id, "who holds the identifier")
        try await store.append([.failed(PaymentRefusal("expired"))], to: newer.id, at: 105)
        try self.expect(try await store.payment(identifiedBy: hash)?.id, is: older.id, "the payment left under the identifier")
    }

    static func creditIsSpentInTheFirstAssetThatSuffices(_ store: any PaymentStore) async throws {
        try await self.settleOne(store, 1)
        try await store.append([.owed(reason: "upstream failed")], to: SamplePayment.claim(1).id, at: 95)
        // One sign-in, shown at once by many, each asking for the other token first, of which nothing is owed.
        let claims = [SamplePayment.otherAsset, SamplePayment.asset].map { asset in
            SamplePayment.claim(10, policy: .before, asset: asset, amount: 400)
        }
        let outcomes = try await withThrowingTaskGroup(of: CreditOutcome.self) { group in
            for _ in 0..<8 { group.addTask { try await store.spendCredit(claims, at: 200) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let bought = outcomes.compactMap { outcome -> PaymentRecord? in
            if case .first(let record) = outcome { record } else { nil }
        }
        try self.expect(bought.count, is: 1, "purchases by one sign-in")
        try self.expect(bought.first?.claim.option.asset, is: SamplePayment.asset, "the asset it was paid in")
        try self.expect(outcomes.count { if case .held = $0 { true } else { false } }, is: 7, "those who found it used")
        try self.expect(try await store.record(SamplePayment.claim(1).id)?.debt?.units, is: 600, "what is left of the debt")
    }

    static func creditIsSpentOnce(_ store: any PaymentStore) async throws {
        for number in 1...3 {
            try await self.settleOne(store, number)
            try await store.append([.owed(reason: "upstream failed")], to: SamplePayment.claim(number).id, at: 95)
        }
        // 3,000 units are owed; ten purchases of 700 units at once.
        let outcomes = try await withThrowingTaskGroup(of: CreditOutcome.self) { group in
            for number in 10..<20 {
                group.addTask { try await store.spendCredit(SamplePayment.claim(number, policy: .before, amount: 700), at: 200) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let bought = outcomes.filter { if case .first = $0 { true } else { false } }
        try self.expect(bought.count, is: 4, "purchases out of the credit")
        try self.expect(outcomes.contains(.insufficient), "what is left does not suffice")
        var left = UInt256.zero
        for number in 1...3 {
            left = left.adding(try await store.record(SamplePayment.claim(number).id)?.debt?.units ?? 0) ?? .max
        }
        try self.expect(left, is: 200, "units left of the debts")
        for case .first(let record) in bought {
            try self.expect(record.phase == .settled && record.settlement?.isCredit == true, "a purchase is settled by credit")
            guard case .held = try await store.spendCredit(record.claim, at: 201) else {
                throw Failure(description: "the same sign-in buys once")
            }
        }
    }

    static func creditAndRefundRaceOnOneRow(_ store: any PaymentStore) async throws {
        try await self.settleOne(store, 1)
        let debt = SamplePayment.claim(1).id
        try await store.append([.owed(reason: "upstream failed")], to: debt, at: 95)
        let refund = Refund(to: SamplePayment.payer, units: 1_000, transaction: nil)
        async let bought = store.spendCredit(SamplePayment.claim(2, policy: .before), at: 200)
        async let refunded: Bool = {
            do { try await store.append([.refunding(refund)], to: debt, at: 200) } catch { return false }
            return true
        }()
        let (credit, isRefunding) = (try await bought, await refunded)
        if case .first = credit {
            try self.expect(!isRefunding, "what was spent is not refunded")
        } else {
            try self.expect(isRefunding, "one of the two has it")
        }
        let stranger = SamplePayment.claim(3, policy: .before, payer: self.stranger)
        try self.expect(
            try await store.spendCredit(stranger, at: 201), is: .insufficient, "credit of somebody else")
    }
}
