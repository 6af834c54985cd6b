// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

extension PaymentQuery {
    /// Payments that are held in memory at once by whoever reads a whole ledger.
    public static let pageSize = 500
}

extension PaymentReader {
    /// From the records.
    public func terms(_ query: PaymentQuery) async throws(StoreError) -> [PaymentTerms] {
        try await self.records(query).map { PaymentTerms($0) }
    }

    /// Hands every payment that `query` asks for to `body`, oldest claim first, a page in memory at a time. The query's limit is
    /// the page's size.
    ///
    /// - Throws: What the ledger or `body` throws.
    public func forEach(_ query: PaymentQuery, _ body: (PaymentRecord) async throws -> Void) async throws {
        var query = query
        while true {
            let page = try await self.records(query)
            for record in page { try await body(record) }
            guard page.count >= query.limit, let last = page.last else { return }
            query.after = PaymentQuery.Cursor(last)
        }
    }
}
