// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollTestKit

@Suite struct MemorySecretsTests {
    @Test(arguments: SecretStoreConformance.Rule.allCases) func conforms(rule: SecretStoreConformance.Rule) async throws {
        try await SecretStoreConformance.run(rule, [MemoryPaymentStore()])
    }
}
