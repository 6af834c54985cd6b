// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives

/// What settlement needs of the ledger: numbers, work, marks.
extension LedgerWriter {
    /// Appends what `entries` makes with the account's next number, and takes the number.
    func sign(
        as account: SignerAccount, at time: Int64, _ entries: (UInt64) -> [LedgerEntry]
    ) throws(StoreError) -> [PaymentRecord] {
        let key: [LedgerValue] = [.text(account.network.description), .text(account.address)]
        let next = try self.connection.row(
            "SELECT next_number FROM signers WHERE network = ?1 AND address = ?2", key
        ) { row throws(StoreError) in try row.integer(0) }
        let number = max(account.chainCount, next.flatMap { UInt64(exactly: $0) } ?? 0)
        guard let following = Int64(exactly: number).flatMap({ $0 == .max ? nil : $0 + 1 }) else {
            throw .defect("the account \(account.address) has no number after \(number)")
        }
        let records = try self.append(try EncodedEntry.all(entries(number)), at: time)
        try self.connection.run(
            """
            INSERT INTO signers (network, address, next_number) VALUES (?1, ?2, ?3)
            ON CONFLICT (network, address) DO UPDATE SET next_number = excluded.next_number
            """,
            key + [.integer(following)]
        )
        return records
    }

    /// Hands out payments that nobody works on, the first to end first.
    func takeWork(
        in phases: Set<PaymentRecord.Phase>, on network: ChainID, limit: Int, leaseSeconds: Int64, at time: Int64
    ) throws(StoreError) -> [PaymentRecord] {
        let names = LedgerReader.list(phases)
        let open = phases.allSatisfy(\.isOpen) ? " AND \(LedgerSchema.isOpen)" : ""
        var taken: [PaymentRecord] = []
        let due = try self.connection.rows(
            """
            SELECT id FROM payments WHERE network = ?1 AND phase IN (\(names))\(open)
            ORDER BY valid_before, claimed_at, id LIMIT ?2
            """,
            [.text(network.description), LedgerValue(max(0, min(limit, .max - self.leases.count)) + self.leases.count)]
        ) { row throws(StoreError) in try row.payment(0) }
        for id in due where taken.count < limit && self.leases.isFree(id, at: time) {
            guard let record = try self.payment(id)?.record else { throw .corrupt("payment \(id) is there and is not") }
            self.leases.take(id, for: leaseSeconds, at: time)
            taken.append(record)
        }
        return taken
    }

    /// Gives a payment to another worker, unless its own is there.
    func takeOver(_ entry: EncodedEntry, by worker: WorkerID, at time: Int64) throws(StoreError) -> PaymentRecord? {
        guard let record = try self.payment(entry.payment)?.record else { return nil }
        let isThere = record.worker.map { self.workers.isThere($0, at: time) } ?? false
        guard record.canBeTakenOver, record.worker != worker, !isThere else { return record }
        return try self.append([entry], at: time)[0]
    }

    /// Moves a mark forward.
    func setMark(_ mark: LedgerMark, to value: Int64) throws(StoreError) {
        try self.connection.run(
            """
            INSERT INTO marks (name, value) VALUES (?1, ?2)
            ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE excluded.value > value
            """,
            [.text(mark.description), .integer(value)]
        )
    }
}

extension LedgerReader {
    /// How far a mark has come.
    func mark(_ mark: LedgerMark) throws(StoreError) -> Int64? {
        try self.connection.row("SELECT value FROM marks WHERE name = ?1", [.text(mark.description)]) {
            row throws(StoreError) in try row.integer(0)
        }
    }
}
