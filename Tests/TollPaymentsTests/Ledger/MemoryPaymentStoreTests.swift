// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollTestKit

/// The ledger in memory keeps every rule but the one about outliving its process.
@Suite struct MemoryPaymentStoreTests {
    struct Harness: PaymentStoreHarness {
        func open() -> any PaymentStore { MemoryPaymentStore() }
        func close(_ store: any PaymentStore) {}
    }

    static let excluded: [PaymentStoreConformance.Rule: String] = [
        .nothingIsLostByReopening: "a ledger in memory ends with its process, as it says"
    ]

    @Test(arguments: PaymentStoreConformance.Rule.allCases.filter { excluded[$0] == nil })
    func conforms(rule: PaymentStoreConformance.Rule) async throws {
        try await PaymentStoreConformance { Harness() }.run(rule)
    }
}
