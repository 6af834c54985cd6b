// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
public import TollPrimitives

/// The references of ``MemoryPaymentStore``.
struct MemoryReferences {
    private(set) var references: [Bytes32: PaymentReference] = [:]
    private var series: [String: UInt32] = [:]

    mutating func open(
        _ reference: PaymentReference, startingAt start: UInt64, limit: Int, at time: Int64
    ) -> ReferenceOutcome {
        guard self.references.values.count(where: { $0.expires > time }) < limit else { return .full }
        var opened = reference
        if case .amount = reference.binding {
            let taken = Set(
                self.references.values.filter { $0.isKnown(at: time) && $0.isPaid(like: reference.option) }.map(\.option.amount))
            let count = PaymentReference.extraMax
            let free = (0..<count).lazy.compactMap { step in
                reference.option.amount.adding(UInt256(1 + (start % count + step) % count))
            }.first { !taken.contains($0) }
            guard let free else { return .noAmountFree }
            opened = reference.asking(free)
        }
        self.references[opened.hash] = opened
        return .opened(opened)
    }

    mutating func nextAddressIndex(in name: String) -> UInt32 {
        let index = self.series[name] ?? 0
        self.series[name] = index + 1
        return index
    }

    func reference(
        paidBy amount: UInt256, of asset: String, to recipient: String, on network: ChainID, at time: Int64
    ) -> PaymentReference? {
        self.references.values.first { reference in
            guard reference.isKnown(at: time), reference.option.network == network,
                reference.option.payTo.lowercased() == recipient.lowercased()
            else { return false }
            switch reference.binding {
            case .signature: return false
            case .amount:
                return reference.option.amount == amount && reference.option.asset.address.lowercased() == asset.lowercased()
            case .address: return true
            }
        }
    }

    func boundRecipients(on network: ChainID, at time: Int64) -> [String] {
        let bound = self.references.values.filter { reference in
            guard case .address = reference.binding else { return false }
            return reference.option.network == network && reference.isKnown(at: time)
        }
        return Set(bound.map(\.option.payTo)).sorted()
    }

    mutating func prune(endedBefore time: Int64, keeping isPaid: (Bytes32) -> Bool) -> Int {
        let ended = self.references.values.filter { $0.expires < time && !isPaid($0.hash) }
        for reference in ended { self.references[reference.hash] = nil }
        return ended.count
    }
}

extension PaymentReference {
    /// Whether it is paid in the asset of `option` to its recipient, so that only the amount tells the two apart.
    fileprivate func isPaid(like option: PaymentOption) -> Bool {
        self.option.asset.isSameToken(as: option.asset) && self.option.payTo.lowercased() == option.payTo.lowercased()
    }
}

extension MemoryPaymentStore: ReferenceStore {
    public func open(
        _ reference: PaymentReference, startingAt start: UInt64, limit: Int, at time: Int64
    ) async throws(StoreError) -> ReferenceOutcome {
        self.ledger.withLock { $0.references.open(reference, startingAt: start, limit: limit, at: time) }
    }

    public func nextAddressIndex(in series: String) async throws(StoreError) -> UInt32 {
        self.ledger.withLock { $0.references.nextAddressIndex(in: series) }
    }

    public func reference(_ hash: Bytes32) async throws(StoreError) -> PaymentReference? {
        self.ledger.withLock { $0.references.references[hash] }
    }

    public func reference(
        paidBy amount: UInt256, of asset: String, to recipient: String, on network: ChainID, at time: Int64
    ) async throws(StoreError) -> PaymentReference? {
        self.ledger.withLock { $0.references.reference(paidBy: amount, of: asset, to: recipient, on: network, at: time) }
    }

    public func boundRecipients(on network: ChainID, at time: Int64) async throws(StoreError) -> [String] {
        self.ledger.withLock { $0.references.boundRecipients(on: network, at: time) }
    }

    public func pruneReferences(endedBefore time: Int64) async throws(StoreError) -> Int {
        self.ledger.withLock { ledger in
            let paid = Set(ledger.payments.values.compactMap(\.record.claim.depositedFor))
            return ledger.references.prune(endedBefore: time) { paid.contains($0) }
        }
    }
}
