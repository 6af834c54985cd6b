// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollStorePostgres
import TollTestKit

@Suite struct PostgresReferencesTests {
    @Test(arguments: ReferenceStoreConformance.Rule.allCases.filter { $0 != .noneIsFree })
    func conforms(rule: ReferenceStoreConformance.Rule) async throws {
        try await withStores(3) { stores in try await ReferenceStoreConformance.run(rule, stores) }
    }

    /// Ten thousand commits take long: the amounts are filled by one statement.
    @Test func `when all amounts are taken none is given, and the last free one is found`() async throws {
        let ledger = SharedLedger()
        try await withStores(3, on: ledger) { stores in
            _ = try await stores[0].open(
                SamplePayment.reference(1_000, binding: .signature), startingAt: 0, limit: 10, at: 1_000)
            try await ledger.execute(
                """
                INSERT INTO payment_references (hash, kind, network, recipient, asset, amount, expires, is_paid, detail)
                SELECT sha256(unit::text::bytea), kind, network, recipient, asset,
                    decode(lpad(to_hex(1000 + unit), 64, '0'), 'hex'), expires, is_paid, detail
                FROM payment_references, generate_series(1, \(PaymentReference.extraMax)) AS unit WHERE unit NOT IN (7000, 20)
                """)
            try await ReferenceStoreConformance.findsGaps(stores, [7_000, 20])
        }
    }
}
