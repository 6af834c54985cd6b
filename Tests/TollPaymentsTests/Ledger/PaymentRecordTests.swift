// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollPrimitives
import TollTestKit

/// What may follow what: every event in every phase, against a table written down by hand.
@Suite struct PaymentRecordTests {
    typealias Phase = PaymentRecord.Phase

    /// For each phase the events that may follow, and the phase they lead to. Whatever is not here is refused.
    static let legal: [Phase: [String: Phase]] = [
        .claimed: [
            "answered": .claimed, "signed": .signed, "settled": .settled, "failed": .failed, "unknown": .unknown,
            "released": .released,
            "served": .claimed, "taken_over": .claimed,
        ],
        .queued: ["signed": .signed, "settled": .settled, "failed": .failed, "served": .queued, "taken_over": .queued],
        .signed: [
            "broadcast": .broadcast, "unknown": .unknown, "settled": .settled, "failed": .failed, "served": .signed,
            "returned": .claimed, "taken_over": .signed,
        ],
        .broadcast: [
            "unknown": .unknown, "settled": .settled, "failed": .failed, "served": .broadcast, "returned": .claimed,
            "taken_over": .broadcast,
        ],
        .unknown: [
            "broadcast": .broadcast, "unknown": .unknown, "settled": .settled, "failed": .failed, "served": .unknown,
            "returned": .claimed, "taken_over": .unknown,
        ],
        .settled: [
            "answered": .settled, "told": .settled, "served": .settled, "owed": .settled, "vanished": .unknown,
            "taken_over": .settled,
        ],
        .failed: ["served": .failed, "settled": .settled],
        .released: ["claimed": .claimed, "served": .released, "settled": .settled],
    ]

    /// One event of each kind.
    static let events: [PaymentEvent] = [
        .claimed(SamplePayment.claim(1)), .answered(SamplePayment.answer(1)), .signed(SamplePayment.transaction(1)), .broadcast,
        .unknown(reason: "timeout"), .settled(SamplePayment.settlement(1)), .failed(PaymentRefusal("reverted")),
        .released(reason: "upstream 500"), .served, .told, .untold, .owed(reason: "not delivered"), .queued,
        .returned(reason: "the number was used", transaction: SamplePayment.transaction(1).hash),
        .vanished(reason: "reorganised"),
        .drawn(units: 1, by: SamplePayment.claim(2).id),
        .refunding(Refund(to: SamplePayment.payer, units: 1_000, transaction: nil)), .refundDropped(reason: "not sent"),
        .refunded(SamplePayment.settlement(9)), .takenOver(by: SamplePayment.worker(1)),
    ]

    /// The shortest way to each phase.
    static func record(in phase: Phase) throws -> PaymentRecord {
        let way: [PaymentEvent] =
            switch phase {
            case .claimed: []
            case .queued: [.queued]
            case .signed: [.signed(SamplePayment.transaction(1))]
            case .broadcast: [.signed(SamplePayment.transaction(1)), .broadcast]
            case .unknown: [.signed(SamplePayment.transaction(1)), .unknown(reason: "timeout")]
            case .settled: [.settled(SamplePayment.settlement(1))]
            case .failed: [.failed(PaymentRefusal("reverted"))]
            case .released: [.released(reason: "upstream 500")]
            }
        var record = PaymentRecord(SamplePayment.claim(1, policy: phase == .queued ? .deferred : .after), at: 100)
        for event in way { try record.apply(event, at: 101) }
        #expect(record.phase == phase)
        return record
    }

