// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments
public import TollPrimitives

/// The ledger in a PostgreSQL database, shared by as many gateways as like.
///
/// A write returns when the server has it on disk. A few sessions write beside each other, one transaction for each write: the
/// server makes one wait for its disk out of commits that come together. Claims that count against the exposure exclude each
/// other, so those go through a session of their own, many to a transaction.
///
/// When the server cannot be reached every call says so, at once or within some seconds, and none has an effect that is not
/// known, but for a commit whose answer was lost: then the caller must look. When the server is back, so is the ledger.
public final class PostgresPaymentStore: PaymentStore {
    /// Sessions that read.
    private static let readerCount = 2
    /// Sessions that write. A few commits under way at once are what the server's own group commit needs; each session costs the
    /// server a process.
    private static let writerCount = 6
    /// Claims against the exposure in one transaction: other gateways wait for as long as it takes.
    private static let deferredCountMax = 64
    /// Calls that may wait for a session: some seconds' worth. A server that far behind is refused rather than waited for.
    private static let waitingCountMax = 4_096
    /// Answers, or references, forgotten in one write, so that it does not take long.
    static let pruneStep = 256

    let reader: PostgresPaymentReader
    let writers: ReaderPool<LedgerWriter>
    let references = SharedReferenceMemory()
    private let deferred: GroupCommitQueue<LedgerWriter>

    /// Opens the ledger in the database that a `postgres://` URL names, or makes it in a schema that is empty. Blocks: call it at
    /// start.
    ///
    /// - Parameters:
    ///   - alone: Whether to keep out all others who write, with one session that writes: nobody else may have the ledger open to
    ///     write it, and none can from then on. Claims against the exposure are then refused.
    ///   - statementTime: How long a statement may take, in whole seconds: every one takes milliseconds, and a server that needs
    ///     longer is taken to be down.
    /// - Throws: What is wrong with the database: not reached, no permission, another program's, newer than this program.
    public init(url: String, alone: Bool = false, statementTime: Duration = .seconds(5)) throws(StoreError) {
        let link = PostgresLink(url: url, access: alone ? .alone : .writing, statementTime: statementTime)
        try LedgerSchema.migrate(try link.open(), link.place)
        if !alone { _ = try link.connect() }
        let recent = RecentPayments()
        let readers = alone ? PostgresLink(url: url, access: .reading, statementTime: statementTime) : link
        self.reader = try PostgresPaymentReader(readers, count: Self.readerCount)
        self.writers = try ReaderPool(
            count: alone ? 1 : Self.writerCount, waitingCountMax: Self.waitingCountMax,
            on: { .own("tollgate.ledger.writer") }
        ) { () throws(StoreError) in
            let session = PostgresSession(link)
            if alone { try session.connect() }
            return LedgerWriter(session, recent: recent)
        }
        var limits = GroupCommitLimits()
        limits.groupCountMax = Self.deferredCountMax
        limits.waitingCountMax = Self.waitingCountMax
        self.deferred = GroupCommitQueue(
            LedgerWriter(PostgresSession(link), recent: recent), on: .own("tollgate.ledger.deferred"), limits: limits)
    }

    /// Says what keeps a gateway from having its ledger in the database that a `postgres://` URL names, and changes nothing
    /// there. Blocks.
    public static func check(url: String) throws(StoreError) {
        let link = PostgresLink(url: url, access: .writing)
        try LedgerSchema.checkPlace(try link.open(), link.place)
    }

    public func claim(_ claim: Claim, deferral: DeferralTerms?, at time: Int64) async throws(StoreError) -> ClaimOutcome {
        let event = try EncodedEvent(.claimed(claim))
        let write = { @Sendable (writer: LedgerWriter) throws(StoreError) in
            try writer.claim(event, claim, deferral: deferral, at: time)
        }
        return deferral == nil ? try await self.writers.read(write) : try await self.deferred.write(write)
    }

