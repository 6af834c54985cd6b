// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollTestKit

@Suite struct MemoryReferencesTests {
    @Test(arguments: ReferenceStoreConformance.Rule.allCases) func conforms(rule: ReferenceStoreConformance.Rule) async throws {
        try await ReferenceStoreConformance.run(rule, [MemoryPaymentStore()])
    }
}
