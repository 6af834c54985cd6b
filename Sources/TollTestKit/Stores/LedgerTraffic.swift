// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments
internal import TollPrimitives

/// Random calls to a ledger, the same for the same seed: legal and illegal, over a few payments, so that they often meet.
public struct LedgerTraffic: Sequence, IteratorProtocol, Sendable {
    /// One call.
    public enum Call: Sendable {
        /// A claim at a time.
        case claim(Claim, Int64)
        /// Events for a payment at a time.
        case append([PaymentEvent], PaymentID, Int64)
        /// Answers that are old enough are forgotten.
        case prune(Int64)
    }

    private var random: SplitMix64
    private let paymentCount: Int
    private var time: Int64 = 1_000

    /// Endless calls about `paymentCount` payments.
    public init(seed: UInt64, paymentCount: Int = 12) {
        self.random = SplitMix64(state: seed)
        self.paymentCount = paymentCount
    }

    /// The payments that the calls are about.
    public var payments: [PaymentID] { (0..<self.paymentCount).map { SamplePayment.claim($0).id } }

    /// The next call; never nil.
    public mutating func next() -> Call? {
        self.time += Int64.random(in: 0...2, using: &self.random)
        let number = Int.random(in: 0..<self.paymentCount, using: &self.random)
        switch Int.random(in: 0..<20, using: &self.random) {
        case 0..<5: return .claim(self.claim(number), self.time)
        case 5: return .prune(self.time - Int64.random(in: 0...30, using: &self.random))
        default:
            let count = [1, 1, 1, 2, 3].randomElement(using: &self.random) ?? 1
            return .append((0..<count).map { _ in self.event(number) }, SamplePayment.claim(number).id, self.time)
        }
    }

    private mutating func claim(_ number: Int) -> Claim {
        SamplePayment.claim(
            number,
            dialect: Bool.random(using: &self.random) ? "x402" : "x402-v1",
            policy: number.isMultiple(of: 3) ? .deferred : .after,
            request: "GET /\(Int.random(in: 0..<9, using: &self.random))"
        )
    }

    private mutating func refund(_ number: Int) -> PaymentEvent {
        switch Int.random(in: 0..<3, using: &self.random) {
        case 0:
            .refunding(
                Refund(
                    to: SamplePayment.payer, units: 1_000,
                    transaction: Bool.random(using: &self.random) ? SamplePayment.transaction(number) : nil))
        case 1: .refundDropped(reason: "not sent")
        default: .refunded(SamplePayment.settlement(number))
        }
    }

    private mutating func event(_ number: Int) -> PaymentEvent {
        switch Int.random(in: 0..<19, using: &self.random) {
        case 0: .claimed(self.claim(number))
        case 1: .answered(SamplePayment.answer(Int.random(in: 0..<9, using: &self.random)))
        case 2, 3: .signed(SamplePayment.transaction(number))
        case 4: .broadcast
        case 5: .unknown(reason: "timeout")
        case 6: .settled(SamplePayment.settlement(number))
        case 7: Int.random(in: 0..<3, using: &self.random) == 0 ? .failed(PaymentRefusal("reverted", detail: "x")) : .broadcast
        case 8: .released(reason: "upstream 502")
        case 9: .served
        case 10: Bool.random(using: &self.random) ? .told : .untold
        case 11: .queued
        case 12: .signed(SamplePayment.replacement(number, Int.random(in: 1..<4, using: &self.random)))
        case 13: .returned(reason: "its number was used", transaction: nil)
        case 14: .vanished(reason: "reorganised")
        case 15: .drawn(units: UInt256(UInt64.random(in: 1...600, using: &self.random)), by: SamplePayment.claim(99).id)
        case 16: self.refund(number)
        case 17: .takenOver(by: SamplePayment.worker(Int.random(in: 0..<4, using: &self.random)))
        default: .owed(reason: "not delivered")
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
private struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension PaymentStoreConformance {
    static func agreesWithTheModel(_ store: any PaymentStore) async throws {
        let model = MemoryPaymentStore()
        let traffic = LedgerTraffic(seed: 402)
        for (step, call) in traffic.prefix(800).enumerated() {
            try self.expect(await self.outcome(of: call, store), is: await self.outcome(of: call, model), "step \(step), \(call)")
        }
        for id in traffic.payments {
            try self.expect(try await store.record(id), is: try await model.record(id), "the record")
            try self.expect(try await store.events(id), is: try await model.events(id), "the events")
            try self.expect(try await store.answer(id), is: try await model.answer(id), "the answer")
        }
        let all = try await store.records(PaymentQuery(limit: .max))
        try self.expect(all, is: try await model.records(PaymentQuery(limit: .max)), "all records")
    }

    /// What a call came to, as far as two ledgers must agree on it.
    private enum Outcome: Equatable {
        case claimed(ClaimOutcome)
        case appended(PaymentRecord)
        case pruned(Int)
        case defect
        case unavailable(String)
    }

    private static func outcome(of call: LedgerTraffic.Call, _ store: any PaymentStore) async -> Outcome {
        do throws(StoreError) {
            switch call {
            case .claim(let claim, let time): return .claimed(try await store.claim(claim, at: time))
            case .append(let events, let id, let time): return .appended(try await store.append(events, to: id, at: time))
            case .prune(let time): return .pruned(try await store.pruneAnswers(endedBefore: time))
            }
        } catch {
            return error.isDefect ? .defect : .unavailable(error.reason)
        }
    }
}
