// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments
public import TollPrimitives

/// A ledger file, opened to be looked at: beside the process that writes it, and without its lock.
public final class SQLitePaymentReader: PaymentReader {
    private let reads: ReaderPool<LedgerReader>

    /// Opens the ledger at `path`, which must exist.
    ///
    /// - Throws: What is wrong with the file: missing, no permission, not a ledger, of another version.
    public init(path: String) throws(StoreError) {
        let connection = try SQLiteConnection(path: path, access: .readOnly)
        try LedgerSchema.refuseOthers(connection, path: path)
        self.reads = try LedgerReader.pool(path: path, count: 1)
    }

    public func record(_ payment: PaymentID) async throws(StoreError) -> PaymentRecord? {
        try await self.reads.read { reader throws(StoreError) in try reader.payment(payment)?.record }
    }

    public func answer(_ payment: PaymentID) async throws(StoreError) -> StoredAnswer? {
        try await self.reads.read { reader throws(StoreError) in try reader.answer(payment) }
    }

    public func events(_ payment: PaymentID) async throws(StoreError) -> [TimedEvent] {
        try await self.reads.read { reader throws(StoreError) in try reader.events(payment) }
    }

    public func records(_ query: PaymentQuery) async throws(StoreError) -> [PaymentRecord] {
        try await self.reads.read { reader throws(StoreError) in try reader.records(query) }
    }

    public func terms(_ query: PaymentQuery) async throws(StoreError) -> [PaymentTerms] {
        try await self.reads.read { reader throws(StoreError) in try reader.terms(query) }
    }

    public func payment(identifiedBy identifierHash: Bytes32) async throws(StoreError) -> PaymentRecord? {
        try await self.reads.read { reader throws(StoreError) in try reader.payment(identifiedBy: identifierHash) }
    }

    public func mark(_ mark: LedgerMark) async throws(StoreError) -> Int64? {
        try await self.reads.read { reader throws(StoreError) in try reader.mark(mark) }
    }
}
