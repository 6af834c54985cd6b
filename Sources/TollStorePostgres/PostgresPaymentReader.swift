// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments
public import TollPrimitives

/// A ledger in a PostgreSQL database, opened to be looked at: beside the gateways that write it, and with no right to.
public final class PostgresPaymentReader: PaymentReader {
    /// A ledger with more is beyond reading them.
    private static let problemCountMax = 100

    private let sessions: ReaderPool<LedgerReader>

    /// Opens the ledger in the database that a `postgres://` URL names. Blocks: call it at start.
    ///
    /// - Throws: What is wrong with the database: not reached, no permission, no ledger, newer than this program.
    public convenience init(url: String) throws(StoreError) {
        let link = PostgresLink(url: url, access: .reading)
        _ = try link.connect()
        try self.init(link, count: 1)
    }

    /// Reads over `count` sessions, connected when they are needed.
    init(_ link: PostgresLink, count: Int) throws(StoreError) {
        self.sessions = try ReaderPool(count: count, on: { .own("tollgate.ledger.reader") }) { () throws(StoreError) in
            LedgerReader(session: PostgresSession(link))
        }
    }

    public func record(_ payment: PaymentID) async throws(StoreError) -> PaymentRecord? {
        try await self.sessions.read { reader throws(StoreError) in try reader.payment(payment)?.record }
    }

    public func answer(_ payment: PaymentID) async throws(StoreError) -> StoredAnswer? {
        try await self.sessions.read { reader throws(StoreError) in try reader.answer(payment) }
    }

    public func events(_ payment: PaymentID) async throws(StoreError) -> [TimedEvent] {
        try await self.sessions.read { reader throws(StoreError) in try reader.events(payment) }
    }

    public func records(_ query: PaymentQuery) async throws(StoreError) -> [PaymentRecord] {
        try await self.sessions.read { reader throws(StoreError) in try reader.records(query) }
    }

    public func terms(_ query: PaymentQuery) async throws(StoreError) -> [PaymentTerms] {
        try await self.sessions.read { reader throws(StoreError) in try reader.terms(query) }
    }

    public func payment(identifiedBy identifierHash: Bytes32) async throws(StoreError) -> PaymentRecord? {
        try await self.sessions.read { reader throws(StoreError) in try reader.payment(identifiedBy: identifierHash) }
    }

    public func mark(_ mark: LedgerMark) async throws(StoreError) -> Int64? {
        try await self.sessions.read { reader throws(StoreError) in try reader.mark(mark) }
    }

    /// Folds every payment's events anew and holds them against the rows: how many there are, and what is wrong, up to a hundred
    /// problems. Reads the whole ledger; gateways go on meanwhile.
    public func verifyIntegrity() async throws(StoreError) -> (paymentCount: Int, problems: [String]) {
        var (paymentCount, problems, last): (Int, [String], Int64?) = (0, [], 0)
        while let number = last, problems.count < Self.problemCountMax {
            let page = try await self.sessions.read { reader throws(StoreError) in try reader.check(after: number) }
            paymentCount += page.paymentCount
            problems += page.problems
            last = page.last
        }
        return (paymentCount, Array(problems.prefix(Self.problemCountMax)))
    }

    /// Waits for the reads that were asked for and closes the connections.
    public func close() async { await self.sessions.close() }
}

extension PostgresPaymentReader: ReferenceReader {
    public func reference(_ hash: Bytes32) async throws(StoreError) -> PaymentReference? {
        try await self.sessions.read { reader throws(StoreError) in try reader.reference(hash) }
    }

    public func reference(
        paidBy amount: UInt256, of asset: String, to recipient: String, on network: ChainID, at time: Int64
    ) async throws(StoreError) -> PaymentReference? {
        let place = PaymentPlace(network: network, asset: asset, recipient: recipient)
        return try await self.sessions.read { reader throws(StoreError) in
            try reader.reference(paidBy: amount, at: place, at: time)
        }
    }

    public func boundRecipients(on network: ChainID, at time: Int64) async throws(StoreError) -> [String] {
        try await self.sessions.read { reader throws(StoreError) in
            try reader.boundRecipients(on: network, at: time)
        }
    }

    public func oldestBound(on network: ChainID, at time: Int64) async throws(StoreError) -> PaymentReference? {
        try await self.sessions.read { reader throws(StoreError) in try reader.oldestBound(on: network, at: time) }
    }
}
