// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// A ledger in front of another one: passes on whatever a test does not take in its own hands.
public protocol WrappingPaymentStore: PaymentStore {
    /// The ledger behind.
    var wrapped: any PaymentStore { get }
}

extension WrappingPaymentStore {
    public func claim(_ claim: Claim, deferral: DeferralTerms?, at time: Int64) async throws(StoreError) -> ClaimOutcome {
        try await self.wrapped.claim(claim, deferral: deferral, at: time)
    }

    @discardableResult
    public func append(_ entries: [LedgerEntry], at time: Int64) async throws(StoreError) -> [PaymentRecord] {
        try await self.wrapped.append(entries, at: time)
    }

    public func sign(
        as account: SignerAccount, at time: Int64, _ entries: @escaping @Sendable (_ number: UInt64) -> [LedgerEntry]
    ) async throws(StoreError) -> [PaymentRecord] {
        try await self.wrapped.sign(as: account, at: time, entries)
    }

    public func takeWork(
        in phases: Set<PaymentRecord.Phase>, on network: ChainID, limit: Int, leaseSeconds: Int64, at time: Int64
    ) async throws(StoreError) -> [PaymentRecord] {
        try await self.wrapped.takeWork(in: phases, on: network, limit: limit, leaseSeconds: leaseSeconds, at: time)
    }

    public func spendCredit(_ claims: [Claim], at time: Int64) async throws(StoreError) -> CreditOutcome {
        try await self.wrapped.spendCredit(claims, at: time)
    }

    public func deposit(
        _ claim: Claim, _ settlement: Settlement, reason: String, at time: Int64
    ) async throws(StoreError) -> ClaimOutcome {
        try await self.wrapped.deposit(claim, settlement, reason: reason, at: time)
    }

    public func renew(_ worker: WorkerID, for seconds: Int64, at time: Int64) async throws(StoreError) {
        try await self.wrapped.renew(worker, for: seconds, at: time)
    }

    public func takeOver(_ payment: PaymentID, by worker: WorkerID, at time: Int64) async throws(StoreError) -> PaymentRecord? {
        try await self.wrapped.takeOver(payment, by: worker, at: time)
    }

    public func setMark(_ mark: LedgerMark, to value: Int64) async throws(StoreError) {
        try await self.wrapped.setMark(mark, to: value)
    }

    public func pruneAnswers(endedBefore time: Int64) async throws(StoreError) -> Int {
        try await self.wrapped.pruneAnswers(endedBefore: time)
    }

    public func record(_ payment: PaymentID) async throws(StoreError) -> PaymentRecord? {
        try await self.wrapped.record(payment)
    }

    public func answer(_ payment: PaymentID) async throws(StoreError) -> StoredAnswer? {
        try await self.wrapped.answer(payment)
    }

    public func events(_ payment: PaymentID) async throws(StoreError) -> [TimedEvent] {
        try await self.wrapped.events(payment)
    }

    public func records(_ query: PaymentQuery) async throws(StoreError) -> [PaymentRecord] {
        try await self.wrapped.records(query)
    }

    public func payment(identifiedBy identifierHash: Bytes32) async throws(StoreError) -> PaymentRecord? {
        try await self.wrapped.payment(identifiedBy: identifierHash)
    }

    public func mark(_ mark: LedgerMark) async throws(StoreError) -> Int64? {
        try await self.wrapped.mark(mark)
    }
}
