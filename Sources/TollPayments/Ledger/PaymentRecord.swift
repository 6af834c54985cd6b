// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

/// What a payment is now: its events, folded.
public struct PaymentRecord: Hashable, Sendable {
    /// How far the money is.
    public enum Phase: String, Hashable, Sendable, CaseIterable {
        /// Taken; nothing was signed.
        case claimed
        /// Served, and waiting to be settled together with others.
        case queued
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
    /// The most transactions under one number. Each pays an eighth more than the one before, so that this many are far over any
    /// limit that a seller would set.
    public static let transactionCountMax = 64

    /// How long whoever writes a step of a settlement is taken to be at work on it, in seconds: longer than any step takes.
    public static let leaseSeconds: Int64 = 60

    /// The claim in force.
    public private(set) var claim: Claim
    /// Who works on it, as long as its lease lasts: who claimed it, or took it over; nil for nobody.
    public private(set) var worker: WorkerID?
    /// How far the money is.
    public private(set) var phase: Phase
    /// How often the payment was claimed.
    public private(set) var attempts: Int
    /// The transactions that may settle it, oldest first: all of one signer and under one number, so at most one is ever mined.
    public private(set) var transactions: [SettlementTransaction]
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
    /// What the seller owes or owed the payer for it; nil when nothing ever was.
    public private(set) var debt: Debt?
    /// When the claim in force was made, in seconds since 1970.
    public private(set) var claimedAt: Int64
    /// When the money moved or was known not to, in seconds since 1970.
    public private(set) var endedAt: Int64?

    /// The record that a first claim makes.
    public init(_ claim: Claim, at time: Int64) {
        self.claim = claim
        self.worker = claim.worker
        self.phase = .claimed
        self.attempts = 1
        self.transactions = []
        self.hasAnswer = false
        self.isServed = false
        self.isTold = false
        self.claimedAt = time
    }

    /// The payment's name.
    public var id: PaymentID { self.claim.id }

    /// The newest settlement transaction.
    public var transaction: SettlementTransaction? { self.transactions.last }

    /// Whether the money moved and nothing was delivered, now or once.
    public var isOwed: Bool { self.debt != nil }

    /// Whether it was served and the money will not move: what the seller has lost.
    public var isUnpaid: Bool { self.phase == .failed && self.isServed }

    /// Whether it frees its payer of the bar that `lost`, an unpaid payment, put up: a later one of at least the same price in
    /// the same asset, whose money moved before its answer was given. What was lost stays lost, and stays in the exposure.
    public func makesUp(for lost: PaymentRecord) -> Bool {
        guard self.phase == .settled, self.settlement?.isCredit == false, self.claim.policy != .deferred, let end = lost.endedAt
        else { return false }
        return self.claim.key.payer == lost.claim.key.payer && self.claimedAt >= end
            && self.claim.option.asset.isSameToken(as: lost.claim.option.asset)
            && self.claim.option.amount >= lost.claim.option.amount
    }

    /// What the seller stands to lose by it, or has lost, in millionths of a dollar.
    public var openExposure: Int64 {
        switch self.phase {
        case .settled, .released: 0
        case .failed: self.isServed ? self.claim.exposure : 0
        case .claimed, .queued, .signed, .broadcast, .unknown: self.claim.exposure
        }
    }

    /// Whether the payment holds the identifier that its claim brought: a call that failed leaves it free.
    public var isIdentified: Bool { self.phase != .released && self.phase != .failed }

    /// Whether a transaction may be under way whose end is not known.
    public var isUnderWay: Bool { self.phase == .signed || self.phase == .broadcast || self.phase == .unknown }

    /// Whether there is anything left to go on with.
    public var canBeTakenOver: Bool { self.phase != .released && self.phase != .failed }

    /// Whether another claim may take the payment.
    public var isClaimable: Bool { self.phase == .released && self.attempts < Self.attemptsMax }

    /// Folds one event in. The one place that says what may follow what.
    public mutating func apply(_ event: PaymentEvent, at time: Int64) throws(InvalidTransition) {
        let isLegal =
            switch event {
            case .claimed, .takenOver, .answered, .queued, .released: self.applyCall(event, at: time)
            case .signed, .broadcast, .unknown, .returned, .settled, .vanished, .failed: self.applySettlement(event, at: time)
            case .served, .told, .untold: self.applyDelivery(event)
            case .owed, .drawn, .refunding, .refundDropped, .refunded: self.applyDebt(event)
            }
        guard isLegal else { throw InvalidTransition(payment: self.id, phase: self.phase, event: event.name) }
    }

    /// What the request did that claimed the payment.
    private mutating func applyCall(_ event: PaymentEvent, at time: Int64) -> Bool {
        switch (event, self.phase) {
        case (.claimed(let claim), .released) where self.isClaimable && claim.id == self.id:
            self.claim = claim
            self.worker = claim.worker
            self.phase = .claimed
            self.attempts += 1
            self.hasAnswer = false
            self.failure = nil
            self.claimedAt = time
        case (.takenOver(let worker), _) where self.canBeTakenOver && worker != self.worker:
            self.worker = worker
        case (.answered, .claimed):
            self.hasAnswer = true
        // One payment has one answer (invariant I3): of two processes that call again after a crash, the first one's stands.
        case (.answered, .settled) where !self.hasAnswer:
            self.hasAnswer = true
        case (.queued, .claimed) where self.claim.policy == .deferred:
            self.phase = .queued
        case (.released(let reason), .claimed):
            self.phase = .released
            self.hasAnswer = false
            self.failure = PaymentRefusal("upstream_failed", detail: reason)
        default: return false
        }
        return true
    }

