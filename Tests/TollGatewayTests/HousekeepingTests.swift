// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollRuntime
import TollTestKit

@testable import TollGateway

/// What the ledger is tidied of, and when.
@Suite struct HousekeepingTests {
    private static let start: Int64 = 1_800_000_000

    private static func put(
        _ store: MemoryPaymentStore,
        _ number: Int,
        _ events: [PaymentEvent],
        route: String = "/paid/*",
        at time: Int64 = start
    )
        async throws
    {
        let claim = SamplePayment.claim(number, route: route)
        _ = try await store.claim(claim, at: time)
        if !events.isEmpty { try await store.append(events, to: claim.id, at: time) }
    }

    private static let settled: [PaymentEvent] = [
        .answered(SamplePayment.answer(1)), .signed(SamplePayment.transaction(1)), .broadcast,
        .settled(SamplePayment.settlement(1)),
    ]

    private static func tidied(_ store: MemoryPaymentStore, _ number: Int, after seconds: Int64, since: Int64 = 0) async throws
        -> (PaymentRecord, hasAnswer: Bool)
    {
        let time = ManualTime(start: .seconds(self.start + seconds))
        _ = await Housekeeping(store: store, environment: time.environment, log: .silent).tidy(since: since)
        let id = SamplePayment.claim(number).id
        let record = try #require(try await store.record(id))
        return (record, try await store.answer(id) != nil)
    }

    @Test func `a settled payment that reached nobody is owed when its time is up, and its answer forgotten`() async throws {
        let store = MemoryPaymentStore()
        try await Self.put(store, 1, Self.settled)
        var (record, hasAnswer) = try await Self.tidied(store, 1, after: 600)
        #expect(!record.isOwed && hasAnswer)
        (record, hasAnswer) = try await Self.tidied(store, 1, after: 721)
        #expect(record.isOwed && !hasAnswer)
        _ = try await Self.tidied(store, 1, after: 10_000)
        #expect(try await store.events(record.id).filter { $0.event.name == "owed" }.count == 1)
    }

    @Test(
        arguments: [
            ("served", Self.settled + [.served]), ("owed", Self.settled + [.owed(reason: "")]),
            ("failed", [.failed(PaymentRefusal("transaction_failed"))]), ("released", [.released(reason: "")]),
            ("pending", [.signed(SamplePayment.transaction(1)), .broadcast]),
        ] as [(String, [PaymentEvent])]
    )
    func `nothing else becomes a debt`(name: String, events: [PaymentEvent]) async throws {
        let store = MemoryPaymentStore()
        try await Self.put(store, 1, events)
        let before = try await store.events(SamplePayment.claim(1).id).count
        _ = try await Self.tidied(store, 1, after: 100_000)
        #expect(try await store.events(SamplePayment.claim(1).id).count == before)
    }

    @Test func `a claim that a crash left is dropped when its authorization has ended, and exposes no longer`() async throws {
        let store = MemoryPaymentStore()
        let claim = SamplePayment.claim(1, policy: .deferred, validBefore: Self.start + 1_000, exposure: 1_000)
        _ = try await store.claim(claim, at: Self.start)
        #expect(try await Self.tidied(store, 1, after: 1_720).0.openExposure == 1_000)
        let dropped = try await Self.tidied(store, 1, after: 1_721).0
        #expect(dropped.phase == .failed && dropped.failure == PaidRequest.interruption && dropped.openExposure == 0)
    }

    @Test func `what a facilitator settled for others is not ours to serve`() async throws {
        let store = MemoryPaymentStore()
        try await Self.put(store, 1, Self.settled, route: "")
        #expect(try await Self.tidied(store, 1, after: 100_000).0.isOwed == false)
    }

    @Test func `a clock that was ahead and is set back hides no debt`() async throws {
        let store = MemoryPaymentStore()
        try await Self.put(store, 1, Self.settled + [.served], at: Self.start + 200)
        let ahead = ManualTime(start: .seconds(Self.start + 210))
        let housekeeping = Housekeeping(store: store, environment: ahead.environment, log: .silent)
        let since = await housekeeping.tidy(since: 0)
        try await Self.put(store, 2, Self.settled, at: Self.start + 100)
        #expect(try await Self.tidied(store, 2, after: 821, since: since).0.isOwed)
    }

    @Test func `a payment that settles late is not forgotten on the way`() async throws {
        let store = MemoryPaymentStore()
        try await Self.put(store, 1, [.signed(SamplePayment.transaction(1)), .broadcast])
        for number in 2...2_500 {
            try await Self.put(store, number, Self.settled + [.served], at: Self.start + Int64(number / 1_500))
        }
        let time = ManualTime(start: .seconds(Self.start + 5_000))
        let housekeeping = Housekeeping(store: store, environment: time.environment, log: .silent)
        let since = await housekeeping.tidy(since: 0)
        #expect(since == Self.start)
        try await store.append([.settled(SamplePayment.settlement(1))], to: SamplePayment.claim(1).id, at: Self.start + 5_001)
        time.advance(by: .seconds(800))
        let next = await housekeeping.tidy(since: since)
        #expect(try await store.record(SamplePayment.claim(1).id)?.isOwed == true)
        #expect(next > since)
    }

    @Test func `a reference that nobody paid is forgotten a day after its end, and a paid one never`() async throws {
        let store = MemoryPaymentStore()
        for number in [1, 2] {
            let reference = SamplePayment.reference(number, binding: .signature, expires: Self.start)
            _ = try await store.open(reference, startingAt: 0, limit: 9, at: Self.start - 600)
        }
        let claim = SamplePayment.deposit(1, for: SamplePayment.referenceHash(2))
        _ = try await store.deposit(claim, SamplePayment.settlement(1), reason: "awaits its call", at: Self.start)
        for (seconds, isThere) in [(86_400, true), (86_401, false)] as [(Int64, Bool)] {
            let time = ManualTime(start: .seconds(Self.start + seconds))
            _ = await Housekeeping(store: store, environment: time.environment, log: .silent).tidy(since: 0)
            #expect((try await store.reference(SamplePayment.referenceHash(1)) != nil) == isThere)
        }
        #expect(try await store.reference(SamplePayment.referenceHash(2)) != nil)
    }
}
