// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollPrimitives
import TollTestKit

@testable import TollStoreSQLite

/// A ledger of the first version becomes one of the newest, or stays what it is.
@Suite struct MigrationTests {
    private static let path = "ledger.db"

    /// Holds a ledger's payments against those that version 1 had.
    private func expectAll(_ store: SQLitePaymentStore, _ place: Comment? = nil) async throws {
        for (index, record) in try Version1Ledger.records().enumerated() {
            #expect(try await store.record(record.id) == record, place)
            #expect(try await store.events(record.id).map(\.event) == Version1Ledger.histories[index], place)
        }
        #expect(try await store.verifyIntegrity().problems == [], place)
    }

    @Test func `a ledger of version 1 folds to the same records, and goes on`() async throws {
        let ledger = try TemporaryLedger()
        try Version1Ledger.write(to: ledger.path)
        try await withLedger(ledger) { _, store in
            try await self.expectAll(store)
            let answer = try await store.answer(SamplePayment.claim(1).id)
            #expect(answer?.status == 200 && answer?.body == Array("ok".utf8))
            #expect(try await store.pruneAnswers(endedBefore: .max) == 1)

            let signer = SamplePayment.transaction(4).signer
            let account = SignerAccount(network: SamplePayment.asset.network, address: signer, chainCount: 0)
            let signed = try await store.sign(as: account, at: 200) { number in
                let next = SettlementTransaction(hash: SamplePayment.hash(9), raw: [1], signer: signer, nonce: number)
                return [LedgerEntry(SamplePayment.claim(2).id, [.signed(next)])]
            }
            #expect(signed.first?.transaction?.nonce == 5, "numbers go on behind the last that was signed with")
            let credit = try await store.spendCredit(SamplePayment.claim(20, policy: .before, amount: 600), at: 201)
            guard case .first = credit else {
                Issue.record("what version 1 owed is credit: \(credit)")
                return
            }
            #expect(try await store.verifyIntegrity().problems == [])
        }
    }

    @Test(arguments: [FaultDisk.Fault.error, .full, .powerCut])
    func `a migration that fails in the middle leaves version 1, and is done the next time`(fault: FaultDisk.Fault) async throws {
        let disk = FaultDisk(seed: 402)
        try Version1Ledger.write(to: Self.path, vfs: disk.name)
        let original = try #require(disk[Self.path])
        var failures = 0
        for count in 0..<200 {
            let disk = FaultDisk(seed: UInt64(count))
            disk.replace(Self.path, with: original)
            disk.plan(fault, at: .write, after: count, times: fault == .powerCut ? 1 : .max)
            let broken = try? SQLitePaymentStore(path: Self.path, on: .simulated(disk.name))
            let isDone = broken != nil && disk.hasPower
            await broken?.close()
            disk.heal()
            disk.restorePower()
            if broken == nil {
                failures += 1
                let connection = try SQLiteConnection(path: Self.path, access: .readWrite, vfs: disk.name)
                let version = try connection.integer("PRAGMA user_version")
                let tables = try connection.integer("SELECT count(*) FROM sqlite_schema WHERE name IN ('signers', 'marks')")
                // The last write of a migration may be on disk although it was not told so.
                #expect((version, tables) == (1, 0) || (2...4).contains(version) && tables == 2, "write \(count)")
            }
            let store = try SQLitePaymentStore(path: Self.path, on: .simulated(disk.name))
            try await self.expectAll(store, "write \(count)")
            await store.close()
            if isDone { break }
        }
        #expect(failures > 5)
    }
}
