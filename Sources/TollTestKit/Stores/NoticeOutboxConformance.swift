// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments

/// What every ledger's outbox must do, whatever it is made of. Like ``PaymentStoreConformance``.
public struct NoticeOutboxConformance: Sendable {
    /// A ledger with an outbox.
    public typealias Store = any PaymentStore & NoticeOutbox

    /// One thing that every outbox must do.
    public enum Rule: String, CaseIterable, Sendable, CustomStringConvertible {
        case endingsAreNoted = "what settles, fails or is owed is noted for every endpoint, and nothing else is"
        case depositsAreNotOwed = "a deposit is noted as settled, and not as owed: what it awaits is its call"
        case refusedEventsAreNotNoted = "an event that is refused is not noted, nor is one without endpoints"
        case leasedOnce = "of many who ask at once one has a notice, until its lease ends"
        case endedIsOver = "a notice that ended or was put off is not handed out, and does not come back"
        case namesAreUsedOnce = "the same name is told once, also after it was heard"
        case pruning = "what is over is forgotten, and an endpoint that nobody names"

        /// The rule in words.
        public var description: String { self.rawValue }
    }

    /// Runs one rule against an empty ledger.
    public static func run(_ rule: Rule, _ store: Store) async throws {
        switch rule {
        case .endingsAreNoted: try await self.endingsAreNoted(store)
        case .depositsAreNotOwed: try await self.depositsAreNotOwed(store)
        case .refusedEventsAreNotNoted: try await self.refusedEventsAreNotNoted(store)
        case .leasedOnce: try await self.leasedOnce(store)
        case .endedIsOver: try await self.endedIsOver(store)
        case .namesAreUsedOnce: try await self.namesAreUsedOnce(store)
        case .pruning: try await self.pruning(store)
        }
    }

    private static func take(_ store: Store, _ endpoint: String, at time: Int64) async throws -> [Notice] {
        try await store.takeNotices(of: endpoint, limit: 100, leaseSeconds: 60, at: time)
    }

    private static func expect<Value: Equatable>(_ found: Value, is expected: Value, _ what: String) throws {
        try PaymentStoreConformance.expect(found, is: expected, what)
    }

    private static func settle(_ store: Store, _ number: Int, at time: Int64) async throws -> PaymentID {
        let claim = SamplePayment.claim(number)
        _ = try await PaymentStoreConformance.claimFirst(store, claim, at: time)
        try await store.append(
            [.answered(SamplePayment.answer(number)), .settled(SamplePayment.settlement(number))], to: claim.id, at: time)
        return claim.id
    }

    private static func endingsAreNoted(_ store: Store) async throws {
        try await store.subscribe(["a", "b"], at: 100)
        let settled = try await self.settle(store, 1, at: 101)
        try await store.append([.served], to: settled, at: 102)
        try await store.append([.owed(reason: "x")], to: settled, at: 103)
        let failed = SamplePayment.claim(2)
        _ = try await PaymentStoreConformance.claimFirst(store, failed, at: 104)
        try await store.append([.failed(PaymentRefusal("expired"))], to: failed.id, at: 104)
        for endpoint in ["a", "b"] {
            let notices = try await self.take(store, endpoint, at: 104)
            try self.expect(notices.map(\.kind), is: ["settled", "owed", "failed"], "the kinds of the notices")
            try self.expect(notices.map(\.time), is: [101, 103, 104], "the times of the notices")
            try self.expect(
                notices.map(\.subject),
                is: [.event(settled, sequence: 3), .event(settled, sequence: 5), .event(failed.id, sequence: 2)], "the events")
            try self.expect(
                notices.map(\.name), is: ["msg_\(settled)_3", "msg_\(settled)_5", "msg_\(failed.id)_2"], "the names")
            try self.expect(notices.map(\.endpoint), is: [endpoint, endpoint, endpoint], "the endpoints")
            try self.expect(notices.map(\.attempts), is: [1, 1, 1], "the attempts")
        }
    }

