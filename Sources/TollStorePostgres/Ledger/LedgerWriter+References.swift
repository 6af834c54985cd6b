// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollPayments
internal import TollPrimitives

/// Money that arrives by itself, and what it was asked for with.
extension LedgerWriter {
    /// Notes a deposit: claimed, settled and owed.
    func deposit(_ claimed: EncodedClaim, _ events: EncodedEntry, at time: Int64) throws(StoreError) -> ClaimOutcome {
        let claim = claimed.claim
        guard try self.insert(claim, claimed.event, at: time) != nil else {
            guard let held = try self.lockPayments([claim.id]).first else {
                throw .corrupt("payment \(claim.id) is there and is not")
            }
            return .held(held.record)
        }
        let record = try self.append([events], at: time)[0]
        if let hash = claim.depositedFor {
            try self.session.run(
                "UPDATE payment_references SET is_paid = 1 WHERE hash = $1 AND is_paid = 0", [.blob(hash.bytes)])
        }
        return .first(record)
    }

    /// The next number of a series. Its row stays locked until the transaction ends.
    func nextAddressIndex(in series: String) throws(StoreError) -> UInt32 {
        let next = try self.session.run(
            """
            INSERT INTO address_series (name, next_index) VALUES ($1, 1)
            ON CONFLICT (name) DO UPDATE SET next_index = address_series.next_index + 1 RETURNING next_index
            """, [.text(series)]
        ).first { row throws(StoreError) in try row.integer(0) }
        guard let next, let index = UInt32(exactly: next - 1) else { throw .corrupt("the series \(series) has no next number") }
        guard index <= PaymentReference.addressIndexMax else { throw PaymentReference.usedUp(series) }
        return index
    }

    /// Forgets references that ended before `time` and were not paid, at most `limit`; says how many. What another gateway is
    /// just forgetting is passed over.
    func pruneReferences(endedBefore time: Int64, limit: Int) throws(StoreError) -> Int {
        try self.session.run(
            """
            DELETE FROM payment_references WHERE number = ANY (ARRAY(
                SELECT number FROM payment_references WHERE is_paid = 0 AND expires < $1 ORDER BY expires LIMIT $2
                FOR UPDATE SKIP LOCKED))
            """, [.integer(time), .integer(Int64(limit))]
        ).changes
    }
}

/// The references, as one writer opens them.
struct PostgresReferences: ReferenceTable {
    /// What all writers of the process remember together.
    typealias Memory = SharedReferenceMemory

    let session: PostgresSession
    let memory: Memory

    func withMemory<Value>(_ body: (inout ReferenceMemory) -> Value) -> Value { self.memory.with(body) }

