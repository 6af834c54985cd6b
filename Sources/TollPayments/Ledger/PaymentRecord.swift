// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// What a payment is now: its events, folded.
public struct PaymentRecord: Hashable, Sendable {
    /// How far the money is.
    public enum Phase: String, Hashable, Sendable, CaseIterable {
        /// Taken; nothing was signed.
        case claimed
        /// A transaction exists on disk; it may or may not have been sent.
        case signed
        /// A node accepted the transaction.
        case broadcast
        /// Sent, outcome not known.
        case unknown
        /// The money moved.
        case settled
        /// The money will not move.
        case failed
        /// Given back after a failed call; nothing was charged.
        case released
    }

    /// An event that cannot follow what has happened: a defect of the caller, refused by every store.
    public struct InvalidTransition: Error, Hashable, Sendable, CustomStringConvertible {
        /// The payment.
        public let payment: PaymentID
        /// Where the payment stood.
        public let phase: Phase
        /// What was to be appended.
        public let event: String

        /// "settled cannot follow failed of payment 12ab…".
        public var description: String { "\(self.event) cannot follow \(self.phase) of payment \(self.payment)" }
    }

    /// How often one authorization may be released after a failed call.
    public static let attemptsMax = 3

    /// The claim in force.
    public private(set) var claim: Claim
    /// How far the money is.
    public private(set) var phase: Phase
    /// How often the payment was claimed.
    public private(set) var attempts: Int
    /// The newest settlement transaction.
    public private(set) var transaction: SettlementTransaction?
    /// Where the money moved.
    public private(set) var settlement: Settlement?
    /// Why it did not, or why the outcome is not known.
    public private(set) var failure: PaymentRefusal?
    /// Whether the upstream's answer is kept.
    public private(set) var hasAnswer: Bool
    /// Whether the whole answer reached the client.
    public private(set) var isServed: Bool
    /// Whether a facilitator's caller was told of success.
    public private(set) var isTold: Bool
    /// Whether the payer is owed something.
    public private(set) var isOwed: Bool
    /// When the claim in force was made, in seconds since 1970.
    public private(set) var claimedAt: Int64
    /// When the money moved or was known not to, in seconds since 1970.
    public private(set) var endedAt: Int64?

    /// The record that a first claim makes.
    public init(_ claim: Claim, at time: Int64) {
        self.claim = claim
        self.phase = .claimed
        self.attempts = 1
        self.hasAnswer = false
        self.isServed = false
        self.isTold = false
        self.isOwed = false
        self.claimedAt = time
    }

    /// The payment's name.
    public var id: PaymentID { self.claim.id }

    /// Whether a transaction may be under way whose end is not known.
    public var isUnderWay: Bool { self.phase == .signed || self.phase == .broadcast || self.phase == .unknown }

    /// Whether another claim may take the payment.
    public var isClaimable: Bool { self.phase == .released && self.attempts < Self.attemptsMax }

    /// Folds one event in. The one place that says what may follow what.
    public mutating func apply(_ event: PaymentEvent, at time: Int64) throws(InvalidTransition) {
        switch (event, self.phase) {
        case (.claimed(let claim), .released) where self.isClaimable && claim.id == self.id:
            self.claim = claim
            self.phase = .claimed
            self.attempts += 1
            self.hasAnswer = false
            self.claimedAt = time
        case (.answered, .claimed), (.answered, .settled):
            self.hasAnswer = true
        case (.signed(let transaction), .claimed):
            self.phase = .signed
            self.transaction = transaction
        case (.broadcast, .signed), (.broadcast, .unknown):
            self.phase = .broadcast
        case (.unknown(let reason), .claimed), (.unknown(let reason), .signed), (.unknown(let reason), .broadcast),
            (.unknown(let reason), .unknown):
            self.phase = .unknown
            self.failure = PaymentRefusal("settlement_pending", detail: reason)
        case (.settled(let settlement), .claimed), (.settled(let settlement), .signed), (.settled(let settlement), .broadcast),
            (.settled(let settlement), .unknown):
            self.phase = .settled
            self.settlement = settlement
            self.failure = nil
            self.endedAt = time
        case (.failed(let refusal), .claimed), (.failed(let refusal), .signed), (.failed(let refusal), .broadcast),
            (.failed(let refusal), .unknown):
            self.phase = .failed
            self.failure = refusal
            self.endedAt = time
        case (.released(let reason), .claimed):
            self.phase = .released
            self.hasAnswer = false
            self.failure = PaymentRefusal("upstream_failed", detail: reason)
        case (.served, _):
            self.isServed = true
        case (.told, .settled) where !self.isTold:
            self.isTold = true
        case (.untold, .settled) where self.isTold:
            self.isTold = false
        case (.owed, .settled):
            self.isOwed = true
        default:
            throw InvalidTransition(payment: self.id, phase: self.phase, event: event.name)
        }
    }
}

extension PaymentEvent {
    /// The event's name in stores and logs.
    public var name: String {
        switch self {
        case .claimed: "claimed"
        case .answered: "answered"
        case .signed: "signed"
        case .broadcast: "broadcast"
        case .unknown: "unknown"
        case .settled: "settled"
        case .failed: "failed"
        case .released: "released"
        case .served: "served"
        case .told: "told"
        case .untold: "untold"
        case .owed: "owed"
        }
    }
}
