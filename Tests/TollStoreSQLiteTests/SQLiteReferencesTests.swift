// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollPrimitives
import TollTestKit

@testable import TollStoreSQLite

@Suite struct SQLiteReferencesTests {
    @Test(arguments: ReferenceStoreConformance.Rule.allCases) func conforms(rule: ReferenceStoreConformance.Rule) async throws {
        let ledger = try TemporaryLedger()
        let serving = try ledger.openSQLite()
        let command = try SQLitePaymentStore(path: ledger.path, sharing: true)
        try await ReferenceStoreConformance.run(rule, [serving, command])
        #expect(try await serving.verifyIntegrity().problems == [])
        await command.close()
        await serving.close()
    }

    @Test func `references and series survive the end of the process`() async throws {
        let ledger = try TemporaryLedger()
        var opened: [PaymentReference] = []
        for round in 0..<2 {
            let store = try ledger.openSQLite()
            for reference in opened { #expect(try await store.reference(reference.hash) == reference) }
            let outcome = try await store.open(SamplePayment.reference(round), startingAt: 0, limit: 10, at: 1_000)
            if case .opened(let reference) = outcome { opened.append(reference) }
            #expect(try await store.nextAddressIndex(in: "xpub") == UInt32(round))
            await store.close()
        }
        #expect(opened.map(\.option.amount) == [1_001, 1_002])
    }

    @Test func `a reference whose deposit does not show is found`() async throws {
        let ledger = try TemporaryLedger()
        let store = try ledger.openSQLite()
        _ = try await store.open(SamplePayment.reference(1), startingAt: 0, limit: 10, at: 1_000)
        _ = try await store.deposit(
            SamplePayment.deposit(1, for: SamplePayment.referenceHash(1)), SamplePayment.settlement(1), reason: "x", at: 1_001)
        #expect(try await store.verifyIntegrity().isSound)
        await store.close()
        try SQLiteConnection(path: ledger.path, access: .readWrite).script("UPDATE payment_references SET is_paid = 0")
        let again = try ledger.openSQLite()
        #expect(try await again.verifyIntegrity().problems.count == 1)
        await again.close()
    }
}
