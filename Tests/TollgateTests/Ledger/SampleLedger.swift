// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollPayments
import TollPrimitives
import TollRuntime
import TollTestKit

@testable import tollgate

/// A ledger with one payment of each kind, on two days.
enum SampleLedger {
    /// 2024-01-01T12:00:00Z.
    static let noon: Int64 = 1_704_110_400
    static let day: Int64 = 86_400
    static let route = "GET /weather/*"

    static func claim(_ number: Int, amount: UInt256 = 1_000, policy: SettlePolicy = .after) -> Claim {
        SamplePayment.claim(number, policy: policy, route: self.route, amount: amount, validBefore: self.noon + 300)
    }

    /// Settled and served; owed, and spent in part as credit; failed after it was served; claimed; released; on the next day
    /// refunded.
    static func store() async throws -> MemoryPaymentStore {
        let store = MemoryPaymentStore()
        try await self.settle(1, [.served], in: store)
        try await self.settle(2, [.owed(reason: "upstream 502")], amount: 2_500, in: store)
        _ = try await store.claim(self.claim(3, policy: .deferred), at: self.noon + 3)
        try await store.append(
            [.queued, .served, .failed(PaymentRefusal("insufficient_funds", detail: "balance 0"))],
            to: self.claim(3, policy: .deferred).id, at: self.noon + 3)
        _ = try await store.claim(self.claim(4), at: self.noon + 4)
        _ = try await store.claim(self.claim(5), at: self.noon + 5)
        try await store.append([.released(reason: "status 500")], to: self.claim(5).id, at: self.noon + 5)
        _ = try await store.spendCredit(self.claim(6, amount: 700), at: self.noon + 6)
        let refund = Refund(to: SamplePayment.payer, units: 1_000, transaction: nil)
        try await self.settle(
            7, [.owed(reason: "timeout"), .refunding(refund), .refunded(SamplePayment.settlement(8))], at: self.noon + self.day,
            in: store)
        return store
    }

    static func settle(
        _ number: Int, _ more: [PaymentEvent] = [], amount: UInt256 = 1_000, at time: Int64? = nil,
        in store: MemoryPaymentStore
    ) async throws {
        let (claim, time) = (self.claim(number, amount: amount), time ?? self.noon + Int64(number))
        _ = try await store.claim(claim, at: time)
        let events: [PaymentEvent] = [
            .signed(SamplePayment.transaction(number)), .broadcast, .settled(SamplePayment.settlement(number)),
        ]
        try await store.append(events + more, to: claim.id, at: time)
    }
}

/// What was printed.
final class PrintedText: Sendable {
    private let written = Mutex("")
    var text: String { self.written.withLock { $0 } }
    func write(_ text: String) { self.written.withLock { $0 += text } }
}
