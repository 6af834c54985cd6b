// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollStorePostgres
import TollTestKit

@Suite struct PostgresOutboxTests {
    @Test(arguments: NoticeOutboxConformance.Rule.allCases) func conforms(rule: NoticeOutboxConformance.Rule) async throws {
        try await withStores(1) { stores in try await NoticeOutboxConformance.run(rule, stores[0]) }
    }

    @Test func `of several gateways that take at once each notice is one's`() async throws {
        try await withStores(3) { stores in
            try await stores[0].subscribe(["a"], at: 100)
            for number in 1...30 {
                let claim = SamplePayment.claim(number)
                _ = try await stores[number % 3].claim(claim, at: 101)
                try await stores[number % 3].append([.failed(PaymentRefusal("expired"))], to: claim.id, at: 101)
            }
            let taken = try await withThrowingTaskGroup(of: [Notice].self) { group in
                for round in 0..<30 {
                    group.addTask { try await stores[round % 3].takeNotices(of: "a", limit: 2, leaseSeconds: 60, at: 102) }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(Set(taken.map(\.number)).count == taken.count)
            let rest = try await stores[1].takeNotices(of: "a", limit: 100, leaseSeconds: 60, at: 102)
            #expect(taken.count + rest.count == 30)
        }
    }
}
