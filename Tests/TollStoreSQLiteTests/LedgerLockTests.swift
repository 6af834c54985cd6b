// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing
import TollPayments

@testable import TollStoreSQLite

@Suite struct LedgerLockTests {
    /// Between its start and its own program a child holds a copy of every descriptor of its parent.
    @Test func `a lock that was let go is free, whoever still has a copy of its descriptor`() throws {
        let ledger = try TemporaryLedger()
        var lock: LedgerLock? = try LedgerLock(for: ledger.path)
        let copies = (0..<65_536).filter { Self.target(of: $0) == ledger.path + ".lock" }.map { dup(Int32($0)) }
        defer { for copy in copies { close(copy) } }
        #expect(!copies.isEmpty)
        #expect(throws: StoreError.self) { try LedgerLock(for: ledger.path) }
        lock = nil
        #expect(lock == nil)
        #expect(throws: Never.self) { try LedgerLock(for: ledger.path) }
    }

    private static func target(of descriptor: Int) -> String? {
        var buffer = [CChar](repeating: 0, count: 512)
        let count = unsafe readlink("/proc/self/fd/\(descriptor)", &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }
}
