// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
public import TollPayments
public import TollPrimitives

/// The ledger in one SQLite file: durable, and served by one process.
///
/// A write returns when it is on disk (write-ahead log, `synchronous=FULL`); writes that arrive together share one wait for it.
/// Reads run beside on connections of their own and see every write that has returned. No call blocks the caller's thread.
///
/// Beside the file stand `-wal` and `-shm`, which belong to it and must be copied with it, and `.lock`. Another process may
/// write too, for a moment and `sharing` the file; what the serving one keeps in memory it then reads anew.
public final class SQLitePaymentStore: PaymentStore {
    /// Connections that read.
    private static let readerCount = 2
    /// Answers, or references, forgotten in one write, so that claims do not wait for a long one.
    static let pruneStep = 256

    /// Settings of the connection that writes.
    private static let settings = [
        "synchronous = FULL",  // A commit returns when its part of the log is on disk.
        "foreign_keys = ON",
        "trusted_schema = OFF",  // A file that was tampered with calls no functions.
        "cell_size_check = ON",  // Corruption is noticed when a page is read, not when it is used.
        "cache_size = -65536",  // KiB. A claim touches a random page of one index: it should be in memory.
        "wal_autocheckpoint = 2048",  // Pages (8 MiB). More would make whoever waits for the copying wait longer.
    ]

    let writes: GroupCommitQueue<LedgerWriter>
    let reads: ReaderPool<LedgerReader>
    private let lock: Mutex<LedgerLock?>

    /// Opens the ledger at `path`, or makes it (mode 0600) in a directory that must exist. Blocks: call it at start.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - sharing: Whether to write beside the process that serves from the ledger, and leave its lock alone: for commands. The
    ///     ledger must then exist, in the form that this program writes: another one is changed by whoever has the lock. Work
    ///     (``takeWork(in:on:limit:leaseSeconds:at:)``) is for the serving process; leases are not shared.
    /// - Throws: What is wrong with which path: missing, no permission, in use by another process, not a ledger, of another
    ///   version.
    public convenience init(path: String, sharing: Bool = false) throws(StoreError) {
        if sharing {
            try LedgerSchema.refuseOthers(try SQLiteConnection(path: path, access: .readWrite), path: path)
            try self.init(path: path, on: .system, holding: nil, isShared: true)
        } else {
            let path = try LedgerLock.createLedger(path)
            try self.init(path: path, on: .system, holding: try LedgerLock(for: path))
        }
    }

    /// Opens the ledger at `path` on `disk`, or makes it. Nothing keeps another store out.
    package convenience init(path: String, on disk: LedgerDisk) throws(StoreError) {
        try self.init(path: path, on: disk, holding: nil)
    }

    private init(
        path: String, on disk: LedgerDisk, holding lock: LedgerLock?, isShared: Bool = false
    ) throws(StoreError) {
        let connection = try Self.openForWriting(path, on: disk)
        // After a sync that failed, the log may hold a transaction that this system still reads and the disk has not, and what is
        // written behind it would be lost with it in a power cut. So nothing is: a log that was left is copied and begun anew.
        if !isShared { try connection.run("PRAGMA wal_checkpoint(TRUNCATE)") }
        let writer = LedgerWriter(connection)
        self.writes = GroupCommitQueue(writer, on: disk.thread("tollgate.ledger.writer"))
        self.reads = try LedgerReader.pool(path: path, on: disk, count: Self.readerCount)
        self.lock = Mutex(lock)
    }

    private static func openForWriting(_ path: String, on disk: LedgerDisk) throws(StoreError) -> sending SQLiteConnection {
        let connection = try SQLiteConnection(path: path, access: disk.vfs == nil ? .readWrite : .create, vfs: disk.vfs)
        try LedgerSchema.refuseForeign(connection, path: path)
        let mode = try connection.row("PRAGMA journal_mode = WAL") { row throws(StoreError) in try row.text(0) }
        guard mode == "wal" else {
            throw .unavailable("the file system of \(path) cannot hold a write-ahead log; use a local disk")
        }
        for setting in Self.settings { try connection.run("PRAGMA \(setting)") }
        try LedgerSchema.migrate(connection)
        return connection
    }

    public func claim(
        _ claim: Claim, deferral: DeferralTerms?, at time: Int64
    ) async throws(StoreError) -> ClaimOutcome {
        let event = try EncodedEvent(.claimed(claim))
        return try await self.writes.write { writer throws(StoreError) in
            try writer.claim(event, claim, deferral: deferral, at: time)
        }
    }

    @discardableResult
    public func append(_ entries: [LedgerEntry], at time: Int64) async throws(StoreError) -> [PaymentRecord] {
        let encoded = try EncodedEntry.all(entries)
        return try await self.writes.write { writer throws(StoreError) in try writer.append(encoded, at: time) }
    }

