// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
public import TollPrimitives

/// The ledger in memory: for tests and for `tollgate mock`. Loses everything when the process ends.
public final class MemoryPaymentStore: PaymentStore {
    let ledger = Mutex(MemoryLedger())

    /// An empty ledger.
    public init() {}

    public func claim(
        _ claim: Claim, deferral: DeferralTerms?, at time: Int64
    ) async throws(StoreError) -> ClaimOutcome {
        self.ledger.withLock { $0.claim(claim, deferral: deferral, at: time) }
    }

    @discardableResult
    public func append(_ entries: [LedgerEntry], at time: Int64) async throws(StoreError) -> [PaymentRecord] {
        try self.ledger.withLock { ledger throws(StoreError) in try ledger.append(entries, at: time) }
    }

    public func sign(
        as account: SignerAccount, at time: Int64, _ entries: @escaping @Sendable (_ number: UInt64) -> [LedgerEntry]
    ) async throws(StoreError) -> [PaymentRecord] {
        try self.ledger.withLock { ledger throws(StoreError) in try ledger.sign(as: account, at: time, entries) }
    }

    public func takeWork(
        in phases: Set<PaymentRecord.Phase>, on network: ChainID, limit: Int, leaseSeconds: Int64, at time: Int64
    ) async throws(StoreError) -> [PaymentRecord] {
        self.ledger.withLock { $0.takeWork(in: phases, on: network, limit: limit, leaseSeconds: leaseSeconds, at: time) }
    }

    public func spendCredit(_ claims: [Claim], at time: Int64) async throws(StoreError) -> CreditOutcome {
        try self.ledger.withLock { ledger throws(StoreError) in try ledger.spendCredit(claims, at: time) }
    }

    public func deposit(
        _ claim: Claim, _ settlement: Settlement, reason: String, at time: Int64
    ) async throws(StoreError) -> ClaimOutcome {
        try self.ledger.withLock { ledger throws(StoreError) in
            try ledger.deposit(claim, settlement, reason: reason, at: time)
        }
    }

    public func renew(_ worker: WorkerID, for seconds: Int64, at time: Int64) async throws(StoreError) {
        self.ledger.withLock { $0.renew(worker, for: seconds, at: time) }
    }

    public func takeOver(_ payment: PaymentID, by worker: WorkerID, at time: Int64) async throws(StoreError) -> PaymentRecord? {
        try self.ledger.withLock { ledger throws(StoreError) in try ledger.takeOver(payment, by: worker, at: time) }
    }

    public func record(_ payment: PaymentID) async throws(StoreError) -> PaymentRecord? {
        self.ledger.withLock { $0.payments[payment]?.record }
    }

    public func answer(_ payment: PaymentID) async throws(StoreError) -> StoredAnswer? {
        self.ledger.withLock { $0.payments[payment]?.answer }
    }

    public func events(_ payment: PaymentID) async throws(StoreError) -> [TimedEvent] {
        self.ledger.withLock { $0.payments[payment]?.events ?? [] }
    }

    public func records(_ query: PaymentQuery) async throws(StoreError) -> [PaymentRecord] {
        self.ledger.withLock { $0.records(query) }
    }

    public func payment(identifiedBy identifierHash: Bytes32) async throws(StoreError) -> PaymentRecord? {
        self.ledger.withLock { $0.payment(identifiedBy: identifierHash) }
    }

    public func mark(_ mark: LedgerMark) async throws(StoreError) -> Int64? {
        self.ledger.withLock { $0.marks[mark] }
    }

    public func setMark(_ mark: LedgerMark, to value: Int64) async throws(StoreError) {
        self.ledger.withLock { $0.marks[mark] = max(value, $0.marks[mark] ?? .min) }
    }

    public func pruneAnswers(endedBefore time: Int64) async throws(StoreError) -> Int {
        self.ledger.withLock { $0.pruneAnswers(endedBefore: time) }
    }
}
