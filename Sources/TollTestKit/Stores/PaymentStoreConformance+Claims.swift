// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives

extension PaymentStoreConformance {
    /// Enough that claims meet in one group and in different ones.
    private static let raceCount = 96

    static func firstClaimWins(_ store: any PaymentStore) async throws {
        let claim = SamplePayment.claim(1)
        let first = try await self.claimFirst(store, claim, at: 100)
        try self.expect(first, is: PaymentRecord(claim, at: 100), "the record of a first claim")
        let held = try await self.claimHeld(store, SamplePayment.claim(1, request: "GET /other"), at: 200)
        try self.expect(held, is: first, "the record that a second claim is shown")
        try self.expect(try await store.record(claim.id), is: first, "the record after a second claim")
        try self.expect(try await store.events(claim.id).count, is: 1, "the number of events after a second claim")
    }

    static func spellingMakesNoOtherPayment(_ store: any PaymentStore) async throws {
        let claim = SamplePayment.claim(1)
        _ = try await self.claimFirst(store, claim)
        let key = PaymentKey(
            network: claim.key.network,
            asset: SamplePayment.asset.address.uppercased(),
            payer: SamplePayment.payer.uppercased(),
            nonce: SamplePayment.nonce(1).uppercased()
        )
        let other = Claim(
            key: key,
            payer: claim.payer,
            option: claim.option,
            dialect: "x402-v1",
            policy: .before,
            payload: ["other": true],
            route: "/elsewhere",
            request: RequestIdentity(digest: nil, isRepeatable: false),
            challengeHash: nil,
            unusedAtBlock: 9,
            validBefore: 10
        )
        let held = try await self.claimHeld(store, other)
        try self.expect(held.claim, is: claim, "the claim in force")
        _ = try await self.claimFirst(store, SamplePayment.claim(2))
    }

    static func raceHasOneWinner(_ store: any PaymentStore) async throws {
        let outcomes = try await self.race { number in
            try await store.claim(SamplePayment.claim(1, request: "GET /\(number)"), at: Int64(number))
        }
        try self.expectOneWinner(outcomes)
    }

    static func heldSaysWho(_ store: any PaymentStore) async throws {
        let claim = SamplePayment.claim(1, request: "GET /mine", challenge: "mine")
        _ = try await self.claimFirst(store, claim)
        let signed = try await store.append([.signed(SamplePayment.transaction(1))], to: claim.id, at: 101)
        let held = try await self.claimHeld(store, SamplePayment.claim(1, request: "GET /theirs", challenge: "theirs"))
        try self.expect(held, is: signed, "the record that a loser is shown")
        try self.expect(held.claim.request.isSame(as: claim.request), "the winner's request is recognised")
        try self.expect(held.claim.challengeHash, is: claim.challengeHash, "the winner's challenge")
        try self.expect(held.transaction, is: SamplePayment.transaction(1), "the transaction under way")
    }

    static func releasedIsClaimable(_ store: any PaymentStore) async throws {
        var last = SamplePayment.claim(1)
        for attempt in 1...PaymentRecord.attemptsMax {
            last = SamplePayment.claim(1, request: "GET /\(attempt)")
            let record = try await self.claimFirst(store, last, at: Int64(attempt) * 10)
            try self.expect(record.attempts, is: attempt, "the attempts")
            try self.expect(record.claim, is: last, "the claim in force")
            try self.expect(record.claimedAt, is: Int64(attempt) * 10, "the time of the claim in force")
            try self.expect(record.phase, is: .claimed, "the phase")
            let released = try await store.append([.released(reason: "upstream 500")], to: last.id, at: Int64(attempt) * 10 + 1)
            try self.expect(released.phase, is: .released, "the phase")
        }
        let held = try await self.claimHeld(store, SamplePayment.claim(1, request: "GET /once too often"), at: 100)
        try self.expect(held.phase, is: .released, "the phase when no attempt is left")
        try self.expect(held.claim, is: last, "the last claim")
        try self.expect(try await store.events(last.id).count, is: 2 * PaymentRecord.attemptsMax, "the number of events")
    }

    static func raceForReleasedHasOneWinner(_ store: any PaymentStore) async throws {
        _ = try await self.claimFirst(store, SamplePayment.claim(1))
        try await store.append([.released(reason: "upstream 500")], to: SamplePayment.claim(1).id, at: 101)
        let outcomes = try await self.race { number in
            try await store.claim(SamplePayment.claim(1, request: "GET /\(number)"), at: 200)
        }
        try self.expectOneWinner(outcomes)
        try self.expect(try await store.record(SamplePayment.claim(1).id)?.attempts, is: 2, "the attempts")
    }

    static func unknownPaymentIsAbsent(_ store: any PaymentStore) async throws {
        _ = try await self.claimFirst(store, SamplePayment.claim(1))
        let id = SamplePayment.claim(2).id
        try self.expect(try await store.record(id), is: nil, "the record of an unknown payment")
        try self.expect(try await store.answer(id), is: nil, "the answer of an unknown payment")
        try self.expect(try await store.events(id), is: [], "the events of an unknown payment")
        try await self.expectDefect(store, [.served], id)
        try await self.expectDefect(store, [.claimed(SamplePayment.claim(2))], id)
    }

    static func raceToTellHasOneWinner(_ store: any PaymentStore) async throws {
        let claim = SamplePayment.claim(1)
        _ = try await self.claimFirst(store, claim)
        try await store.append([.settled(SamplePayment.settlement(1))], to: claim.id, at: 101)
        let mayTell = try await self.race { _ in
            do throws(StoreError) {
                try await store.append([.told], to: claim.id, at: 102)
                return true
            } catch {
                try self.expect(error.isDefect, "telling twice is a defect: \(error.reason)")
                return false
            }
        }
        try self.expect(mayTell.count { $0 }, is: 1, "the number of callers told")
    }

    private static func expectOneWinner(_ outcomes: [ClaimOutcome]) throws {
        let winners = outcomes.compactMap { if case .first(let record) = $0 { record } else { nil } }
        try self.expect(winners.count, is: 1, "the number of winners")
        for case .held(let record) in outcomes { try self.expect(record, is: winners[0], "the record that a loser is shown") }
    }

    private static func race<Value: Sendable>(_ body: @escaping @Sendable (Int) async throws -> Value) async throws -> [Value] {
        try await withThrowingTaskGroup(of: Value.self) { group in
            for number in 0..<self.raceCount { group.addTask { try await body(number) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }
}
