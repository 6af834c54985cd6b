// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollTestKit

/// What may follow what: every event in every phase, against a table written down by hand.
@Suite struct PaymentRecordTests {
    typealias Phase = PaymentRecord.Phase

    /// For each phase the events that may follow, and the phase they lead to. Whatever is not here is refused.
    static let legal: [Phase: [String: Phase]] = [
        .claimed: [
            "answered": .claimed, "signed": .signed, "settled": .settled, "failed": .failed, "unknown": .unknown,
            "released": .released,
            "served": .claimed,
        ],
        .signed: ["broadcast": .broadcast, "unknown": .unknown, "settled": .settled, "failed": .failed, "served": .signed],
        .broadcast: ["unknown": .unknown, "settled": .settled, "failed": .failed, "served": .broadcast],
        .unknown: ["broadcast": .broadcast, "unknown": .unknown, "settled": .settled, "failed": .failed, "served": .unknown],
        .settled: ["answered": .settled, "told": .settled, "served": .settled, "owed": .settled],
        .failed: ["served": .failed],
        .released: ["claimed": .claimed, "served": .released],
    ]

    /// One event of each kind.
    static let events: [PaymentEvent] = [
        .claimed(SamplePayment.claim(1)), .answered(SamplePayment.answer(1)), .signed(SamplePayment.transaction(1)), .broadcast,
        .unknown(reason: "timeout"), .settled(SamplePayment.settlement(1)), .failed(PaymentRefusal("reverted")),
        .released(reason: "upstream 500"), .served, .told, .untold, .owed(reason: "not delivered"),
    ]

    /// The shortest way to each phase.
    static func record(in phase: Phase) throws -> PaymentRecord {
        let way: [PaymentEvent] =
            switch phase {
            case .claimed: []
            case .signed: [.signed(SamplePayment.transaction(1))]
            case .broadcast: [.signed(SamplePayment.transaction(1)), .broadcast]
            case .unknown: [.signed(SamplePayment.transaction(1)), .unknown(reason: "timeout")]
            case .settled: [.settled(SamplePayment.settlement(1))]
            case .failed: [.failed(PaymentRefusal("reverted"))]
            case .released: [.released(reason: "upstream 500")]
            }
        var record = PaymentRecord(SamplePayment.claim(1), at: 100)
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
        #expect(Set(Self.events.map(\.name)).count == 12)
        let named = Set(Self.legal.values.flatMap(\.keys))
        #expect(Set(Self.events.map(\.name)).subtracting(named) == ["untold"], "untold needs told first and is tried below")
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