    private static func depositsAreNotOwed(_ store: Store) async throws {
        try await store.subscribe(["a"], at: 100)
        let (deposit, call) = (
            SamplePayment.deposit(1, for: SamplePayment.referenceHash(1)), SamplePayment.call(of: SamplePayment.referenceHash(1))
        )
        _ = try await store.deposit(deposit, SamplePayment.settlement(1), reason: "awaits its call", at: 101)
        _ = try await store.spendCredit(call, at: 102)
        try await store.append([.owed(reason: "upstream failed")], to: call.id, at: 103)
        let notices = try await self.take(store, "a", at: 104)
        try self.expect(notices.map(\.kind), is: ["settled", "settled", "owed"], "the kinds of the notices")
        try self.expect(
            notices.map(\.subject),
            is: [
                .event(deposit.id, sequence: 2), .event(call.id, sequence: 2), .event(call.id, sequence: 3),
            ], "the events")
    }

    private static func refusedEventsAreNotNoted(_ store: Store) async throws {
        _ = try await self.settle(store, 1, at: 100)
        try await store.subscribe(["a"], at: 101)
        let id = SamplePayment.claim(1).id
        _ = try? await store.append([.owed(reason: "x"), .failed(PaymentRefusal("expired"))], to: id, at: 102)
        try self.expect(try await self.take(store, "a", at: 103).count, is: 0, "notices of events that were not written")
    }

    private static func leasedOnce(_ store: Store) async throws {
        try await store.subscribe(["a"], at: 100)
        for number in 1...20 { _ = try await self.settle(store, number, at: 101) }
        let taken = try await withThrowingTaskGroup(of: [Notice].self) { group in
            for _ in 0..<20 { group.addTask { try await store.takeNotices(of: "a", limit: 3, leaseSeconds: 60, at: 102) } }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        try self.expect(Set(taken.map(\.number)).count, is: taken.count, "notices taken at once")
        let rest = try await self.take(store, "a", at: 161)
        try self.expect(rest.count + taken.count, is: 20, "notices in all")
        let again = try await self.take(store, "a", at: 162)
        try self.expect(Set(again.map(\.number)), is: Set(taken.map(\.number)), "notices whose lease has ended")
        try self.expect(again.allSatisfy { $0.attempts == 2 }, is: true, "their second attempt is counted")
    }

    private static func endedIsOver(_ store: Store) async throws {
        try await store.subscribe(["a"], at: 100)
        for number in 1...2 { _ = try await self.settle(store, number, at: 101) }
        let notices = try await self.take(store, "a", at: 101)
        try await store.endNotice(notices[0].number, at: 102)
        try await store.postponeNotice(notices[0].number, until: 103)
        try await store.postponeNotice(notices[1].number, until: 500)
        try self.expect(try await self.take(store, "a", at: 499).count, is: 0, "notices that are over or put off")
        try self.expect(try await self.take(store, "a", at: 500).map(\.number), is: [notices[1].number], "the notice put off")
    }

    private static func namesAreUsedOnce(_ store: Store) async throws {
        try await store.subscribe(["a"], at: 100)
        for time in [101, 102] as [Int64] {
            try await store.post(name: "n", kind: "low_gas", detail: "{\"a\":\(time)}", at: time)
        }
        let notices = try await self.take(store, "a", at: 102)
        try self.expect(notices.map(\.subject), is: [.other(detail: #"{"a":101}"#)], "what was posted first")
        try await store.endNotice(notices[0].number, at: 103)
        try await store.post(name: "n", kind: "low_gas", detail: "{}", at: 104)
        try self.expect(try await self.take(store, "a", at: 1_000).count, is: 0, "notices under a name that was heard")
    }

    private static func pruning(_ store: Store) async throws {
        try await store.subscribe(["a", "b"], at: 100)
        try await store.post(name: "n", kind: "low_gas", detail: "{}", at: 101)
        let notice = try await self.take(store, "a", at: 101)
        try await store.endNotice(notice[0].number, at: 150)
        try await store.subscribe(["a"], at: 200)
        try await store.pruneNotices(before: 150)
        try await store.post(name: "n", kind: "low_gas", detail: "{}", at: 201)
        try self.expect(try await self.take(store, "a", at: 300).count, is: 0, "a notice that ended when the pruning begins")
        try self.expect(try await self.take(store, "b", at: 300).count, is: 0, "notices of an endpoint that nobody names")
        try await store.pruneNotices(before: 151)
        try await store.post(name: "n", kind: "low_gas", detail: "{}", at: 301)
        try self.expect(try await self.take(store, "a", at: 301).count, is: 1, "a name whose notice is forgotten")
    }
}
