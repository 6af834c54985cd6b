// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives

/// What gateways on one ledger share out among themselves: transaction numbers, work, credit.
extension LedgerWriter {
    /// Appends what is made with a signer's next number. The signer's row stays locked until the transaction ends, so that nobody
    /// else takes a number meanwhile, and this one is free again when the transaction fails.
    func sign(
        as account: SignerAccount, at time: Int64, _ entries: (UInt64) -> [LedgerEntry]
    ) throws(StoreError) -> [PaymentRecord] {
        let key: [PostgresParameter] = [.text(account.network.description), .text(account.address)]
        guard let chainCount = Int64(exactly: account.chainCount) else {
            throw .defect("account \(account.address) has sent \(account.chainCount) transactions, which no chain counts")
        }
        let next = try self.session.run(
            """
            INSERT INTO signers (network, address, next_number) VALUES ($1, $2, $3) ON CONFLICT (network, address)
            DO UPDATE SET next_number = greatest(signers.next_number, excluded.next_number) RETURNING next_number
            """, key + [.integer(chainCount)]
        ).first { row throws(StoreError) in try row.integer(0) }
        guard let next, let number = UInt64(exactly: next) else { throw .corrupt("no number for \(account.address)") }
        var encoded: [EncodedEntry] = []
        for entry in entries(number) { encoded.append(try EncodedEntry(entry)) }
        let records = try self.append(encoded, at: time)
        try self.session.run(
            "UPDATE signers SET next_number = $3 WHERE network = $1 AND address = $2", key + [.integer(next + 1)])
        return records
    }

    /// Leases payments that nobody works on. What another gateway is just taking is passed over, not waited for.
    func takeWork(
        in phases: Set<PaymentRecord.Phase>, on network: ChainID, limit: Int, leaseSeconds: Int64, at time: Int64
    ) throws(StoreError) -> [PaymentRecord] {
        let due = try self.reader.payments(
            """
            WHERE phase = ANY ($1) AND network = $2 AND leased_until <= $3
            ORDER BY valid_before, claimed_at, id LIMIT $4 FOR UPDATE SKIP LOCKED
            """,
            [
                .array(phases.map { .text($0.rawValue) }, of: .text), .text(network.description), .integer(time),
                .integer(Int64(max(0, limit))),
            ], known: self.recent.record)
        try self.session.run(
            "UPDATE payments SET leased_until = $2 WHERE number = ANY ($1)",
            [.array(due.map { .integer($0.number) }, of: .integer), .integer(Self.end(of: leaseSeconds, from: time))])
        return due.map(\.record)
    }

    /// Makes a payment out of open debts, the oldest first, by the first claim for which they suffice.
    func spendCredit(_ claims: [EncodedClaim], at time: Int64) throws(StoreError) -> CreditOutcome {
        guard let payment = claims.first?.claim.id else { return .insufficient }
        if let held = try self.lockPayments([payment]).first { return .held(held.record) }
        for claim in claims {
            let outcome = try self.spendCredit(claim.event, claim.claim, at: time)
            guard outcome == .insufficient else { return outcome }
        }
        // Whoever had the debts locked may have spent them on this payment.
        return try self.lockPayments([payment]).first.map { .held($0.record) } ?? .insufficient
    }

    private func spendCredit(_ claimed: EncodedEvent, _ claim: Claim, at time: Int64) throws(StoreError) -> CreditOutcome {
        let (isMeant, source): (String, PostgresParameter) =
            switch claim.creditSource {
            case .payer(let payer): ("payer = $1", .text(payer))
            case .deposits(let hash): ("deposited_for = $1", .blob(hash.bytes))
            }
        let debts = try self.reader.payments(
            """
            WHERE \(isMeant) AND network = $2 AND asset = $3 AND is_owed = 1 AND open_debt IS NOT NULL ORDER BY id FOR UPDATE
            """, [source, .text(claim.option.network.description), .text(claim.option.asset.address.lowercased())],
            known: self.recent.record
        ).sorted { PaymentQuery.Cursor($0.record) < PaymentQuery.Cursor($1.record) }
        var missing = claim.option.amount
        var draws: [(debt: StoredPayment, event: EncodedEvent)] = []
        for payment in debts {
            guard missing > .zero, let debt = payment.record.debt else { break }
            let units = min(missing, debt.units)
            draws.append((payment, try EncodedEvent(.drawn(units: units, by: claim.id))))
            missing = missing.subtracting(units) ?? .zero
        }
        guard missing == .zero else { return .insufficient }
        guard try self.insert(claim, claimed, at: time) != nil else {
            throw self.session.conflict("payment \(claim.id) was claimed meanwhile")
        }
        for draw in draws { _ = try self.append([draw.event], to: draw.debt, at: time) }
        let settled = EncodedEntry(payment: claim.id, events: [try EncodedEvent(.settled(.credit))])
        return .first(try self.append([settled], at: time)[0])
    }

    /// Says that a worker is there, for so long by the server's clock: one clock for all gateways, whatever theirs say.
    func renew(_ worker: WorkerID, for seconds: Int64) throws(StoreError) {
        try self.session.run(
            """
            INSERT INTO workers (name, there_until) VALUES ($1, clock_timestamp() + $2::bigint * interval '1 second')
            ON CONFLICT (name) DO UPDATE SET there_until = excluded.there_until
            """, [.text(worker.description), .integer(seconds)])
        // Who is long gone is gone whether it is listed or not.
        try self.session.run("DELETE FROM workers WHERE there_until < clock_timestamp() - interval '1 hour'")
    }

    /// Gives a payment to another worker, unless its own is there. The payment stays locked until that is written, so that one of
    /// many gets it.
    func takeOver(
        _ payment: PaymentID, by worker: WorkerID, _ event: EncodedEvent, at time: Int64
    ) throws(StoreError) -> PaymentRecord? {
        guard let held = try self.lockPayments([payment]).first else { return nil }
        let record = held.record
        guard record.canBeTakenOver, record.worker != worker else { return record }
        if let other = record.worker {
            let there = try self.session.run(
                "SELECT count(*) FROM workers WHERE name = $1 AND there_until > clock_timestamp()", [.text(other.description)]
            ).first { row throws(StoreError) in try row.integer(0) }
            guard there == 0 else { return record }
        }
        return try self.append([event], to: held, at: time).record
    }

    /// Moves a mark forward.
    func setMark(_ mark: LedgerMark, to value: Int64) throws(StoreError) {
        try self.session.run(
            """
            INSERT INTO marks (name, value) VALUES ($1, $2)
            ON CONFLICT (name) DO UPDATE SET value = greatest(marks.value, excluded.value)
            """, [.text(mark.description), .integer(value)])
    }

    /// Forgets answers of payments that ended before `time`, at most `limit`; says how many.
    func pruneAnswers(endedBefore time: Int64, limit: Int) throws(StoreError) -> Int {
        try self.session.run(
            """
            DELETE FROM answers WHERE payment = ANY (ARRAY(
                SELECT payment FROM answers WHERE ended_at < $1 ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED))
            """, [.integer(time), .integer(Int64(limit))]
        ).changes
    }
}
