// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives

/// Money that arrives by itself, and what it was asked for with.
extension LedgerWriter {
    /// Notes a deposit: claimed, settled and owed.
    func deposit(_ claimed: EncodedClaim, _ events: EncodedEntry, at time: Int64) throws(StoreError) -> ClaimOutcome {
        let claim = claimed.claim
        guard try self.insert(claimed.event, claim, at: time) != nil else {
            guard let held = try self.payment(claim.id) else { throw .corrupt("payment \(claim.id) is there and is not") }
            return .held(held.record)
        }
        let record = try self.append([events], at: time)[0]
        if let hash = claim.depositedFor {
            try self.connection.run(
                "UPDATE payment_references SET is_paid = 1 WHERE hash = ?1 AND is_paid = 0", [.blob(hash.bytes)])
        }
        return .first(record)
    }

    /// The next number of a series.
    func nextAddressIndex(in series: String) throws(StoreError) -> UInt32 {
        let next = try self.connection.row("SELECT next_index FROM address_series WHERE name = ?1", [.text(series)]) {
            row throws(StoreError) in try row.integer(0)
        }
        guard let index = UInt32(exactly: next ?? 0) else { throw .corrupt("the series \(series) has no next number") }
        guard index <= PaymentReference.addressIndexMax else { throw PaymentReference.usedUp(series) }
        try self.connection.run(
            """
            INSERT INTO address_series (name, next_index) VALUES (?1, ?2)
            ON CONFLICT (name) DO UPDATE SET next_index = excluded.next_index
            """, [.text(series), .integer(Int64(index) + 1)])
        return index
    }

    /// Forgets references that ended before `time` and were not paid, at most `limit`; says how many.
    func pruneReferences(endedBefore time: Int64, limit: Int) throws(StoreError) -> Int {
        try self.connection.run(
            """
            DELETE FROM payment_references WHERE number IN (
                SELECT number FROM payment_references WHERE is_paid = 0 AND expires < ?1 ORDER BY expires LIMIT ?2)
            """, [.integer(time), LedgerValue(limit)])
        return self.connection.changes
    }
}

extension LedgerWriter: ReferenceTable {
    func withMemory<Value>(_ body: (inout ReferenceMemory) -> Value) -> Value { body(&self.references) }

    /// Whoever writes is alone until its transaction ends.
    func lock(_ place: PaymentPlace, isAlone: Bool) {}

    func countReferences(endingAfter time: Int64, upTo limit: Int) throws(StoreError) -> Int {
        let count = try self.connection.row(
            """
            SELECT count(*) FROM (SELECT 1 FROM payment_references WHERE is_paid IN (0, 1) AND expires > ?1 LIMIT ?2)
            """, [.integer(time), LedgerValue(limit)]
        ) { row throws(StoreError) in try row.integer(0) }
        return Int(count ?? 0)
    }

    func isAsked(_ amount: UInt256, at place: PaymentPlace, isOwn: Bool, endingAfter time: Int64) throws(StoreError) -> Bool {
        let found = try self.connection.row(
            """
            SELECT 1 FROM payment_references WHERE \(Self.isAtPlace) AND amount = ?4 AND expires > ?5
                AND (kind = 'amount' OR ?6 = 0) LIMIT 1
            """, place.values + [.blob(amount.word.bytes), .integer(time), LedgerValue(isOwn)]
        ) { row throws(StoreError) in try row.integer(0) }
        return found != nil
    }

    func amountsAsked(in range: AmountRange, endingAfter time: Int64) throws(StoreError) -> [UInt256: Int64] {
        let found = try self.connection.rows(
            """
            SELECT amount, max(expires) FROM payment_references WHERE \(Self.isAtPlace) AND amount BETWEEN ?4 AND ?5
                AND expires > ?6 AND (kind = 'amount' OR ?7 = 0) GROUP BY amount
            """,
            range.place.values + [
                .blob(range.amounts.lowerBound.word.bytes), .blob(range.amounts.upperBound.word.bytes), .integer(time),
                LedgerValue(range.isShared),
            ]
        ) { row throws(StoreError) in
            guard let amount = Bytes32(try row.blob(0)) else { throw .corrupt("a reference's amount is none") }
            return (UInt256(amount), try row.integer(1))
        }
        return Dictionary(found) { first, _ in first }
    }

    func add(_ reference: PaymentReference) throws(StoreError) {
        try self.connection.run(
            """
            INSERT INTO payment_references (\(ReferenceRow.columns.joined(separator: ", ")))
            VALUES (\(ReferenceRow.columns.indices.map { "?\($0 + 1)" }.joined(separator: ", "))) ON CONFLICT (hash) DO NOTHING
            """, try ReferenceRow(reference).values)
        guard self.connection.changes == 1 else { throw .defect(PaymentReference.isThere) }
    }

    fileprivate static let isAtPlace = "kind <> 'address' AND network = ?1 AND recipient = ?2 AND asset = ?3"
}

extension PaymentPlace {
    fileprivate var values: [LedgerValue] {
        [.text(self.network.description), .text(self.recipient), .text(self.asset)]
    }
}

extension LedgerReader {
    /// The reference with this digest; nil when there is none.
    func reference(_ hash: Bytes32) throws(StoreError) -> PaymentReference? {
        try self.reference("hash = ?1", [.blob(hash.bytes)])
    }

    /// The reference that money was sent for, by where it went or by how much it is.
    func reference(paidBy amount: UInt256, at place: PaymentPlace, at time: Int64) throws(StoreError) -> PaymentReference? {
        let known = LedgerValue.integer(time - PaymentReference.graceSeconds)
        let own = try self.reference(
            "kind = 'address' AND network = ?1 AND recipient = ?2 AND expires > ?3",
            [.text(place.network.description), .text(place.recipient), known])
        if let own { return own }
        return try self.reference(
            "\(LedgerWriter.isAtPlace) AND amount = ?4 AND kind = 'amount' AND expires > ?5",
            place.values + [.blob(amount.word.bytes), known])
    }

    /// The recipients of references that are bound by an address or an amount and known at `time`.
    func boundRecipients(on network: ChainID, at time: Int64) throws(StoreError) -> [String] {
        try self.connection.rows(
            """
            SELECT DISTINCT recipient FROM payment_references WHERE kind <> 'signature' AND network = ?1 AND expires > ?2
            ORDER BY recipient
            """, [.text(network.description), .integer(time - PaymentReference.graceSeconds)]
        ) { row throws(StoreError) in try row.text(0) }
    }

    /// Of the same references the one that was opened first.
    func oldestBound(on network: ChainID, at time: Int64) throws(StoreError) -> PaymentReference? {
        try self.reference(
            "kind <> 'signature' AND network = ?1 AND expires > ?2",
            [.text(network.description), .integer(time - PaymentReference.graceSeconds)], first: "number")
    }

    private func reference(
        _ condition: String, _ values: [LedgerValue], first order: String = "number DESC"
    ) throws(StoreError) -> PaymentReference? {
        try self.connection.row(
            "SELECT hash, detail FROM payment_references WHERE \(condition) ORDER BY \(order) LIMIT 1", values
        ) { row throws(StoreError) in
            try ReferenceRow.reference(hash: try row.blob(0), detail: try row.text(1))
        }
    }
}
