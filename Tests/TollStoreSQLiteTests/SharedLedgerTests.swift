// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollPrimitives
import TollTestKit

@testable import TollStoreSQLite

/// A command writes to the ledger beside the process that serves from it.
@Suite struct SharedLedgerTests {
    private static let account = SignerAccount(network: SamplePayment.asset.network, address: "0xSigner", chainCount: 3)

    /// Runs `body` with the store that serves and one that shares its file.
    private func withBoth(_ body: (SQLitePaymentStore, SQLitePaymentStore) async throws -> Void) async throws {
        try await withLedger { ledger, serving in
            let sharing = try SQLitePaymentStore(path: ledger.path, sharing: true)
            let result: Result<Void, any Error>
            do { result = .success(try await body(serving, sharing)) } catch { result = .failure(error) }
            await sharing.close()
            try result.get()
        }
    }

    @Test func `what the other process wrote is known to the next write`() async throws {
        try await self.withBoth { serving, sharing in
            let id = SamplePayment.claim(1).id
            _ = try await serving.claim(SamplePayment.claim(1), at: 100)
            try await serving.append([.settled(SamplePayment.settlement(1)), .owed(reason: "not delivered")], to: id, at: 101)
            let refund = Refund(to: SamplePayment.payer, units: 1_000, transaction: nil)
            try await sharing.append([.refunding(refund)], to: id, at: 102)
            await #expect(throws: StoreError.self, "the debt is on its way back") {
                try await serving.append([.drawn(units: 1, by: SamplePayment.claim(2).id)], to: id, at: 103)
            }
            let credit = try await serving.spendCredit(SamplePayment.claim(2, policy: .before), at: 103)
            #expect(credit == .insufficient)
            try await sharing.append([.refundDropped(reason: "not sent")], to: id, at: 104)
            let record = try await serving.append([.served], to: id, at: 105)
            #expect(record.debt?.isOpen == true && record.isServed)
            #expect(try await serving.verifyIntegrity().problems == [])
        }
    }

    @Test func `exposures count what the other process wrote`() async throws {
        try await self.withBoth { serving, sharing in
            let settled = SamplePayment.claim(1)
            _ = try await serving.claim(settled, at: 90)
            try await serving.append([.settled(SamplePayment.settlement(1))], to: settled.id, at: 91)
            let terms = DeferralTerms(perPayer: 2_000, total: 2_000, spendable: 1_000_000)
            let claims = (2...9).map { SamplePayment.claim($0, policy: .deferred, exposure: 1_000) }
            var outcomes: [Bool] = []
            for (index, claim) in claims.prefix(4).enumerated() {
                let store = index.isMultiple(of: 2) ? serving : sharing
                if case .first = try await store.claim(claim, deferral: terms, at: 100) {
                    outcomes.append(true)
                } else {
                    outcomes.append(false)
                }
            }
            #expect(outcomes == [true, true, false, false])
            try await sharing.append([.settled(SamplePayment.settlement(2))], to: claims[0].id, at: 101)
            guard case .first = try await serving.claim(claims[5], deferral: terms, at: 102) else {
                Issue.record("what the other process settled is no exposure any more")
                return
            }
            guard case .notDeferrable = try await serving.claim(claims[6], deferral: terms, at: 102) else {
                Issue.record("the exposure is used up again")
                return
            }
        }
    }

    @Test func `both write at once, and neither loses anything or takes the other's number`() async throws {
        try await self.withBoth { serving, sharing in
            let numbers = try await withThrowingTaskGroup(of: UInt64?.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        let store = number.isMultiple(of: 2) ? serving : sharing
                        let id = SamplePayment.claim(number).id
                        _ = try await store.claim(SamplePayment.claim(number), at: 100)
                        let signed = try await store.sign(as: Self.account, at: 101) { next in
                            let transaction = SettlementTransaction(
                                hash: SamplePayment.hash(number), raw: [1], signer: Self.account.address, nonce: next)
                            return [LedgerEntry(id, [.signed(transaction)])]
                        }
                        return signed.first?.transaction?.nonce
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(numbers.compactMap(\.self).sorted() == Array(3..<203))
            #expect(try await sharing.verifyIntegrity().paymentCount == 200)
            #expect(try await serving.verifyIntegrity().problems == [])
        }
    }

    @Test func `a ledger that is not there is not made`() throws {
        let ledger = try TemporaryLedger()
        let error = #expect(throws: StoreError.self) { try SQLitePaymentStore(path: ledger.path, sharing: true) }
        #expect(error?.reason.contains(ledger.path) == true)
        #expect(throws: StoreError.self) { try SQLitePaymentReader(path: ledger.path) }
    }

    @Test func `a ledger of an older version is left to whoever serves from it`() throws {
        let ledger = try TemporaryLedger()
        try Version1Ledger.write(to: ledger.path)
        let error = #expect(throws: StoreError.self) { try SQLitePaymentStore(path: ledger.path, sharing: true) }
        #expect(error?.reason.contains("older Tollgate") == true)
        let reading = #expect(throws: StoreError.self) { try SQLitePaymentReader(path: ledger.path) }
        #expect(reading == error)
        let connection = try SQLiteConnection(path: ledger.path, access: .readOnly)
        #expect(try connection.integer("PRAGMA user_version") == 1)
    }
}