    @discardableResult
    public func append(_ entries: [LedgerEntry], at time: Int64) async throws(StoreError) -> [PaymentRecord] {
        var encoded: [EncodedEntry] = []
        for entry in entries { encoded.append(try EncodedEntry(entry)) }
        let rows = encoded
        return try await self.writers.read { writer throws(StoreError) in try writer.append(rows, at: time) }
    }

    public func sign(
        as account: SignerAccount, at time: Int64, _ entries: @escaping @Sendable (_ number: UInt64) -> [LedgerEntry]
    ) async throws(StoreError) -> [PaymentRecord] {
        try await self.writers.read { writer throws(StoreError) in try writer.sign(as: account, at: time, entries) }
    }

    public func takeWork(
        in phases: Set<PaymentRecord.Phase>, on network: ChainID, limit: Int, leaseSeconds: Int64, at time: Int64
    ) async throws(StoreError) -> [PaymentRecord] {
        try await self.writers.read { writer throws(StoreError) in
            try writer.takeWork(in: phases, on: network, limit: limit, leaseSeconds: leaseSeconds, at: time)
        }
    }

    public func spendCredit(_ claims: [Claim], at time: Int64) async throws(StoreError) -> CreditOutcome {
        let encoded = try EncodedClaim.all(claims)
        return try await self.writers.read { writer throws(StoreError) in try writer.spendCredit(encoded, at: time) }
    }

    public func deposit(
        _ claim: Claim, _ settlement: Settlement, reason: String, at time: Int64
    ) async throws(StoreError) -> ClaimOutcome {
        let claimed = try EncodedClaim(claim)
        let events = try EncodedEntry(LedgerEntry(claim.id, [.settled(settlement), .owed(reason: reason)]))
        return try await self.writers.read { writer throws(StoreError) in try writer.deposit(claimed, events, at: time) }
    }

    public func renew(_ worker: WorkerID, for seconds: Int64, at time: Int64) async throws(StoreError) {
        try await self.writers.read { writer throws(StoreError) in try writer.renew(worker, for: seconds) }
    }

    public func takeOver(_ payment: PaymentID, by worker: WorkerID, at time: Int64) async throws(StoreError) -> PaymentRecord? {
        let event = try EncodedEvent(.takenOver(by: worker))
        return try await self.writers.read { writer throws(StoreError) in
            try writer.takeOver(payment, by: worker, event, at: time)
        }
    }

    public func setMark(_ mark: LedgerMark, to value: Int64) async throws(StoreError) {
        try await self.writers.read { writer throws(StoreError) in try writer.setMark(mark, to: value) }
    }

    public func pruneAnswers(endedBefore time: Int64) async throws(StoreError) -> Int {
        var total = 0
        while true {
            let pruned = try await self.writers.read { writer throws(StoreError) in
                try writer.pruneAnswers(endedBefore: time, limit: Self.pruneStep)
            }
            total += pruned
            if pruned < Self.pruneStep { return total }
        }
    }

    public func record(_ payment: PaymentID) async throws(StoreError) -> PaymentRecord? { try await self.reader.record(payment) }

    public func answer(_ payment: PaymentID) async throws(StoreError) -> StoredAnswer? { try await self.reader.answer(payment) }

    public func events(_ payment: PaymentID) async throws(StoreError) -> [TimedEvent] { try await self.reader.events(payment) }

    public func records(_ query: PaymentQuery) async throws(StoreError) -> [PaymentRecord] {
        try await self.reader.records(query)
    }

    public func terms(_ query: PaymentQuery) async throws(StoreError) -> [PaymentTerms] {
        try await self.reader.terms(query)
    }

    public func payment(identifiedBy identifierHash: Bytes32) async throws(StoreError) -> PaymentRecord? {
        try await self.reader.payment(identifiedBy: identifierHash)
    }

    public func mark(_ mark: LedgerMark) async throws(StoreError) -> Int64? { try await self.reader.mark(mark) }

    public func close() async {
        await self.reader.close()
        await self.writers.close()
        await self.deferred.close()
    }
}
