// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TollPayments
import TollTestKit

@testable import TollStoreSQLite

/// A ledger that cannot be opened is refused with the reason, and nothing in it is overwritten.
@Suite struct StartupFaultTests {
    private static let path = "ledger.db"

    private func open(_ disk: FaultDisk) throws(StoreError) -> SQLitePaymentStore {
        try SQLitePaymentStore(path: Self.path, on: .simulated(disk.name))
    }

    /// A closed ledger of a few payments, in one file.
    private func ledger() async throws -> [UInt8] {
        let disk = FaultDisk(seed: 1)
        let store = try self.open(disk)
        for number in 0..<40 { _ = try await store.claim(SamplePayment.claim(number), at: 100) }
        await store.close()
        return try #require(disk[Self.path])
    }

    @Test func `a byte flipped in the header is refused without a change, or harms nothing`() async throws {
        let sound = try await self.ledger()
        var refused = 0
        for offset in 0..<100 {
            var bytes = sound
            bytes[offset] ^= 0x5A
            let disk = FaultDisk(seed: 1)
            disk.replace(Self.path, with: bytes)
            do {
                let store = try self.open(disk)
                // Counters, sizes and versions of no consequence. What is read is what was written, or an error.
                for number in 0..<40 {
                    guard let record = try? await store.record(SamplePayment.claim(number).id) else { continue }
                    #expect(record == PaymentRecord(SamplePayment.claim(number), at: 100), "byte \(offset)")
                }
                await store.close()
            } catch {
                refused += 1
                #expect(!error.isDefect && error.reason.contains(Self.path), "byte \(offset): \(error.reason)")
                #expect(disk[Self.path] == bytes, "byte \(offset): the file was changed")
            }
        }
        #expect(refused > 25, "\(refused) of 100")
    }

    @Test(arguments: [1, 99, 4_095, 4_096, 9_000, 30_000])
    func `a ledger cut short is refused or told as corrupt, and its payments are not taken again`(byteCount: Int) async throws {
        let disk = FaultDisk(seed: 1)
        let bytes = Array(try await self.ledger().prefix(byteCount))
        disk.replace(Self.path, with: bytes)
        do {
            let store = try self.open(disk)
            let error = await #expect(throws: StoreError.self) { try await store.claim(SamplePayment.claim(1), at: 200) }
            #expect(error?.reason.contains("corrupt") == true)
            await store.close()
        } catch {
            #expect(!error.isDefect && error.reason.contains(Self.path), "\(error.reason)")
            #expect(disk[Self.path] == bytes)
        }
    }

    @Test func `a directory in the ledger's place is named`() throws {
        let ledger = try TemporaryLedger()
        try FileManager.default.createDirectory(atPath: ledger.path, withIntermediateDirectories: false)
        let error = #expect(throws: StoreError.self) { try SQLitePaymentStore(path: ledger.path) }
        #expect(error?.reason.contains(ledger.path) == true && error?.reason.contains("Is a directory") == true)
    }

    @Test(.enabled(if: geteuid() != 0, "the superuser may write everywhere"))
    func `a ledger that may only be read is named, and left as it is`() async throws {
        let ledger = try TemporaryLedger()
        await (try ledger.openSQLite()).close()
        try FileManager.default.setAttributes([.posixPermissions: 0o400], ofItemAtPath: ledger.path)
        let before = try Data(contentsOf: URL(filePath: ledger.path))
        let error = #expect(throws: StoreError.self) { try SQLitePaymentStore(path: ledger.path) }
        #expect(error?.reason.contains(ledger.path) == true && error?.reason.contains("Permission denied") == true)
        #expect(try Data(contentsOf: URL(filePath: ledger.path)) == before)
    }

    @Test func `on a full disk a ledger is not made, and made when there is room`() async throws {
        let disk = FaultDisk(seed: 1)
        for byteCount in stride(from: 0, to: 120_000, by: 4_000) {
            disk.limit(byteCount: byteCount)
            guard let error = #expect(throws: StoreError.self, performing: { try self.open(disk) }) else { break }
            #expect(error.reason.contains("the disk of the ledger \(Self.path) is full"), "\(byteCount): \(error.reason)")
            if byteCount > 20_000 { break }
        }
        disk.heal()
        let store = try self.open(disk)
        _ = try await store.claim(SamplePayment.claim(1), at: 100)
        #expect(try await store.verifyIntegrity().problems == [])
        await store.close()
    }

    @Test(arguments: FaultDisk.Call.allCases)
    func `a disk that fails while a ledger is opened loses nothing of it`(call: FaultDisk.Call) async throws {
        let sound = try await self.ledger()
        for count in 0..<12 {
            let disk = FaultDisk(seed: UInt64(count))
            disk.replace(Self.path, with: sound)
            disk.plan(.error, at: call, after: count, times: 1)
            do {
                await (try self.open(disk)).close()
            } catch {
                #expect(!error.isDefect && error.reason.contains(Self.path), "\(call) \(count): \(error.reason)")
            }
            disk.heal()
            let store = try self.open(disk)
            #expect(try await store.verifyIntegrity().problems == [])
            #expect(try await store.records(PaymentQuery(limit: .max)).count == 40)
            await store.close()
        }
    }
}
