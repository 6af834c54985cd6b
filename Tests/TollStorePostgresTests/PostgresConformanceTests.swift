// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollStorePostgres
import TollTestKit

/// The PostgreSQL ledger keeps every rule, none excluded, over a real server.
@Suite struct PostgresConformanceTests {
    @Test(arguments: PaymentStoreConformance.Rule.allCases)
    func conforms(rule: PaymentStoreConformance.Rule) async throws {
        try await PaymentStoreConformance { SharedLedger() }.run(rule)
    }

    @Test func `texts that PostgreSQL cannot hold come back`() async throws {
        try await withStores(1) { stores in
            let claim = SamplePayment.claim(1, route: "/a\0b\u{E000}c")
            let refusal = PaymentRefusal("reverted\0", detail: "\0\0")
            _ = try await stores[0].claim(claim, at: 1)
            try await stores[0].append([.failed(refusal)], to: claim.id, at: 2)
            #expect(try await stores[0].record(claim.id)?.claim == claim)
            #expect(try await stores[0].record(claim.id)?.failure == refusal)
        }
    }
}
