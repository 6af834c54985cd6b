// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollStoreSQLite
import TollTestKit

@Suite struct SQLiteSecretsTests {
    @Test(arguments: SecretStoreConformance.Rule.allCases) func conforms(rule: SecretStoreConformance.Rule) async throws {
        let ledger = try TemporaryLedger()
        let serving = try ledger.openSQLite()
        let command = try SQLitePaymentStore(path: ledger.path, sharing: true)
        try await SecretStoreConformance.run(rule, [serving, command])
        #expect(try await serving.verifyIntegrity().problems == [])
        await command.close()
        await serving.close()
    }

    @Test func `a secret survives the end of the process`() async throws {
        let ledger = try TemporaryLedger()
        for value: UInt8 in [1, 2] {
            let store = try ledger.openSQLite()
            #expect(try await SecretStoreConformance.ask(store, "passes", orElse: [value]) == [1])
            await store.close()
        }
    }
}
