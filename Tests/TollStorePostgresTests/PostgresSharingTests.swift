// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollPrimitives
import TollStorePostgres
import TollTestKit

/// Several gateways on one ledger: what one has, no other gets.
@Suite struct PostgresSharingTests {
    private static let network = SamplePayment.asset.network

    /// Runs `count` calls at once, each on the store whose turn it is.
    private static func race<Value: Sendable>(
        _ count: Int, over stores: [PostgresPaymentStore],
        _ call: @escaping @Sendable (PostgresPaymentStore, Int) async throws -> Value
    ) async throws -> [Value] {
        try await withThrowingTaskGroup(of: Value.self) { group in
            for number in 0..<count { group.addTask { try await call(stores[number % stores.count], number) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    @Test func `of two hundred claims of one payment by two gateways one is the first`() async throws {
        try await withStores(2) { stores in
            let outcomes = try await Self.race(200, over: stores) { store, _ in
                try await store.claim(SamplePayment.claim(1), at: 1)
            }
            #expect(outcomes.count { if case .first = $0 { true } else { false } } == 1)
            #expect(outcomes.count { if case .held = $0 { true } else { false } } == 199)
        }
    }

    @Test func `two hundred claims of as many payments by two gateways are all the first, in both their eyes`() async throws {
        try await withStores(2) { stores in
            let outcomes = try await Self.race(200, over: stores) { store, number in
                try await store.claim(SamplePayment.claim(number), at: 1)
            }
            #expect(outcomes.allSatisfy { if case .first = $0 { true } else { false } })
            for store in stores { #expect(try await store.records(PaymentQuery(limit: 1_000)).count == 200) }
        }
    }

    @Test func `a released payment is claimed again by one of two gateways`() async throws {
        try await withStores(2) { stores in
            let claim = SamplePayment.claim(1)
            _ = try await stores[0].claim(claim, at: 1)
            try await stores[1].append([.released(reason: "upstream 502")], to: claim.id, at: 2)
            let outcomes = try await Self.race(40, over: stores) { store, _ in try await store.claim(claim, at: 3) }
            #expect(outcomes.count { if case .first = $0 { true } else { false } } == 1)
            #expect(try await stores[0].record(claim.id)?.attempts == 2)
        }
    }

    @Test func `two gateways that sign as one account never take one number twice, and leave none out`() async throws {
        try await withStores(2) { stores in
            let account = SignerAccount(network: Self.network, address: "0xF39F", chainCount: 7)
            let records = try await Self.race(60, over: stores) { store, number in
                let claim = SamplePayment.claim(number)
                _ = try await store.claim(claim, at: 1)
                return try await store.sign(as: account, at: 2) { next in
                    let transaction = SettlementTransaction(
                        hash: "0x\(number)", raw: [1], signer: account.address, nonce: next)
                    return [LedgerEntry(claim.id, [.signed(transaction)])]
                }
            }
            #expect(records.flatMap { $0 }.compactMap { $0.transaction?.nonce }.sorted() == Array(7..<67))
        }
    }

    @Test func `work that one gateway takes the other does not get`() async throws {
        try await withStores(2) { stores in
            for number in 0..<40 { _ = try await stores[0].claim(SamplePayment.claim(number), at: 1) }
            let taken = try await Self.race(8, over: stores) { store, _ in
                try await store.takeWork(in: [.claimed], on: Self.network, limit: 5, leaseSeconds: 60, at: 10)
            }
            let names = taken.flatMap { $0 }.map(\.id)
            #expect(Set(names).count == names.count, "a payment was handed out twice")
            // What another was just taking was passed over, and is still there.
            let rest = try await stores[0].takeWork(in: [.claimed], on: Self.network, limit: 100, leaseSeconds: 60, at: 11)
            #expect(Set(names + rest.map(\.id)).count == 40)
            #expect(names.count + rest.count == 40)
        }
    }

    @Test func `deferred claims through two gateways keep one exposure`() async throws {
        try await withStores(2) { stores in
            let paid = SamplePayment.claim(1_000)
            _ = try await stores[0].claim(paid, at: 1)
            try await stores[0].append([.settled(SamplePayment.settlement(1))], to: paid.id, at: 2)
            let terms = DeferralTerms(perPayer: 1_000_000, total: 10_000, spendable: 1_000_000_000)
            let outcomes = try await Self.race(60, over: stores) { store, number in
                try await store.claim(SamplePayment.claim(number, policy: .deferred, exposure: 1_000), deferral: terms, at: 3)
            }
            #expect(outcomes.count { if case .first = $0 { true } else { false } } == 10)
            #expect(outcomes.count { if case .notDeferrable = $0 { true } else { false } } == 50)
        }
    }

    @Test func `an identifier that two gateways are shown at once names one payment`() async throws {
        try await withStores(2) { stores in
            let outcomes = try await Self.race(30, over: stores) { store, number in
                try await store.claim(SamplePayment.claim(number, identifier: "order-1"), at: 1)
            }
            #expect(outcomes.count { if case .first = $0 { true } else { false } } == 1)
            #expect(outcomes.count { if case .identifierTaken = $0 { true } else { false } } == 29)
        }
    }

    @Test func `credit that two gateways are asked for at once is spent once`() async throws {
        try await withStores(2) { stores in
            let owed = SamplePayment.claim(1_000, amount: 5_000)
            _ = try await stores[0].claim(owed, at: 1)
            try await stores[0].append(
                [.settled(SamplePayment.settlement(1)), .owed(reason: "not delivered")], to: owed.id, at: 2)
            let outcomes = try await Self.race(20, over: stores) { store, number in
                try await store.spendCredit(SamplePayment.claim(number, policy: .before, amount: 1_000), at: 3)
            }
            #expect(outcomes.count { if case .first = $0 { true } else { false } } == 5)
            #expect(try await stores[1].record(owed.id)?.debt?.units == .zero)
        }
    }

    @Test func `payments that two gateways write in opposite order make no deadlock`() async throws {
        let ledger = SharedLedger()
        try await withStores(2, on: ledger) { stores in
            let names = (0..<20).map { SamplePayment.claim($0).id }
            for number in 0..<20 { _ = try await stores[0].claim(SamplePayment.claim(number), at: 1) }
            _ = try await Self.race(40, over: stores) { store, number in
                let entries = names.map { LedgerEntry($0, [.served]) }
                try await store.append(number.isMultiple(of: 2) ? entries : entries.reversed(), at: 2)
            }
            for name in names { #expect(try await stores[0].events(name).count == 41) }
        }
        #expect(try await ledger.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == "0")
    }
}
