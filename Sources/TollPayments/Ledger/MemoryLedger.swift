// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

/// What ``MemoryPaymentStore`` keeps: the plainest form of a ledger, and the model that others are held against.
struct MemoryLedger {
    /// One payment.
    struct Payment {
        var record: PaymentRecord
        var answer: StoredAnswer?
        var events: [TimedEvent]
        /// Until when somebody works on it, in seconds since 1970.
        var leasedUntil: Int64 = .min

        mutating func apply(_ event: PaymentEvent, at time: Int64) throws(StoreError) {
            do throws(PaymentRecord.InvalidTransition) { try self.record.apply(event, at: time) } catch {
                throw .defect(error.description)
            }
            var kept = event
            if case .answered(let answer) = event {
                self.answer = answer
                kept = .answered(StoredAnswer(status: answer.status, fields: [], body: []))
            }
            if !self.record.hasAnswer { self.answer = nil }
            if event.isLease { self.leasedUntil = min(time, .max - PaymentRecord.leaseSeconds) + PaymentRecord.leaseSeconds }
            self.events.append(TimedEvent(time: time, event: kept))
        }
    }

    /// A signer's account.
    private struct Account: Hashable {
        let network: ChainID
        let address: String
    }

    private(set) var payments: [PaymentID: Payment] = [:]
    var marks: [LedgerMark: Int64] = [:]
    /// Until when workers are there, in seconds since 1970.
    private var workers: [WorkerID: Int64] = [:]
    var outbox = MemoryOutbox()
    var references = MemoryReferences()
    var secrets: [String: Secret<[UInt8]>] = [:]
    private var nextNumbers: [Account: UInt64] = [:]

    // MARK: - Writing

    mutating func claim(_ claim: Claim, deferral: DeferralTerms?, at time: Int64) -> ClaimOutcome {
        var payment = self.payments[claim.id]
        if let held = payment?.record, !held.isClaimable { return .held(held) }
        if let hash = claim.identifierHash, let other = self.payment(identifiedBy: hash) { return .identifierTaken(other) }
        if let deferral {
            let standing = self.standing(of: claim.key.payer, for: claim.option.asset)
            let total = self.payments.values.reduce(Int64(0)) { $0 + $1.record.openExposure }
            if let objection = standing.objection(to: claim, under: deferral, total: total) {
                return .notDeferrable(reason: objection)
            }
        }
        do throws(StoreError) { try payment?.apply(.claimed(claim), at: time) } catch { preconditionFailure(error.reason) }
        let taken = payment ?? Payment(PaymentRecord(claim, at: time), at: time)
        self.payments[claim.id] = taken
        return .first(taken.record)
    }

    mutating func append(_ entries: [LedgerEntry], at time: Int64) throws(StoreError) -> [PaymentRecord] {
        var changed: [PaymentID: Payment] = [:]
        var records: [PaymentRecord] = []
        for entry in entries {
            guard var payment = changed[entry.payment] ?? self.payments[entry.payment] else {
                throw .defect("no payment \(entry.payment)")
            }
            for event in entry.events { try payment.apply(event, at: time) }
            changed[entry.payment] = payment
            records.append(payment.record)
        }
        for (id, payment) in changed.sorted(by: { $0.key.description < $1.key.description }) {
            let count = self.payments[id]?.events.count ?? 0
            self.outbox.note(payment.events.dropFirst(count), of: payment.record, after: count)
        }
        self.payments.merge(changed) { $1 }
        return records
    }

    mutating func sign(
        as account: SignerAccount, at time: Int64, _ entries: (UInt64) -> [LedgerEntry]
    ) throws(StoreError) -> [PaymentRecord] {
        let key = Account(network: account.network, address: account.address)
        let number = max(self.nextNumbers[key] ?? 0, account.chainCount)
        let records = try self.append(entries(number), at: time)
        self.nextNumbers[key] = number + 1
        return records
    }

    mutating func takeWork(
        in phases: Set<PaymentRecord.Phase>, on network: ChainID, limit: Int, leaseSeconds: Int64, at time: Int64
    ) -> [PaymentRecord] {
        let due = self.payments.values.filter { payment in
            payment.leasedUntil <= time && phases.contains(payment.record.phase) && payment.record.claim.option.network == network
        }
        let taken = due.map(\.record).sorted { left, right in
            (left.claim.validBefore, left.claimedAt, left.id.description)
                < (right.claim.validBefore, right.claimedAt, right.id.description)
        }.prefix(max(0, limit))
        for record in taken { self.payments[record.id]?.leasedUntil = time + leaseSeconds }
        return Array(taken)
    }

