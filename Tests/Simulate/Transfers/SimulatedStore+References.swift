// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPayments
import TollPrimitives

/// What was asked for, on the same disk as what was paid.
extension SimulatedStore: ReferenceStore {
    func open(
        _ reference: PaymentReference, startingAt start: UInt64, limit: Int, at time: Int64
    ) async throws(StoreError) -> ReferenceOutcome {
        try await self.write(.reference) { image throws(StoreError) in
            let outcome = try await Self.references(of: image).open(reference, startingAt: start, limit: limit, at: time)
            self.disk.trace.note("\(self.disk.name): reference \(reference.hash.short) is durable")
            return outcome
        }
    }

    func nextAddressIndex(in series: String) async throws(StoreError) -> UInt32 {
        try await self.write { image throws(StoreError) in try await Self.references(of: image).nextAddressIndex(in: series) }
    }

    func pruneReferences(endedBefore time: Int64) async throws(StoreError) -> Int {
        try await self.write { image throws(StoreError) in try await Self.references(of: image).pruneReferences(endedBefore: time)
        }
    }

    func reference(_ hash: Bytes32) async throws(StoreError) -> PaymentReference? {
        try await self.read { image throws(StoreError) in try await Self.references(of: image).reference(hash) }
    }

    func reference(
        paidBy amount: UInt256, of asset: String, to recipient: String, on network: ChainID, at time: Int64
    ) async throws(StoreError) -> PaymentReference? {
        try await self.read { image throws(StoreError) in
            try await Self.references(of: image).reference(paidBy: amount, of: asset, to: recipient, on: network, at: time)
        }
    }

    func boundRecipients(on network: ChainID, at time: Int64) async throws(StoreError) -> [String] {
        try await self.read { image throws(StoreError) in
            try await Self.references(of: image).boundRecipients(on: network, at: time)
        }
    }

    func oldestBound(on network: ChainID, at time: Int64) async throws(StoreError) -> PaymentReference? {
        try await self.read { image throws(StoreError) in
            try await Self.references(of: image).oldestBound(on: network, at: time)
        }
    }

    private static func references(of image: any PaymentStore) throws(StoreError) -> any ReferenceStore {
        guard let references = image as? any ReferenceStore else { throw .defect("this ledger keeps no references") }
        return references
    }
}
