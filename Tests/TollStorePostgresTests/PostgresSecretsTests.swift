// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollStorePostgres
import TollTestKit

@Suite struct PostgresSecretsTests {
    @Test(arguments: SecretStoreConformance.Rule.allCases) func conforms(rule: SecretStoreConformance.Rule) async throws {
        try await withStores(3) { stores in try await SecretStoreConformance.run(rule, stores) }
    }
}
