// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments
public import TollPrimitives

/// A ledger file, opened to be looked at: beside the process that writes it, and without its lock.
public final class SQLitePaymentReader: PaymentReader, ReferenceReader {
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

    public func reference(_ hash: Bytes32) async throws(StoreError) -> PaymentReference? {
        try await self.reads.read { reader throws(StoreError) in try reader.reference(hash) }
    }

    public func reference(
        paidBy amount: UInt256, of asset: String, to recipient: String, on network: ChainID, at time: Int64
    ) async throws(StoreError) -> PaymentReference? {
        let place = PaymentPlace(network: network, asset: asset, recipient: recipient)
        return try await self.reads.read { reader throws(StoreError) in
            try reader.reference(paidBy: amount, at: place, at: time)
        }
    }

    public func boundRecipients(on network: ChainID, at time: Int64) async throws(StoreError) -> [String] {
        try await self.reads.read { reader throws(StoreError) in try reader.boundRecipients(on: network, at: time) }
    }

    public func oldestBound(on network: ChainID, at time: Int64) async throws(StoreError) -> PaymentReference? {
        try await self.reads.read { reader throws(StoreError) in try reader.oldestBound(on: network, at: time) }
    }
}
