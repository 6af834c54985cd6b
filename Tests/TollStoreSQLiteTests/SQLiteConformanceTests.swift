// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollStoreSQLite
import TollTestKit

/// The SQLite ledger keeps every rule, none excluded.
@Suite struct SQLiteConformanceTests {
    @Test(arguments: PaymentStoreConformance.Rule.allCases)
    func conforms(rule: PaymentStoreConformance.Rule) async throws {
        try await PaymentStoreConformance { try TemporaryLedger() }.run(rule)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `after random traffic every row says what its events say, also after reopening`(seed: UInt64) async throws {
        let ledger = try TemporaryLedger()
        var store = try ledger.openSQLite()
        for (step, call) in LedgerTraffic(seed: seed).prefix(400).enumerated() {
            switch call {
            case .claim(let claim, let time): _ = try await store.claim(claim, at: time)
            case .append(let events, let id, let time): _ = try? await store.append(events, to: id, at: time)
            case .prune(let time): _ = try await store.pruneAnswers(endedBefore: time)
            }
            guard step.isMultiple(of: 150) else { continue }
            await store.close()
            store = try ledger.openSQLite()
        }
        let integrity = try await store.verifyIntegrity()
        #expect(integrity.problems == [])
        #expect(try await store.records(PaymentQuery(limit: .max)).count == integrity.paymentCount)
        await store.close()
    }
}