    mutating func renew(_ worker: WorkerID, for seconds: Int64, at time: Int64) {
        self.workers[worker] = seconds > 0 ? time + seconds : nil
    }

    mutating func takeOver(_ id: PaymentID, by worker: WorkerID, at time: Int64) throws(StoreError) -> PaymentRecord? {
        guard let record = self.payments[id]?.record else { return nil }
        let isThere = record.worker.map { self.workers[$0] ?? .min > time } ?? false
        guard record.canBeTakenOver, record.worker != worker, !isThere else { return record }
        return try self.append([LedgerEntry(id, [.takenOver(by: worker)])], at: time)[0]
    }

    mutating func spendCredit(_ claims: [Claim], at time: Int64) throws(StoreError) -> CreditOutcome {
        for claim in claims {
            let outcome = try self.spendCredit(claim, at: time)
            guard outcome == .insufficient else { return outcome }
        }
        return .insufficient
    }

    private mutating func spendCredit(_ claim: Claim, at time: Int64) throws(StoreError) -> CreditOutcome {
        if let held = self.payments[claim.id] { return .held(held.record) }
        var missing = claim.option.amount
        var entries: [LedgerEntry] = []
        for record in self.debts(from: claim.creditSource, in: claim.option.asset) {
            guard missing > .zero, let debt = record.debt else { break }
            let units = min(missing, debt.units)
            entries.append(LedgerEntry(record.id, [.drawn(units: units, by: claim.id)]))
            missing = missing.subtracting(units) ?? .zero
        }
        guard missing == .zero else { return .insufficient }
        _ = try self.append(entries, at: time)
        self.payments[claim.id] = Payment(PaymentRecord(claim, at: time), at: time)
        return .first(try self.append([LedgerEntry(claim.id, [.settled(.credit)])], at: time)[0])
    }

    mutating func deposit(
        _ claim: Claim, _ settlement: Settlement, reason: String, at time: Int64
    ) throws(StoreError) -> ClaimOutcome {
        if let held = self.payments[claim.id] { return .held(held.record) }
        self.payments[claim.id] = Payment(PaymentRecord(claim, at: time), at: time)
        return .first(try self.append([LedgerEntry(claim.id, [.settled(settlement), .owed(reason: reason)])], at: time)[0])
    }

    mutating func pruneAnswers(endedBefore time: Int64) -> Int {
        var pruned = 0
        for (id, payment) in self.payments {
            guard payment.answer != nil, let ended = payment.record.endedAt, ended < time else { continue }
            self.payments[id]?.answer = nil
            pruned += 1
        }
        return pruned
    }

    // MARK: - Reading

    func records(_ query: PaymentQuery) -> [PaymentRecord] {
        let chosen = self.payments.values.map(\.record).filter(query.includes)
        return Array(chosen.sorted { PaymentQuery.Cursor($0) < PaymentQuery.Cursor($1) }.prefix(max(0, query.limit)))
    }

    func payment(identifiedBy hash: Bytes32) -> PaymentRecord? {
        self.payments.values.map(\.record).filter { $0.claim.identifierHash == hash && $0.isIdentified }
            .max { PaymentQuery.Cursor($0) < PaymentQuery.Cursor($1) }
    }

    private func standing(of payer: String, for asset: Asset) -> PayerStanding {
        let all = self.payments.values.map(\.record).filter { $0.claim.key.payer == payer }
        return all.reduce(into: PayerStanding()) { standing, record in
            if record.phase == .settled { standing.settledPayments += 1 }
            guard record.claim.policy == .deferred else { return }
            if record.isUnpaid, !all.contains(where: { $0.makesUp(for: record) }) { standing.hasUnpaid = true }
            standing.exposure += record.openExposure
            guard record.openExposure > 0, record.claim.option.asset.isSameToken(as: asset) else { return }
            standing.owed = standing.owed.adding(record.claim.option.amount) ?? .max
        }
    }

    /// Debts that can be spent, oldest first.
    private func debts(from source: CreditSource, in asset: Asset) -> [PaymentRecord] {
        let open = self.payments.values.map(\.record).filter { record in
            let isMeant =
                switch source {
                case .payer(let payer): record.claim.key.payer == payer
                case .deposits(let hash): record.claim.depositedFor == hash
                }
            return isMeant && record.claim.option.asset.isSameToken(as: asset) && record.debt?.isOpen == true
        }
        return open.sorted { ($0.claimedAt, $0.id.description) < ($1.claimedAt, $1.id.description) }
    }
}

extension MemoryLedger.Payment {
    /// A payment that was just claimed.
    fileprivate init(_ record: PaymentRecord, at time: Int64) {
        self.init(record: record, answer: nil, events: [TimedEvent(time: time, event: .claimed(record.claim))])
    }
}