    /// An advisory lock, until the transaction ends. Its key is a digest: two places that share one wait for each other.
    func lock(_ place: PaymentPlace, isAlone: Bool) throws(StoreError) {
        let digest = Keccak256.hash(text: "reference \(place.network)/\(place.asset)/\(place.recipient)")
        let key = Int64(bitPattern: digest.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
        let function = isAlone ? "pg_advisory_xact_lock" : "pg_advisory_xact_lock_shared"
        try self.session.run("SELECT 1::bigint FROM (SELECT \(function)($1)) AS locked", [.integer(key)])
    }

    func countReferences(endingAfter time: Int64, upTo limit: Int) throws(StoreError) -> Int {
        let count = try self.session.run(
            """
            SELECT count(*) FROM (
                SELECT 1 FROM payment_references WHERE is_paid IN (0, 1) AND expires > $1 LIMIT $2) AS open
            """, [.integer(time), .integer(Int64(limit))]
        ).first { row throws(StoreError) in try row.integer(0) }
        return Int(count ?? 0)
    }

    func isAsked(_ amount: UInt256, at place: PaymentPlace, isOwn: Bool, endingAfter time: Int64) throws(StoreError) -> Bool {
        try self.session.run(
            """
            SELECT 1::bigint FROM payment_references WHERE \(Self.isAtPlace) AND amount = $4 AND expires > $5
                AND (kind = 'amount' OR $6::bigint = 0) LIMIT 1
            """, place.values + [.blob(amount.word.bytes), .integer(time), .integer(isOwn ? 1 : 0)]
        ).count > 0
    }

    func amountsAsked(in range: AmountRange, endingAfter time: Int64) throws(StoreError) -> [UInt256: Int64] {
        let found = try self.session.run(
            """
            SELECT amount, max(expires) FROM payment_references WHERE \(Self.isAtPlace) AND amount BETWEEN $4 AND $5
                AND expires > $6 AND (kind = 'amount' OR $7::bigint = 0) GROUP BY amount
            """,
            range.place.values + [
                .blob(range.amounts.lowerBound.word.bytes), .blob(range.amounts.upperBound.word.bytes), .integer(time),
                .integer(range.isShared ? 1 : 0),
            ]
        ).rows { row throws(StoreError) in
            guard let amount = Bytes32(try row.blob(0)) else { throw .corrupt("a reference's amount is none") }
            return (UInt256(amount), try row.integer(1))
        }
        return Dictionary(found) { first, _ in first }
    }

    func add(_ reference: PaymentReference) throws(StoreError) {
        let added = try self.session.run(
            """
            INSERT INTO payment_references (\(ReferenceRow.columns.joined(separator: ", ")))
            VALUES (\(ReferenceRow.columns.indices.map { "$\($0 + 1)" }.joined(separator: ", "))) ON CONFLICT (hash) DO NOTHING
            """, try ReferenceRow(reference).values.map(PostgresParameter.one))
        guard added.changes == 1 else { throw .defect(PaymentReference.isThere) }
    }

    fileprivate static let isAtPlace = "kind <> 'address' AND network = $1 AND recipient = $2 AND asset = $3"
}

/// What all writers of a process remember of references.
final class SharedReferenceMemory: Sendable {
    private let memory = Mutex(ReferenceMemory())

    func with<Value>(_ body: (inout ReferenceMemory) -> Value) -> Value {
        self.memory.withLock { memory in body(&memory) }
    }
}

extension PaymentPlace {
    fileprivate var values: [PostgresParameter] {
        [.text(self.network.description), .text(self.recipient), .text(self.asset)]
    }
}

extension LedgerReader {
    /// The reference with this digest; nil when there is none.
    func reference(_ hash: Bytes32) throws(StoreError) -> PaymentReference? {
        try self.reference("hash = $1", [.blob(hash.bytes)])
    }

    /// The reference that money was sent for, by where it went or by how much it is.
    func reference(paidBy amount: UInt256, at place: PaymentPlace, at time: Int64) throws(StoreError) -> PaymentReference? {
        let known = PostgresParameter.integer(time - PaymentReference.graceSeconds)
        let own = try self.reference(
            "kind = 'address' AND network = $1 AND recipient = $2 AND expires > $3",
            [.text(place.network.description), .text(place.recipient), known])
        if let own { return own }
        return try self.reference(
            "\(PostgresReferences.isAtPlace) AND amount = $4 AND kind = 'amount' AND expires > $5",
            place.values + [.blob(amount.word.bytes), known])
    }

    /// The recipients of references that are bound by an address or an amount and known at `time`.
    func boundRecipients(on network: ChainID, at time: Int64) throws(StoreError) -> [String] {
        try self.session.run(
            """
            SELECT DISTINCT recipient COLLATE "C" AS recipient FROM payment_references
            WHERE kind <> 'signature' AND network = $1 AND expires > $2 ORDER BY recipient
            """, [.text(network.description), .integer(time - PaymentReference.graceSeconds)]
        ).rows { row throws(StoreError) in try row.text(0) }
    }

    /// Of the same references the one that was opened first.
    func oldestBound(on network: ChainID, at time: Int64) throws(StoreError) -> PaymentReference? {
        try self.reference(
            "kind <> 'signature' AND network = $1 AND expires > $2",
            [.text(network.description), .integer(time - PaymentReference.graceSeconds)], first: "number")
    }

    private func reference(
        _ condition: String, _ values: [PostgresParameter], first order: String = "number DESC"
    ) throws(StoreError) -> PaymentReference? {
        try self.session.run(
            "SELECT hash, detail FROM payment_references WHERE \(condition) ORDER BY \(order) LIMIT 1", values
        ).first { row throws(StoreError) in
            try ReferenceRow.reference(hash: try row.blob(0), detail: try row.text(1))
        }
    }
}
