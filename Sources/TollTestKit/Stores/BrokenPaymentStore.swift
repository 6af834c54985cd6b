// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments
public import TollPrimitives

/// A ledger that does not answer.
public struct BrokenPaymentStore: PaymentStore {
    private let error: StoreError

    /// A ledger that gives this reason.
    public init(_ reason: String) {
        self.error = .unavailable(reason)
    }

    public func claim(_ claim: Claim, deferral: DeferralTerms?, at time: Int64) async throws(StoreError) -> ClaimOutcome {
        throw self.error
    }

    @discardableResult
    public func append(_ entries: [LedgerEntry], at time: Int64) async throws(StoreError) -> [PaymentRecord] {
        throw self.error
    }

    public func sign(
        as account: SignerAccount, at time: Int64, _ entries: @escaping @Sendable (_ number: UInt64) -> [LedgerEntry]
    ) async throws(StoreError) -> [PaymentRecord] {
        throw self.error
    }

    public func takeWork(
        in phases: Set<PaymentRecord.Phase>, on network: ChainID, limit: Int, leaseSeconds: Int64, at time: Int64
    ) async throws(StoreError) -> [PaymentRecord] {
        throw self.error
    }

    public func spendCredit(_ claims: [Claim], at time: Int64) async throws(StoreError) -> CreditOutcome {
        throw self.error
    }

    public func deposit(
        _ claim: Claim, _ settlement: Settlement, reason: String, at time: Int64
    ) async throws(StoreError) -> ClaimOutcome {
        throw self.error
    }

    public func renew(_ worker: WorkerID, for seconds: Int64, at time: Int64) async throws(StoreError) {
        throw self.error
    }

    public func takeOver(_ payment: PaymentID, by worker: WorkerID, at time: Int64) async throws(StoreError) -> PaymentRecord? {
        throw self.error
    }

    public func setMark(_ mark: LedgerMark, to value: Int64) async throws(StoreError) {
        throw self.error
    }

    public func pruneAnswers(endedBefore time: Int64) async throws(StoreError) -> Int {
        throw self.error
    }

    public func record(_ payment: PaymentID) async throws(StoreError) -> PaymentRecord? {
        throw self.error
    }

    public func answer(_ payment: PaymentID) async throws(StoreError) -> StoredAnswer? {
        throw self.error
    }

    public func events(_ payment: PaymentID) async throws(StoreError) -> [TimedEvent] {
        throw self.error
    }

    public func records(_ query: PaymentQuery) async throws(StoreError) -> [PaymentRecord] {
        throw self.error
    }

    public func payment(identifiedBy identifierHash: Bytes32) async throws(StoreError) -> PaymentRecord? {
        throw self.error
    }

    public func mark(_ mark: LedgerMark) async throws(StoreError) -> Int64? {
        throw self.error
    }
}
