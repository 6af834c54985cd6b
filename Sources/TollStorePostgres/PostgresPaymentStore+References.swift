// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments
public import TollPrimitives

extension PostgresPaymentStore: ReferenceStore {
    public func open(
        _ reference: PaymentReference, startingAt start: UInt64, limit: Int, at time: Int64
    ) async throws(StoreError) -> ReferenceOutcome {
        try await self.writers.read { [memory = self.references] writer throws(StoreError) in
            var table = PostgresReferences(session: writer.session, memory: memory)
            return try table.open(reference, startingAt: start, limit: limit, at: time)
        }
    }

    public func nextAddressIndex(in series: String) async throws(StoreError) -> UInt32 {
        try await self.writers.read { writer throws(StoreError) in try writer.nextAddressIndex(in: series) }
    }

    public func reference(_ hash: Bytes32) async throws(StoreError) -> PaymentReference? { try await self.reader.reference(hash) }

    public func reference(
        paidBy amount: UInt256, of asset: String, to recipient: String, on network: ChainID, at time: Int64
    ) async throws(StoreError) -> PaymentReference? {
        try await self.reader.reference(paidBy: amount, of: asset, to: recipient, on: network, at: time)
    }

    public func boundRecipients(on network: ChainID, at time: Int64) async throws(StoreError) -> [String] {
        try await self.reader.boundRecipients(on: network, at: time)
    }

    public func oldestBound(on network: ChainID, at time: Int64) async throws(StoreError) -> PaymentReference? {
        try await self.reader.oldestBound(on: network, at: time)
    }

    public func pruneReferences(endedBefore time: Int64) async throws(StoreError) -> Int {
        var total = 0
        while true {
            let pruned = try await self.writers.read { writer throws(StoreError) in
                try writer.pruneReferences(endedBefore: time, limit: Self.pruneStep)
            }
            total += pruned
            if pruned < Self.pruneStep { return total }
        }
    }
}
