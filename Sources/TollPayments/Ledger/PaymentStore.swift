// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// What a claim came to.
public enum ClaimOutcome: Hashable, Sendable {
    /// Nobody held the payment; now this claim does.
    case first(PaymentRecord)
    /// The payment was held already, by this caller or another. Nothing has changed.
    case held(PaymentRecord)
}

/// The ledger did not do what it was asked. The gate closes (invariant I7).
public struct StoreError: Error, Hashable, Sendable {
    /// Whether the caller did something that cannot be, rather than the store being unable.
    public let isDefect: Bool
    /// What happened, for the log.
    public let reason: String

    /// The store could not answer.
    public static func unavailable(_ reason: String) -> StoreError { StoreError(isDefect: false, reason: reason) }
    /// The caller asked for what cannot be.
    public static func defect(_ reason: String) -> StoreError { StoreError(isDefect: true, reason: reason) }
}

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

    /// Payments in one of `phases`, or in any when it is empty, claimed at `since` (seconds since 1970) or later, oldest first,
    /// at most `limit`.
    func records(in phases: Set<PaymentRecord.Phase>, since: Int64, limit: Int) async throws(StoreError) -> [PaymentRecord]
}

/// The ledger: append-only events, one payment per key, and the only place where a payment is taken.
///
/// Every call that changes something returns when the change is durable. There is deliberately no "is it spent?": a read
/// followed by a write would let two presentations of one credential both succeed.
public protocol PaymentStore: PaymentReader {
    /// Takes the payment in one atomic step: a new row, or a released one with attempts left. Otherwise says who holds it.
    func claim(_ claim: Claim, at time: Int64) async throws(StoreError) -> ClaimOutcome

    /// Appends `events` in one atomic step and returns what the payment is then. An event that cannot follow the payment's
    /// state is a defect, and then none is written.
    @discardableResult
    func append(_ events: [PaymentEvent], to payment: PaymentID, at time: Int64) async throws(StoreError) -> PaymentRecord

    /// Forgets answers of payments that ended before `time` (seconds since 1970); says how many. Payments are never forgotten.
    func pruneAnswers(endedBefore time: Int64) async throws(StoreError) -> Int
}