    public func sign(
        as account: SignerAccount, at time: Int64, _ entries: @escaping @Sendable (_ number: UInt64) -> [LedgerEntry]
    ) async throws(StoreError) -> [PaymentRecord] {
        try await self.writes.write { writer throws(StoreError) in try writer.sign(as: account, at: time, entries) }
    }

    public func takeWork(
        in phases: Set<PaymentRecord.Phase>, on network: ChainID, limit: Int, leaseSeconds: Int64, at time: Int64
    ) async throws(StoreError) -> [PaymentRecord] {
        try await self.writes.write { writer throws(StoreError) in
            try writer.takeWork(in: phases, on: network, limit: limit, leaseSeconds: leaseSeconds, at: time)
        }
    }

    public func spendCredit(_ claims: [Claim], at time: Int64) async throws(StoreError) -> CreditOutcome {
        let encoded = try EncodedClaim.all(claims)
        return try await self.writes.write { writer throws(StoreError) in try writer.spendCredit(encoded, at: time) }
    }

    public func deposit(
        _ claim: Claim, _ settlement: Settlement, reason: String, at time: Int64
    ) async throws(StoreError) -> ClaimOutcome {
        let claimed = try EncodedClaim(claim)
        let events = try EncodedEntry(claim.id, [.settled(settlement), .owed(reason: reason)])
        return try await self.writes.write { writer throws(StoreError) in try writer.deposit(claimed, events, at: time) }
    }

    public func renew(_ worker: WorkerID, for seconds: Int64, at time: Int64) async throws(StoreError) {
        try await self.writes.write { writer throws(StoreError) in writer.workers.renew(worker, for: seconds, at: time) }
    }

    public func takeOver(_ payment: PaymentID, by worker: WorkerID, at time: Int64) async throws(StoreError) -> PaymentRecord? {
        let entry = try EncodedEntry(payment, [.takenOver(by: worker)])
        return try await self.writes.write { writer throws(StoreError) in try writer.takeOver(entry, by: worker, at: time) }
    }

    public func setMark(_ mark: LedgerMark, to value: Int64) async throws(StoreError) {
        try await self.writes.write { writer throws(StoreError) in try writer.setMark(mark, to: value) }
    }

    public func record(_ payment: PaymentID) async throws(StoreError) -> PaymentRecord? {
        try await self.reads.read { reader throws(StoreError) in try reader.payment(payment)?.record }
    }

    public func answer(_ payment: PaymentID) async throws(StoreError) -> StoredAnswer? {
        try await self.reads.read { reader throws(StoreError) in try reader.answer(payment) }
    }

    public func events(_ payment: PaymentID) async throws(StoreError) -> [TimedEvent] {
        try await self.reads.read { reader throws(StoreError) in try reader.events(payment) }
    }

    public func records(_ query: PaymentQuery) async throws(StoreError) -> [PaymentRecord] {
        try await self.reads.read { reader throws(StoreError) in try reader.records(query) }
    }

    public func terms(_ query: PaymentQuery) async throws(StoreError) -> [PaymentTerms] {
        try await self.reads.read { reader throws(StoreError) in try reader.terms(query) }
    }

    public func payment(identifiedBy identifierHash: Bytes32) async throws(StoreError) -> PaymentRecord? {
        try await self.reads.read { reader throws(StoreError) in try reader.payment(identifiedBy: identifierHash) }
    }

    public func mark(_ mark: LedgerMark) async throws(StoreError) -> Int64? {
        try await self.reads.read { reader throws(StoreError) in try reader.mark(mark) }
    }

    public func pruneAnswers(endedBefore time: Int64) async throws(StoreError) -> Int {
        var total = 0
        while true {
            let pruned = try await self.writes.write { writer throws(StoreError) in
                try writer.pruneAnswers(endedBefore: time, limit: Self.pruneStep)
            }
            total += pruned
            if pruned < Self.pruneStep { return total }
        }
    }

    /// Checks the file's structure, folds every payment's events anew and holds them against the rows. Reads the whole ledger;
    /// claims go on meanwhile.
    public func verifyIntegrity() async throws(StoreError) -> LedgerIntegrity {
        var integrity = try await self.reads.read { reader throws(StoreError) in try reader.checkStructure() }
        var last: Int64? = 0
        while let number = last, !integrity.isFull {
            let before = integrity
            (last, integrity) = try await self.reads.read { reader throws(StoreError) in
                var integrity = before
                let last = try reader.check(after: number, into: &integrity)
                return (last, integrity)
            }
        }
        integrity.checkCredits()
        return integrity
    }

    /// Waits for everything that was asked for, closes the file and lets another process have it. Later calls are refused.
    public func close() async {
        await self.reads.close()
        await self.writes.close()
        self.lock.withLock { $0 = nil }
    }
}
