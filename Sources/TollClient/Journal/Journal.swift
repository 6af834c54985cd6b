// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
public import TollPrimitives

/// What was reserved, sent, paid and refused, shared by every process of one buyer: an append-only file of JSON lines,
/// `journal.jsonl`.
///
/// A reservation is durable before anything is signed, the signed payment is durable before it is sent. A process may be
/// killed at any instant: what it had reserved stays counted, what it may have sent can be sent again as it was.
public struct Journal: Sendable {
    private let file: JournalFile

    /// The journal in `directory`, which is made when it is first needed.
    public init(directory: String) {
        self.file = JournalFile(directory: directory, name: "journal.jsonl")
    }

    /// A payment that this process is at. Others keep away from it until this is dropped, or the process is gone.
    public struct Hold: Sendable {
        /// The payment.
        public let id: Bytes32
        private let lock: ByteLock

        fileprivate init(id: Bytes32, lock: ByteLock) {
            self.id = id
            self.lock = lock
        }
    }

    /// What came of asking for room in the budget.
    public enum Reservation: Sendable {
        /// It is counted from now on.
        case granted(Hold)
        /// It would be too much, for this reason.
        case exceeded(String)
        /// There is one of this name already, or under the same idempotency key.
        case taken
    }

    /// Counts a payment before it is signed, if the budget has room for it.
    public func reserve(
        _ terms: JournaledPayment.Terms,
        id: Bytes32,
        budget: Budget,
        at time: UInt64
    ) throws(JournalError) -> Reservation {
        try self.archive(before: time)
        guard let lock = try self.file.lock(id) else { return .taken }
        return try self.file.transact { lines throws(JournalError) in
            let payments = try self.fold(lines)
            guard !payments.contains(where: { $0.id == id }) else { return ([], .taken) }
            // Whoever reserved under the key is at it, or has paid; what a process left that died before signing is no matter.
            for payment in payments where terms.key != nil && payment.terms.key == terms.key {
                let isTaken =
                    payment.state == .reserved ? try self.file.lock(payment.id) == nil : payment.isRepeatable(at: time)
                guard !isTaken else { return ([], .taken) }
            }
            let spent = Self.spending(payments, at: terms.url.origin, time)
            if let objection = budget.objection(to: terms.cost, at: terms.url.origin, spent: spent) {
                return ([], .exceeded(objection))
            }
            return ([JournalEvent(id: id, time: time, kind: .reserved(terms)).line], .granted(Hold(id: id, lock: lock)))
        }
    }

    /// The payment is signed and about to be sent in this field.
    public func markSent(_ hold: Hold, field: String, value: String, at time: UInt64) throws(JournalError) {
        try self.append(hold.id, .sent(field: field, value: value), at: time)
    }

    /// The server took the payment, or may be taken to have.
    public func markPaid(_ hold: Hold, status: Int, transaction: String, at time: UInt64) throws(JournalError) {
        try self.append(hold.id, .paid(status: status, transaction: transaction), at: time)
    }

    /// The server says it did not take the payment.
    public func markRefused(_ hold: Hold, status: Int, reason: String, at time: UInt64) throws(JournalError) {
        try self.append(hold.id, .refused(status: status, reason: reason), at: time)
    }

    /// The server says that it owes what was paid, under the name `debt`.
    public func markOwed(_ hold: Hold, debt: String, at time: UInt64) throws(JournalError) {
        try self.append(hold.id, .owed(debt: debt), at: time)
    }

    /// It is proven that the payment did not cost anything and cannot.
    public func release(_ hold: Hold, reason: String, at time: UInt64) throws(JournalError) {
        try self.append(hold.id, .released(reason: reason), at: time)
    }

    /// Every payment in the order of their reservations.
    public func payments() throws(JournalError) -> [JournaledPayment] {
        try self.file.transact { lines throws(JournalError) in ([], try self.fold(lines)) }
    }

    /// The payment of the same request whose outcome is open and that no living process is at, held from now on. Under an
    /// idempotency key also one whose outcome is known: it is sent again, and nothing else is paid.
    public func takeUp(
        request: Bytes32, key: Bytes32? = nil, at time: UInt64
    ) throws(JournalError) -> (JournaledPayment, Hold)? {
        let isOpen: (JournaledPayment) -> Bool = { payment in
            guard payment.terms.key == key else { return false }
            return key == nil
                ? payment.terms.request == request && payment.isPending(at: time) : payment.isRepeatable(at: time)
        }
        for payment in try self.payments().filter(isOpen) {
            if let hold = try self.hold(payment, isOpen) { return (payment, hold) }
        }
        return nil
    }