    @Test(arguments: Phase.allCases)
    func `what may follow a phase is exactly what the table says`(phase: Phase) throws {
        let before = try Self.record(in: phase)
        for event in Self.events {
            var record = before
            if let next = Self.legal[phase]?[event.name] {
                try record.apply(event, at: 200)
                #expect(record.phase == next, "\(event.name) after \(phase)")
            } else {
                #expect(throws: PaymentRecord.InvalidTransition.self, "\(event.name) after \(phase)") {
                    try record.apply(event, at: 200)
                }
                #expect(record == before, "a refused \(event.name) changes nothing")
            }
        }
    }

    @Test func `the table names every kind of event`() {
        #expect(Set(Self.events.map(\.name)).count == 20)
        let named = Set(Self.legal.values.flatMap(\.keys))
        let tried = ["untold", "queued", "drawn", "refunding", "refund_dropped", "refunded"]
        #expect(Set(Self.events.map(\.name)).subtracting(named) == Set(tried), "what needs something first is tried below")
    }

    @Test func `a settled payment has the answer that came first, a claimed one the last`() throws {
        var record = try Self.record(in: .claimed)
        for number in 1...2 { try record.apply(.answered(SamplePayment.answer(number)), at: 200) }
        try record.apply(.settled(SamplePayment.settlement(1)), at: 201)
        #expect(throws: PaymentRecord.InvalidTransition.self) { try record.apply(.answered(SamplePayment.answer(3)), at: 202) }
    }

    /// Two processes find the same number used up, and one of them has signed anew by the time the other says so.
    @Test func `what is returned is what was signed, and not what somebody has signed since`() throws {
        let first = SamplePayment.transaction(1)
        var record = PaymentRecord(SamplePayment.claim(1), at: 100)
        try record.apply(.signed(first), at: 101)
        let returned = PaymentEvent.returned(reason: "the number was used", transaction: first.hash)
        #expect(throws: PaymentRecord.InvalidTransition.self) {
            try record.apply(.returned(reason: "nothing was signed", transaction: ""), at: 102)
        }
        try record.apply(returned, at: 102)
        try record.apply(.signed(SamplePayment.transaction(2)), at: 103)
        #expect(throws: PaymentRecord.InvalidTransition.self) { try record.apply(returned, at: 104) }
        #expect(record.transactions == [SamplePayment.transaction(2)])
    }

    @Test func `an illegal event names the payment, the phase and the event`() throws {
        var record = try Self.record(in: .failed)
        let error = #expect(throws: PaymentRecord.InvalidTransition.self) { try record.apply(.broadcast, at: 1) }
        #expect(error?.description == "broadcast cannot follow failed of payment \(record.id)")
    }

    @Test func `a release can be claimed by the same key only, three times in all`() throws {
        var record = PaymentRecord(SamplePayment.claim(1), at: 100)
        for attempt in 1..<PaymentRecord.attemptsMax {
            try record.apply(.released(reason: "x"), at: 101)
            #expect(throws: PaymentRecord.InvalidTransition.self) { try record.apply(.claimed(SamplePayment.claim(2)), at: 102) }
            try record.apply(.claimed(SamplePayment.claim(1)), at: 102)
            #expect(record.attempts == attempt + 1)
        }
        try record.apply(.released(reason: "x"), at: 103)
        #expect(!record.isClaimable)
        #expect(throws: PaymentRecord.InvalidTransition.self) { try record.apply(.claimed(SamplePayment.claim(1)), at: 104) }
    }

    @Test func `who has a payment is who claimed it last, or took it over`() throws {
        var record = PaymentRecord(SamplePayment.claim(1, worker: SamplePayment.worker(1)), at: 100)
        #expect(record.worker == SamplePayment.worker(1))
        #expect(throws: PaymentRecord.InvalidTransition.self, "it has it already") {
            try record.apply(.takenOver(by: SamplePayment.worker(1)), at: 101)
        }
        try record.apply(.takenOver(by: SamplePayment.worker(2)), at: 101)
        #expect(record.worker == SamplePayment.worker(2))
        try record.apply(.released(reason: "x"), at: 102)
        try record.apply(.claimed(SamplePayment.claim(1, worker: SamplePayment.worker(3))), at: 103)
        #expect(record.worker == SamplePayment.worker(3))
    }

    @Test func `told and untold alternate`() throws {
        var record = try Self.record(in: .settled)
        #expect(throws: PaymentRecord.InvalidTransition.self) { try record.apply(.untold, at: 1) }
        try record.apply(.told, at: 1)
        #expect(throws: PaymentRecord.InvalidTransition.self) { try record.apply(.told, at: 1) }
        try record.apply(.untold, at: 1)
        #expect(!record.isTold)
        try record.apply(.told, at: 1)
        #expect(record.isTold)
    }

    @Test func `only a deferred payment is queued, and one whose transaction moved nothing is queued again`() throws {
        var record = PaymentRecord(SamplePayment.claim(1, policy: .deferred), at: 100)
        try record.apply(.queued, at: 101)
        try record.apply(.signed(SamplePayment.transaction(1)), at: 102)
        try record.apply(.returned(reason: "its call in the batch moved nothing", transaction: nil), at: 103)
        #expect(record.phase == .queued && record.transactions.isEmpty)
        try record.apply(.signed(SamplePayment.transaction(2)), at: 104)
        #expect(record.transactions == [SamplePayment.transaction(2)])
    }

    @Test func `a transaction under way is replaced by one of the same signer and number alone`() throws {
        var record = try Self.record(in: .broadcast)
        let held = SamplePayment.transaction(1)
        #expect(throws: PaymentRecord.InvalidTransition.self, "the same again") { try record.apply(.signed(held), at: 1) }
        #expect(throws: PaymentRecord.InvalidTransition.self, "another number") {
            try record.apply(.signed(SamplePayment.transaction(2)), at: 1)
        }
        let replacement = SettlementTransaction(hash: "0x02", raw: [2], signer: held.signer, nonce: held.nonce, isVoid: true)
        try record.apply(.signed(replacement), at: 1)
        #expect(record.transactions == [held, replacement] && record.transaction == replacement)
        #expect(record.phase == .broadcast)
    }

    @Test func `the first transaction is never a void one`() throws {
        var record = try Self.record(in: .claimed)
        let void = SettlementTransaction(hash: "0x02", raw: [2], signer: "0x01", nonce: 1, isVoid: true)
        #expect(throws: PaymentRecord.InvalidTransition.self) { try record.apply(.signed(void), at: 1) }
    }

    @Test func `a settlement that vanished is looked for again, and what is owed for it waits until it is back`() throws {
        var record = try Self.record(in: .settled)
        try record.apply(.owed(reason: "not delivered"), at: 102)
        try record.apply(.vanished(reason: "reorganised"), at: 103)
        #expect(record.phase == .unknown && record.settlement == nil && record.endedAt == nil && record.debt?.isOpen == false)
        var lost = record
        try lost.apply(.failed(PaymentRefusal("expired")), at: 104)
        #expect(lost.debt == nil, "money that never came is not owed")
        try record.apply(.settled(SamplePayment.settlement(2)), at: 104)
        #expect(record.settlement == SamplePayment.settlement(2) && record.endedAt == 104)
    }

    @Test func `a debt is spent in parts, and what is left is refunded once`() throws {
        var record = try Self.record(in: .settled)
        let buyer = SamplePayment.claim(2).id
        #expect(throws: PaymentRecord.InvalidTransition.self, "nothing is owed yet") {
            try record.apply(.drawn(units: 1, by: buyer), at: 1)
        }
        try record.apply(.owed(reason: "not delivered"), at: 1)
        #expect(throws: PaymentRecord.InvalidTransition.self) { try record.apply(.owed(reason: "again"), at: 1) }
        try record.apply(.drawn(units: 400, by: buyer), at: 2)
        #expect(throws: PaymentRecord.InvalidTransition.self) { try record.apply(.drawn(units: 601, by: buyer), at: 2) }
        #expect(throws: PaymentRecord.InvalidTransition.self) { try record.apply(.drawn(units: 0, by: buyer), at: 2) }
        let refund = Refund(to: SamplePayment.payer, units: 600, transaction: nil)
        try record.apply(.refunding(refund), at: 3)
        #expect(throws: PaymentRecord.InvalidTransition.self) { try record.apply(.drawn(units: 1, by: buyer), at: 3) }
        #expect(throws: PaymentRecord.InvalidTransition.self) { try record.apply(.refunding(refund), at: 3) }
        try record.apply(.refundDropped(reason: "not sent"), at: 4)
        #expect(record.debt?.isOpen == true)
        try record.apply(.refunding(refund), at: 5)
        try record.apply(.refunded(SamplePayment.settlement(9)), at: 6)
        #expect(record.debt?.units == 0 && record.debt?.refunded == SamplePayment.settlement(9) && record.isOwed)
        #expect(throws: PaymentRecord.InvalidTransition.self) { try record.apply(.refundDropped(reason: "late"), at: 7) }
    }

    @Test func `what a deferred payment exposes ends when it settles or is released, not when it fails after being served`()
        throws
    {
        var record = PaymentRecord(SamplePayment.claim(1, policy: .deferred, exposure: 1_000), at: 100)
        #expect(record.openExposure == 1_000)
        try record.apply(.queued, at: 101)
        try record.apply(.served, at: 101)
        try record.apply(.failed(PaymentRefusal("insufficient_funds")), at: 102)
        #expect(record.openExposure == 1_000 && record.isUnpaid)
        try record.apply(.settled(SamplePayment.settlement(1)), at: 103)
        #expect(record.openExposure == 0 && !record.isUnpaid)
    }

    @Test func `a settlement ends doubt and sets the end`() throws {
        var record = try Self.record(in: .unknown)
        #expect(record.failure == PaymentRefusal("settlement_pending", detail: "timeout"))
        #expect(record.isUnderWay && record.endedAt == nil)
        try record.apply(.settled(SamplePayment.settlement(1)), at: 300)
        #expect(record.failure == nil)
        #expect(!record.isUnderWay && record.endedAt == 300)
        #expect(record.settlement == SamplePayment.settlement(1))
        #expect(record.transaction == SamplePayment.transaction(1))
    }

    @Test func `a failure keeps its reason`() throws {
        var record = try Self.record(in: .broadcast)
        try record.apply(.failed(PaymentRefusal("transaction_failed", detail: "reverted in block 7")), at: 300)
        #expect(record.failure == PaymentRefusal("transaction_failed", detail: "reverted in block 7"))
        #expect(record.endedAt == 300)
    }

    @Test func `serving, telling and owing are tracks beside the money`() throws {
        var record = try Self.record(in: .settled)
        #expect(!record.isServed && !record.isTold && !record.isOwed && !record.hasAnswer)
        for event: PaymentEvent in [.answered(SamplePayment.answer(1)), .served, .told, .owed(reason: "x")] {
            try record.apply(event, at: 400)
        }
        #expect(record.isServed && record.isTold && record.isOwed && record.hasAnswer)
        #expect(record.endedAt == 101, "the end stays when it was")
    }
}