    /// How far the money is.
    private mutating func applySettlement(_ event: PaymentEvent, at time: Int64) -> Bool {
        switch (event, self.phase) {
        case (.signed(let transaction), .claimed), (.signed(let transaction), .queued):
            guard !transaction.isVoid else { return false }
            self.phase = .signed
            self.transactions = [transaction]
        case (.signed(let transaction), .signed), (.signed(let transaction), .broadcast), (.signed(let transaction), .unknown):
            return self.replace(with: transaction)
        case (.broadcast, .signed), (.broadcast, .unknown):
            self.phase = .broadcast
        case (.unknown(let reason), .claimed), (.unknown(let reason), .signed), (.unknown(let reason), .broadcast),
            (.unknown(let reason), .unknown):
            self.phase = .unknown
            self.failure = PaymentRefusal("settlement_pending", detail: reason)
        case (.returned(_, let transaction), _) where self.isUnderWay && self.isSettling(by: transaction):
            self.phase = self.claim.policy == .deferred ? .queued : .claimed
            self.transactions = []
            self.failure = nil
        case (.settled(let settlement), _) where self.phase != .settled:
            self.phase = .settled
            self.settlement = settlement
            self.failure = nil
            self.endedAt = time
            self.debt?.isSuspended = false
        case (.vanished(let reason), .settled):
            return self.vanish(reason)
        case (.failed(let refusal), _) where self.phase != .settled && self.phase != .failed && self.phase != .released:
            self.phase = .failed
            self.failure = refusal
            self.endedAt = time
            // Money that never came is not owed; what was spent or paid back of it meanwhile is the seller's loss, and stays.
            if let debt = self.debt, debt.units == self.claim.option.amount, debt.refund == nil { self.debt = nil }
        default: return false
        }
        return true
    }

    /// Whether `hash` is of a transaction that may settle the payment now; empty for none, nil when that is not told.
    private func isSettling(by hash: String?) -> Bool {
        guard let hash else { return true }
        return hash.isEmpty ? self.transactions.isEmpty : self.transactions.contains { $0.hash == hash }
    }

    /// Only a transaction that excludes the others may stand beside them (invariant I2).
    private mutating func replace(with transaction: SettlementTransaction) -> Bool {
        guard let held = self.transactions.last, transaction.excludes(held), self.transactions.count < Self.transactionCountMax,
            !self.transactions.contains(where: { $0.hash == transaction.hash })
        else { return false }
        self.transactions.append(transaction)
        return true
    }

    /// The money is not here after all. What is owed for it waits until it is.
    private mutating func vanish(_ reason: String) -> Bool {
        guard let settlement = self.settlement, !settlement.isCredit else { return false }
        self.phase = .unknown
        self.settlement = nil
        self.endedAt = nil
        self.failure = PaymentRefusal("settlement_pending", detail: reason)
        self.debt?.isSuspended = true
        return true
    }

    /// Who got what: a track of its own beside the money's.
    private mutating func applyDelivery(_ event: PaymentEvent) -> Bool {
        switch event {
        case .served: self.isServed = true
        case .told where self.phase == .settled && !self.isTold: self.isTold = true
        case .untold where self.phase == .settled && self.isTold: self.isTold = false
        default: return false
        }
        return true
    }

    /// What is owed, and how it is made good.
    private mutating func applyDebt(_ event: PaymentEvent) -> Bool {
        switch event {
        case .owed where self.phase == .settled && self.debt == nil:
            self.debt = Debt(units: self.claim.option.amount)
        case .drawn(let units, _):
            guard let debt = self.debt, debt.isOpen, units > .zero, let left = debt.units.subtracting(units) else { return false }
            self.debt?.units = left
        case .refunding(let refund):
            guard let debt = self.debt, debt.isOpen, refund.units == debt.units else { return false }
            self.debt?.refund = refund
        case .refundDropped where self.debt?.refund != nil && self.debt?.refunded == nil:
            self.debt?.refund = nil
        case .refunded(let settlement) where self.debt?.refund != nil && self.debt?.refunded == nil:
            self.debt?.units = .zero
            self.debt?.refunded = settlement
        default: return false
        }
        return true
    }
}

extension PaymentEvent {
    /// Whether whoever writes it is at work on the settlement for ``PaymentRecord/leaseSeconds``.
    public var isLease: Bool {
        switch self {
        case .signed, .broadcast, .unknown: true
        default: false
        }
    }

    /// The event's name in stores and logs.
    public var name: String {
        switch self {
        case .claimed: "claimed"
        case .takenOver: "taken_over"
        case .answered: "answered"
        case .queued: "queued"
        case .signed: "signed"
        case .broadcast: "broadcast"
        case .unknown: "unknown"
        case .returned: "returned"
        case .settled: "settled"
        case .vanished: "vanished"
        case .failed: "failed"
        case .released: "released"
        case .served: "served"
        case .told: "told"
        case .untold: "untold"
        case .owed: "owed"
        case .drawn: "drawn"
        case .refunding: "refunding"
        case .refundDropped: "refund_dropped"
        case .refunded: "refunded"
        }
    }
}
