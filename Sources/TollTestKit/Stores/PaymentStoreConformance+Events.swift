// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives

extension PaymentStoreConformance {
    static func eventsStandInOrder(_ store: any PaymentStore) async throws {
        let claim = SamplePayment.claim(1)
        _ = try await self.claimFirst(store, claim, at: 100)
        var expected = [TimedEvent(time: 100, event: .claimed(claim))]
        for (step, batch) in SamplePayment.happyPath(1).enumerated() {
            try await store.append(batch, to: claim.id, at: 101 + Int64(step))
            for event in batch { expected.append(TimedEvent(time: 101 + Int64(step), event: self.asListed(event))) }
        }
        try self.expect(try await store.events(claim.id), is: expected, "the events")
    }

    static func recordIsFoldOfEvents(_ store: any PaymentStore) async throws {
        let claim = SamplePayment.claim(1)
        var expected = try await self.claimFirst(store, claim, at: 100)
        let batches: [[PaymentEvent]] = [
            [.answered(SamplePayment.answer(1))], [.signed(SamplePayment.transaction(1)), .broadcast],
            [.unknown(reason: "no receipt")], [.unknown(reason: "still none")], [.broadcast],
            [.settled(SamplePayment.settlement(1))],
            [.owed(reason: "the client went away")], [.told], [.served],
        ]
        for (step, batch) in batches.enumerated() {
            let time = 101 + Int64(step)
            let record = try await store.append(batch, to: claim.id, at: time)
            for event in batch { try expected.apply(event, at: time) }
            try self.expect(record, is: expected, "the record that append gives")
            try self.expect(try await store.record(claim.id), is: expected, "the record that is read")
        }
    }

    static func illegalEventWritesNothing(_ store: any PaymentStore) async throws {
        let claim = SamplePayment.claim(1)
        _ = try await self.claimFirst(store, claim)
        try await store.append([.answered(SamplePayment.answer(1))], to: claim.id, at: 101)
        try await self.expectDefect(store, [.broadcast], claim.id)
        try await self.expectDefect(store, [.claimed(claim)], claim.id)
        try await self.expectDefect(store, [.told], claim.id)
        // What comes before the illegal event is legal, and must not stay.
        try await self.expectDefect(store, [.signed(SamplePayment.transaction(1)), .released(reason: "too late")], claim.id)
        try await self.expectDefect(store, [.answered(SamplePayment.answer(2)), .untold], claim.id)
        let record = try await store.append([.signed(SamplePayment.transaction(1)), .broadcast], to: claim.id, at: 102)
        try self.expect(record.phase, is: .broadcast, "the phase after legal events")
    }

    static func settledIsFinal(_ store: any PaymentStore) async throws {
        let claim = SamplePayment.claim(1)
        _ = try await self.claimFirst(store, claim)
        try await store.append([.signed(SamplePayment.transaction(1)), .unknown(reason: "timeout")], to: claim.id, at: 101)
        let settled = try await store.append([.settled(SamplePayment.settlement(1))], to: claim.id, at: 102)
        try self.expect(settled.endedAt, is: 102, "the time of the end")
        for event: PaymentEvent in [
            .failed(PaymentRefusal("transaction_failed")), .released(reason: "late"), .signed(SamplePayment.transaction(2)),
            .broadcast,
            .unknown(reason: "late"), .settled(SamplePayment.settlement(2)), .claimed(claim),
        ] { try await self.expectDefect(store, [event], claim.id) }
        let held = try await self.claimHeld(store, SamplePayment.claim(1, request: "GET /again"))
        try self.expect(held, is: settled, "the record that a later claim is shown")
    }

    static func toldIsToldOnce(_ store: any PaymentStore) async throws {
        let claim = SamplePayment.claim(1)
        _ = try await self.claimFirst(store, claim)
        try await self.expectDefect(store, [.told], claim.id)
        try await store.append([.settled(SamplePayment.settlement(1))], to: claim.id, at: 101)
        try await self.expectDefect(store, [.untold], claim.id)
        for round in 0..<3 {
            let told = try await store.append([.told], to: claim.id, at: 102 + Int64(round))
            try self.expect(told.isTold, "told after being told")
            try await self.expectDefect(store, [.told], claim.id)
            let untold = try await store.append([.untold], to: claim.id, at: 102 + Int64(round))
            try self.expect(!untold.isTold, "untold after being untold")
        }
    }

    static func payloadIsVerbatim(_ store: any PaymentStore) async throws {
        let texts = [
            #"{"z":1,"a":2,"m":{"y":null,"b":[]}}"#,
            #"{"value":10.0,"other":1e1,"third":10,"huge":123456789012345678901234567890,"tiny":-0.000e-99}"#,
            #"{"text":"\"\\\b\f\n\r\t\u0000\u001f/é日本𝒳\u2028\u007f","":"empty name","e\u0301":"decomposed"}"#,
            #"{"extensions":{"unknown":{"deeply":[[[[{"kept":true}]]]]}},"extra":{"challenge":"AAAA"}}"#,
            "{}",
        ]
        for (number, text) in texts.enumerated() {
            let payload = try self.unwrap(try JSON(parsing: text).object, "an object")
            let claim = SamplePayment.claim(number, payload: payload)
            _ = try await self.claimFirst(store, claim)
            let record = try self.unwrap(try await store.record(claim.id), "the record")
            try self.expect(JSON.object(record.claim.payload).text, is: JSON.object(payload).text, "the payload's text")
        }
    }

    static func extremesSurvive(_ store: any PaymentStore) async throws {
        let template = SamplePayment.claim(1)
        let claim = Claim(
            key: template.key, payer: "",
            option: PaymentOption(asset: template.option.asset, amount: .max, payTo: "", maxTimeoutSeconds: .max),
            dialect: "",
            policy: .before,
            payload: [:],
            route: "",
            request: RequestIdentity(digest: nil, isRepeatable: false),
            challengeHash: nil,
            unusedAtBlock: .max,
            validBefore: .max
        )
        var expected = try await self.claimFirst(store, claim, at: .min)
        let batch: [PaymentEvent] = [
            .signed(SettlementTransaction(hash: "", raw: [], signer: "", nonce: .max)), .unknown(reason: ""),
            .settled(Settlement(transaction: "", block: .max, logIndex: .max)),
            .answered(StoredAnswer(status: .max, fields: [], body: [])),
        ]
        try await store.append(batch, to: claim.id, at: .max)
        for event in batch { try expected.apply(event, at: .max) }
        try self.expect(try await store.record(claim.id), is: expected, "the record")
        try self.expect(try await store.events(claim.id).map(\.event), is: [.claimed(claim)] + batch, "the events")
        try self.expect(try await store.answer(claim.id), is: StoredAnswer(status: .max, fields: [], body: []), "the answer")
    }

    /// An event as `events(_:)` gives it.
    private static func asListed(_ event: PaymentEvent) -> PaymentEvent {
        guard case .answered(let answer) = event else { return event }
        return .answered(StoredAnswer(status: answer.status, fields: [], body: []))
    }
}
