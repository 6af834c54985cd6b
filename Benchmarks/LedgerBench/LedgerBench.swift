// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPayments
import TollStoreSQLite
import TollTestKit

/// How long a claim takes in a ledger. `bench.py` runs this, and fills the ledger in between.
///
///     LedgerBench settle FILE                 makes a ledger in which one payment is settled and served
///     LedgerBench claim FILE COUNT AT_ONCE    claims payments that are new to it; prints microseconds, one claim a line
@main
enum LedgerBench {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        switch (arguments.first, arguments.dropFirst().map { $0 }) {
        case ("settle", let rest) where rest.count == 1:
            try await self.settle(SQLitePaymentStore(path: rest[0]))
        case ("claim", let rest) where rest.count == 3:
            guard let count = Int(rest[1]), let atOnce = Int(rest[2]), count > 0, atOnce > 0 else { fallthrough }
            for duration in try await self.claim(SQLitePaymentStore(path: rest[0]), count: count, atOnce: atOnce) {
                print(duration / .microseconds(1))
            }
        default: print("usage: LedgerBench settle FILE | claim FILE COUNT AT_ONCE")
        }
    }

    private static func settle(_ ledger: SQLitePaymentStore) async throws {
        let claim = SamplePayment.claim(0)
        _ = try await ledger.claim(claim, at: 1_700_000_000)
        for events in SamplePayment.happyPath(0) { try await ledger.append(events, to: claim.id, at: 1_700_000_001) }
    }

    /// The duration of each claim, `atOnce` of them waiting at any time.
    private static func claim(_ ledger: SQLitePaymentStore, count: Int, atOnce: Int) async throws -> [Duration] {
        // Numbers that no earlier run of this program has used.
        let first = Int.random(in: 1...(1 << 60))
        return try await withThrowingTaskGroup(of: [Duration].self) { group in
            for worker in 0..<atOnce {
                let numbers = stride(from: first + worker, to: first + count, by: atOnce)
                group.addTask { try await self.claimInTurn(ledger, numbers) }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }

    private static func claimInTurn(_ ledger: SQLitePaymentStore, _ numbers: StrideTo<Int>) async throws -> [Duration] {
        let clock = ContinuousClock()
        var durations: [Duration] = []
        for number in numbers {
            let claim = SamplePayment.claim(number, validBefore: 1_800_000_000)
            let began = clock.now
            guard case .first = try await ledger.claim(claim, at: 1_700_000_002) else {
                throw StoreError.defect("a new payment was held")
            }
            durations.append(clock.now - began)
        }
        return durations
    }
}
