// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives

/// What depends on the payer: identifiers, deferral, credit.
extension LedgerWriter {
    /// What a claim comes to, when something other than a holder stands against it; nil when nothing does.
    func objection(to claim: Claim, _ deferral: DeferralTerms?) throws(StoreError) -> ClaimOutcome? {
        if let hash = claim.identifierHash, let other = try self.reader.payment(identifiedBy: hash) {
            return .identifierTaken(other)
        }
        guard let terms = deferral else { return nil }
        if self.book == nil { self.book = try self.reader.payerBook() }
        var settled = self.book?.settledPayments(of: claim.key.payer) ?? 0
        if settled < terms.settledPaymentsMin {
            settled = try self.reader.settledPayments(of: claim.key.payer, countingTo: terms.settledPaymentsMin)
            self.book?.note(settledPayments: settled, of: claim.key.payer)
        }
        guard let book = self.book else { throw .defect("the payers' book is gone") }
        var standing = book.standing(for: claim, settledPayments: settled)
        if standing.hasUnpaid { standing.hasUnpaid = try self.reader.isBarred(claim.key.payer) }
        return standing.objection(to: claim, under: terms, total: book.total).map { .notDeferrable(reason: $0) }
    }

    /// Makes a payment out of what the payer is owed, by the first claim for which that suffices.
    func spendCredit(_ claims: [EncodedClaim], at time: Int64) throws(StoreError) -> CreditOutcome {
        for claim in claims {
            let outcome = try self.spendCredit(claim.event, claim.claim, at: time)
            guard outcome == .insufficient else { return outcome }
        }
        return .insufficient
    }

    private func spendCredit(_ event: EncodedEvent, _ claim: Claim, at time: Int64) throws(StoreError) -> CreditOutcome {
        if let held = try self.payment(claim.id) { return .held(held.record) }
        var missing = claim.option.amount
        var draws: [EncodedEntry] = []
        for debt in try self.reader.openDebts(to: claim) where missing > .zero {
            let units = min(missing, debt.units)
            draws.append(try EncodedEntry(debt.payment, [.drawn(units: units, by: claim.id)]))
            missing = missing.subtracting(units) ?? .zero
        }
        guard missing == .zero else { return .insufficient }
        _ = try self.append(draws, at: time)
        guard try self.insert(event, claim, at: time) != nil else { throw .corrupt("payment \(claim.id) is not there and is") }
        return .first(try self.append([try EncodedEntry(claim.id, [.settled(.credit)])], at: time)[0])
    }
}

extension LedgerReader {
    /// A payer's debt that can be spent.
    struct OpenDebt {
        let payment: PaymentID
        let units: UInt256
    }

    /// How payers stand, from the payments that are open or unpaid.
    func payerBook() throws(StoreError) -> PayerBook {
        let columns = "payer, network, asset, amount, open_exposure, policy = 'deferred' AND \(LedgerSchema.isUnpaid)"
        let shares = try self.connection.rows(
            """
            SELECT \(columns) FROM payments WHERE \(LedgerSchema.isOpen) AND open_exposure > 0
            UNION ALL SELECT \(columns) FROM payments WHERE \(LedgerSchema.isUnpaid)
            """
        ) { row throws(StoreError) in
            PayerBook.Share(
                payer: try row.text(0), network: try row.text(1), asset: try row.text(2), units: try row.units(3),
                exposure: try row.integer(4), isUnpaid: try row.integer(5) == 1)
        }
        var book = PayerBook()
        for share in shares { if let share { _ = book.add(share) } }
        return book
    }

    /// Whether the payer was served something that it did not pay and has not made up for: ``PaymentRecord/makesUp(for:)``.
    func isBarred(_ payer: String) throws(StoreError) -> Bool {
        let lost = try self.connection.rows(
            """
            SELECT 1 FROM payments AS lost
            WHERE payer = ?1 AND \(LedgerSchema.isUnpaid) AND policy = 'deferred' AND NOT EXISTS (
                SELECT 1 FROM payments AS paid
                WHERE paid.payer = ?1 AND paid.phase = 'settled'
                    AND paid.policy <> 'deferred' AND paid.transaction_hash <> '' AND paid.claimed_at >= lost.ended_at
                    AND paid.network = lost.network AND paid.asset = lost.asset
                    AND (length(paid.amount), paid.amount) >= (length(lost.amount), lost.amount))
            LIMIT 1
            """, [.text(payer)]
        ) { row throws(StoreError) in try row.integer(0) }
        return !lost.isEmpty
    }

    /// Settled payments of a payer, counted no further than `limit`.
    func settledPayments(of payer: String, countingTo limit: Int) throws(StoreError) -> Int {
        let counts = try self.connection.rows(
            """
            SELECT count(*) FROM (
                SELECT 1 FROM payments WHERE payer = ?1 AND phase = 'settled' AND \(LedgerSchema.isEnded) LIMIT ?2)
            """,
            [.text(payer), LedgerValue(limit)]
        ) { row throws(StoreError) in try row.integer(0) }
        return counts.first.map { Int($0) } ?? 0
    }

    /// What can be spent of what is owed where `claim` draws on it, in the same asset, the oldest first.
    func openDebts(to claim: Claim) throws(StoreError) -> [OpenDebt] {
        let (isMeant, source): (String, LedgerValue) =
            switch claim.creditSource {
            case .payer(let payer): ("payer = ?1", .text(payer))
            case .deposits(let hash): ("deposited_for = ?1", .blob(hash.bytes))
            }
        return try self.connection.rows(
            """
            SELECT id, open_debt FROM payments WHERE \(isMeant) AND open_debt IS NOT NULL AND network = ?2 AND asset = ?3
            ORDER BY claimed_at, id
            """,
            [source, .text(claim.option.network.description), .text(claim.option.asset.address.lowercased())]
        ) { row throws(StoreError) in
            OpenDebt(payment: try row.payment(0), units: try row.units(1))
        }
    }

    /// The payment that holds an identifier.
    func payment(identifiedBy hash: Bytes32) throws(StoreError) -> PaymentRecord? {
        let held = try self.connection.row(
            "SELECT id FROM payments WHERE identifier_hash = ?1 ORDER BY claimed_at DESC, id DESC LIMIT 1", [.blob(hash.bytes)]
        ) { row throws(StoreError) in try row.payment(0) }
        guard let held else { return nil }
        return try self.payment(held)?.record
    }
}