    /// Holds every payment of which a chain could tell more than the journal, leaving out those that a living process is at.
    public func openQuestions(at time: UInt64) throws(JournalError) -> [(JournaledPayment, Hold)] {
        var open: [(JournaledPayment, Hold)] = []
        for payment in try self.payments() where payment.isSettledByChain(at: time) {
            if let hold = try self.hold(payment, { $0.isSettledByChain(at: time) }) { open.append((payment, hold)) }
        }
        return open
    }

    /// What the day of `time` has cost so far at `origin` and in all.
    public func spending(at origin: Origin, _ time: UInt64) throws(JournalError) -> Spending {
        Self.spending(try self.payments(), at: origin, time)
    }

    /// What the day of `time` (UTC) has cost according to `payments`.
    public static func spending(_ payments: [JournaledPayment], at origin: Origin, _ time: UInt64) -> Spending {
        var spent = Spending(atOrigin: Dollars(micros: 0), inAll: Dollars(micros: 0))
        for payment in payments where payment.time / 86_400 == time / 86_400 && payment.isCounted(at: time) {
            spent.inAll = spent.inAll.adding(payment.terms.cost)
            if payment.terms.url.origin == origin { spent.atOrigin = spent.atOrigin.adding(payment.terms.cost) }
        }
        return spent
    }

    /// Moves what no longer matters out of the way, so that reading the journal stays quick: everything but the payments of
    /// this day and the one before, those that are still open, and those that a credit follows from.
    private func archive(before time: UInt64) throws(JournalError) {
        let yesterday = (time / 86_400) - min(time / 86_400, 1)
        try self.file.archive(at: time) { lines throws(JournalError) in
            let payments = try self.fold(lines)
            let credits = Credit.all(in: payments)
            let kept = Set(
                payments.filter { payment in
                    payment.time / 86_400 >= yesterday || payment.isPending(at: time) || payment.isSettledByChain(at: time)
                        || (payment.debt != nil || payment.isCreditPurchase)
                            && credits.contains { $0.belongs(to: payment.terms) }
                }.map(\.id)
            )
            return lines.filter { line in JournalEvent(line: line).map { kept.contains($0.id) } ?? true }
        }
    }

    /// Takes the payment's lock, then looks again: whoever had it before may have brought it to its end.
    func hold(_ payment: JournaledPayment, _ isStillOpen: (JournaledPayment) -> Bool) throws(JournalError) -> Hold? {
        guard let lock = try self.file.lock(payment.id) else { return nil }
        guard let now = try self.payments().first(where: { $0.id == payment.id }), isStillOpen(now) else { return nil }
        return Hold(id: payment.id, lock: lock)
    }

    /// Appends what `decide` makes of the payments as they are, while nobody else can append.
    func append<Result>(
        to hold: Hold, at time: UInt64,
        _ decide: ([JournaledPayment]) throws(JournalError) -> (JournalEvent.Kind, Result)
    ) throws(JournalError) -> Result {
        try self.file.transact { lines throws(JournalError) in
            let (kind, result) = try decide(try self.fold(lines))
            return ([JournalEvent(id: hold.id, time: time, kind: kind).line], result)
        }
    }

    private func append(_ id: Bytes32, _ kind: JournalEvent.Kind, at time: UInt64) throws(JournalError) {
        try self.file.transact { _ throws(JournalError) in ([JournalEvent(id: id, time: time, kind: kind).line], ()) }
    }

    private func fold(_ lines: [ArraySlice<UInt8>]) throws(JournalError) -> [JournaledPayment] {
        var payments: [JournaledPayment] = []
        var places: [Bytes32: Int] = [:]
        for (index, line) in lines.enumerated() {
            let isApplied: Bool
            switch JournalEvent(line: line) {
            case nil: isApplied = false
            case let event?:
                if case .reserved(let terms) = event.kind {
                    isApplied = places.updateValue(payments.count, forKey: event.id) == nil
                    payments.append(JournaledPayment(id: event.id, time: event.time, terms: terms, state: .reserved))
                } else {
                    isApplied = places[event.id].map { payments[$0].apply(event.kind) } ?? false
                }
            }
            guard isApplied else {
                throw JournalError("\(self.file.path), line \(index + 1): is no event of a payment; repair or move the file away")
            }
        }
        return payments
    }
}
