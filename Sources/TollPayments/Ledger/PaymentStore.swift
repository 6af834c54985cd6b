// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// An event and when it was written, in seconds since 1970.
public struct TimedEvent: Hashable, Sendable {
    /// When.
    public let time: Int64
    /// What.
    public let event: PaymentEvent

    /// An event at a time.
    public init(time: Int64, event: PaymentEvent) {
        self.time = time
        self.event = event
    }
}

/// What can be read of a ledger, also while another process writes it.
public protocol PaymentReader: Sendable {
    /// What the payment is now; nil when there is none.
    func record(_ payment: PaymentID) async throws(StoreError) -> PaymentRecord?

    /// The kept answer; nil when there is none, it was pruned, or the claim it belonged to was released.
    func answer(_ payment: PaymentID) async throws(StoreError) -> StoredAnswer?

    /// Everything that happened to the payment, oldest first. Of an answer only the status: the rest is kept for a while, not for
    /// good, and is ``answer(_:)``.
    func events(_ payment: PaymentID) async throws(StoreError) -> [TimedEvent]

    /// The payments that `query` asks for, oldest claim first.
    func records(_ query: PaymentQuery) async throws(StoreError) -> [PaymentRecord]

    /// When the payments that `query` asks for were claimed and when their authorizations end, in the order of ``records(_:)``:
    /// what deciding about a queue needs, without folding every payment in it.
    func terms(_ query: PaymentQuery) async throws(StoreError) -> [PaymentTerms]

    /// The payment whose claim bears this digest of payer and `payment-identifier`; nil when there is none, or it was released
    /// or failed: then the identifier is free again. Where two bear it, because one that had failed settled late, the one that
    /// was claimed last: see ``PaymentQuery/Cursor``.
    func payment(identifiedBy identifierHash: Bytes32) async throws(StoreError) -> PaymentRecord?

    /// How far `mark` has come; nil before it was first set.
    func mark(_ mark: LedgerMark) async throws(StoreError) -> Int64?
}

/// The ledger: append-only events, one payment per key, and the only place where a payment is taken.
///
/// Every call that changes something returns when the change is durable. There is deliberately no "is it spent?": a read
/// followed by a write would let two presentations of one credential both succeed.
public protocol PaymentStore: PaymentReader {
    /// Takes the payment in one atomic step: a new row, or a released one with attempts left. Otherwise says who holds it.
    ///
    /// - Parameter deferral: With terms the payment is taken only when the payer may be served before it has paid, and that is
    ///   decided in the same step, so that no number of claims at once exceeds an exposure.
    func claim(_ claim: Claim, deferral: DeferralTerms?, at time: Int64) async throws(StoreError) -> ClaimOutcome

    /// Appends the events of all `entries` in one atomic step and returns what the payments are then, in order. An event that
    /// cannot follow its payment's state is a defect, and then none is written.
    @discardableResult
    func append(_ entries: [LedgerEntry], at time: Int64) async throws(StoreError) -> [PaymentRecord]

    /// Takes the next transaction number of a signer and appends what `entries` makes with it, in one atomic step.
    ///
    /// A number is taken by the write that uses it: when that fails none is, and so every number below the next has a
    /// transaction on disk, whoever writes to the ledger.
    /// - Parameter entries: Given the number. Signs, and does not wait for anything.
    func sign(
        as account: SignerAccount, at time: Int64, _ entries: @escaping @Sendable (_ number: UInt64) -> [LedgerEntry]
    ) async throws(StoreError) -> [PaymentRecord]

    /// Hands out payments in `phases` on `network` that nobody works on, the authorization that ends first first, and notes that
    /// somebody does, for `leaseSeconds`: meanwhile no other call gets them. A lease keeps two from doing the same work; that
    /// nothing is done twice never depends on it.
    ///
    /// Writing `signed`, `broadcast` or `unknown` is a lease of ``PaymentRecord/leaseSeconds`` too: whoever wrote is at work.
    func takeWork(
        in phases: Set<PaymentRecord.Phase>, on network: ChainID, limit: Int, leaseSeconds: Int64, at time: Int64
    ) async throws(StoreError) -> [PaymentRecord]

    /// Makes a payment out of what is owed in the same asset, to the payer or for a reference (``Claim/creditSource``), the
    /// oldest debt first, in one atomic step: the debts are drawn on, and the payment stands claimed and settled by
    /// ``Settlement/credit``.
    ///
    /// - Parameter claims: Claims of one payment that differ in the option they pay; the first that the credit suffices for is
    ///   made.
    func spendCredit(_ claims: [Claim], at time: Int64) async throws(StoreError) -> CreditOutcome

    /// Notes money that has arrived already: the payment stands claimed, settled by `settlement` and owed, in one atomic step.
    /// What is known already stays as it is: `.held`.
    func deposit(
        _ claim: Claim, _ settlement: Settlement, reason: String, at time: Int64
    ) async throws(StoreError) -> ClaimOutcome

    /// Says that `worker` is there, for `seconds` from now on; with 0, that it is not any more. Meanwhile nobody takes over what
    /// it works on. A ledger that several machines share measures this by its own clock, others by `time`.
    func renew(_ worker: WorkerID, for seconds: Int64, at time: Int64) async throws(StoreError)

    /// Gives `worker` a payment whose own worker's lease has ended, and notes so with ``PaymentEvent/takenOver(by:)``, in one
    /// atomic step: of many who try, one gets it. Changes nothing while that lease lasts, and where there is nothing to go on
    /// with.
    ///
    /// - Returns: The payment as it is then, whose ``PaymentRecord/worker`` says who has it; nil when there is none.
    func takeOver(_ payment: PaymentID, by worker: WorkerID, at time: Int64) async throws(StoreError) -> PaymentRecord?

    /// Moves `mark` forward; a lower value than the one it has changes nothing.
    func setMark(_ mark: LedgerMark, to value: Int64) async throws(StoreError)

    /// Forgets answers of payments that ended before `time` (seconds since 1970); says how many. Payments are never forgotten.
    func pruneAnswers(endedBefore time: Int64) async throws(StoreError) -> Int

    /// Waits for everything that was asked for and lets go of whatever is held: files, locks, connections. Later calls are
    /// refused.
    func close() async
}

extension PaymentStore {
    /// Nothing is held.
    public func close() async {}

    /// Takes the payment, to be settled before or after the answer.
    public func claim(_ claim: Claim, at time: Int64) async throws(StoreError) -> ClaimOutcome {
        try await self.claim(claim, deferral: nil, at: time)
    }

    /// Makes the payment of `claim` out of what the payer is owed.
    public func spendCredit(_ claim: Claim, at time: Int64) async throws(StoreError) -> CreditOutcome {
        try await self.spendCredit([claim], at: time)
    }

    /// Appends events to one payment.
    @discardableResult
    public func append(_ events: [PaymentEvent], to payment: PaymentID, at time: Int64) async throws(StoreError) -> PaymentRecord
    {
        let records = try await self.append([LedgerEntry(payment, events)], at: time)
        guard let record = records.first, records.count == 1 else {
            throw .defect("one payment was written, \(records.count) returned")
        }
        return record
    }
}
