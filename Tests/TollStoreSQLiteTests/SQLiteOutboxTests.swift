// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollStoreSQLite
import TollTestKit

@Suite struct SQLiteOutboxTests {
    @Test(arguments: NoticeOutboxConformance.Rule.allCases) func conforms(rule: NoticeOutboxConformance.Rule) async throws {
        let ledger = try TemporaryLedger()
        let store = try ledger.openSQLite()
        try await NoticeOutboxConformance.run(rule, store)
        #expect(try await store.verifyIntegrity().problems == [])
        await store.close()
    }

    @Test func `what a command writes beside the gateway is noted, and nothing is lost by reopening`() async throws {
        let ledger = try TemporaryLedger()
        let serving = try ledger.openSQLite()
        try await serving.subscribe(["a"], at: 100)
        let command = try SQLitePaymentStore(path: ledger.path, sharing: true)
        let claim = SamplePayment.claim(1)
        _ = try await command.claim(claim, at: 101)
        try await command.append([.failed(PaymentRefusal("expired"))], to: claim.id, at: 102)
        await command.close()
        await serving.close()
        let again = try ledger.openSQLite()
        let notices = try await again.takeNotices(of: "a", limit: 10, leaseSeconds: 60, at: 102)
        #expect(notices.map(\.subject) == [.event(claim.id, sequence: 2)])
        await again.close()
    }
}
