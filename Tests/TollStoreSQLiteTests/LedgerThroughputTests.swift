// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TollPayments
import TollPrimitives
import TollTestKit

@testable import TollStoreSQLite

/// What a claim costs. Measures and asserts little, so it runs only when asked for: `TOLLGATE_BENCHMARK=1 swift test -c release`.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["TOLLGATE_BENCHMARK"] != nil, "a benchmark"))
struct LedgerThroughputTests {
    private static let claimCount = 40_000
    private static let callerCount = 64

    /// Claims of a thousand payers, made before the clock runs.
    private static func claims(_ policy: SettlePolicy) -> [Claim] {
        (0..<self.claimCount).map { number in
            let payer = Hex.encodePrefixed(Array(Keccak256.hash(text: "payer \(number % 1_000)").bytes.prefix(20)))
            let sample = SamplePayment.claim(number, policy: policy)
            return Claim(
                key: PaymentKey(
                    network: sample.key.network, asset: sample.key.asset, payer: payer,
                    nonce: Hex.encodePrefixed(Keccak256.hash(text: "\(number)").bytes)),
                payer: payer, option: sample.option, dialect: sample.dialect, policy: policy, payload: sample.payload,
                route: sample.route, request: sample.request, challengeHash: sample.challengeHash,
                unusedAtBlock: sample.unusedAtBlock, validBefore: sample.validBefore, exposure: policy == .deferred ? 1_000 : 0
            )
        }
    }

    /// Runs `body` for every claim, from as many callers at once as a busy gateway has; prints what one cost.
    private static func measure(
        _ name: String, _ claims: [Claim], _ body: @escaping @Sendable (Claim) async throws -> Void
    ) async throws {
        let (clock, cpu) = (ContinuousClock().now, self.cpuMicroseconds())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<self.callerCount {
                group.addTask {
                    for index in stride(from: caller, to: claims.count, by: self.callerCount) { try await body(claims[index]) }
                }
            }
            try await group.waitForAll()
        }
        let wall = (ContinuousClock().now - clock).components
        let microseconds = wall.seconds * 1_000_000 + wall.attoseconds / 1_000_000_000_000
        let perSecond = Int64(claims.count) * 1_000_000 / max(1, microseconds)
        let nanoseconds = (self.cpuMicroseconds() - cpu) * 1_000 / Int64(claims.count)
        print("\(name): \(perSecond)/s, CPU \(nanoseconds) ns each")
    }

    /// User and system time of this process.
    private static func cpuMicroseconds() -> Int64 {
        var usage = rusage()
        _ = unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Int64(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1_000_000
            + Int64(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
    }

    @Test func `claims by 64 callers at once`() async throws {
        try await withLedger { _, store in
            let claims = Self.claims(.after)
            try await Self.measure("claim", claims) { claim in
                guard case .first = try await store.claim(claim, at: 100) else { throw StoreError.defect("held") }
            }
            try await Self.measure("signed", claims) { claim in
                try await store.append([.signed(SamplePayment.transaction(1))], to: claim.id, at: 101)
            }
            let count = try await store.verifyIntegrity().paymentCount
            #expect(count == Self.claimCount)
        }
    }

    @Test func `deferred claims by 64 callers at once`() async throws {
        try await withLedger { _, store in
            let claims = Self.claims(.deferred)
            for first in Self.claims(.before).prefix(1_000) {
                _ = try await store.claim(Self.other(first), at: 90)
                try await store.append([.settled(SamplePayment.settlement(1))], to: Self.other(first).id, at: 91)
            }
            let terms = DeferralTerms(perPayer: .max, total: .max, spendable: .max)
            try await Self.measure("deferred claim", claims) { claim in
                let outcome = try await store.claim(claim, deferral: terms, at: 100)
                guard case .first = outcome else { throw StoreError.defect("\(outcome)") }
            }
            try await Self.measure("queued and served", claims) { claim in
                try await store.append([.queued, .served], to: claim.id, at: 101)
            }
        }
    }

    /// An earlier payment of the same payer.
    private static func other(_ claim: Claim) -> Claim {
        Claim(
            key: PaymentKey(network: claim.key.network, asset: claim.key.asset, payer: claim.key.payer, nonce: "0x00"),
            payer: claim.payer, option: claim.option, dialect: claim.dialect, policy: claim.policy, payload: claim.payload,
            route: claim.route, request: claim.request, challengeHash: nil, unusedAtBlock: 1, validBefore: 1)
    }
}
