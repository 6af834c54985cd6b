// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
public import TollPrimitives

/// The references of ``MemoryPaymentStore``.
struct MemoryReferences {
    /// What a reference asks, and where.
    private struct Ask: Hashable {
        let place: PaymentPlace
        let amount: UInt256
    }

    /// An address on a chain, lower case.
    private struct Recipient: Hashable {
        let network: ChainID
        let address: String
    }

    private(set) var references: [Bytes32: PaymentReference] = [:]
    /// In which order they were opened.
    private var numbers: [Bytes32: Int] = [:]
    private var openedCount = 0
    /// Those that are not bound by an address, by what they ask.
    private var asking: [Ask: Set<Bytes32>] = [:]
    /// Those that are.
    private var bound: [Recipient: Set<Bytes32>] = [:]
    private var series: [String: UInt32] = [:]
    private var memory = ReferenceMemory()

    mutating func nextAddressIndex(in name: String) throws(StoreError) -> UInt32 {
        let index = self.series[name] ?? 0
        guard index <= PaymentReference.addressIndexMax else { throw PaymentReference.usedUp(name) }
        self.series[name] = index + 1
        return index
    }

    func reference(
        paidBy amount: UInt256, of asset: String, to recipient: String, on network: ChainID, at time: Int64
    ) -> PaymentReference? {
        let own = self.known(self.bound[Recipient(network: network, address: recipient.lowercased())], at: time)
        if let reference = own.first { return reference }
        let ask = Ask(place: PaymentPlace(network: network, asset: asset, recipient: recipient), amount: amount)
        return self.known(self.asking[ask], at: time).first { $0.binding == .amount }
    }

    func boundRecipients(on network: ChainID, at time: Int64) -> [String] {
        let own = self.bound.filter { $0.key.network == network && !self.known($0.value, at: time).isEmpty }.map(\.key.address)
        let shared = self.asking.filter { ask, hashes in
            ask.place.network == network && self.known(hashes, at: time).contains { $0.binding == .amount }
        }.map(\.key.place.recipient)
        return Set(own + shared).sorted()
    }

    func oldestBound(on network: ChainID, at time: Int64) -> PaymentReference? {
        self.references.values.filter {
            $0.option.network == network && $0.binding != .signature && $0.isKnown(at: time)
        }.min { self.numbers[$0.hash, default: 0] < self.numbers[$1.hash, default: 0] }
    }

    mutating func prune(endedBefore time: Int64, keeping paid: Set<Bytes32>) -> Int {
        let ended = self.references.values.filter { $0.expires < time && !paid.contains($0.hash) }
        for reference in ended { self.remove(reference) }
        return ended.count
    }

    private func known(_ hashes: Set<Bytes32>?, at time: Int64) -> [PaymentReference] {
        (hashes ?? []).compactMap { self.references[$0] }.filter { $0.isKnown(at: time) }
    }

    private mutating func remove(_ reference: PaymentReference) {
        self.references[reference.hash] = nil
        self.numbers[reference.hash] = nil
        let (ask, recipient) = (Self.ask(of: reference), Self.recipient(of: reference))
        self.asking[ask]?.remove(reference.hash)
        if self.asking[ask]?.isEmpty == true { self.asking[ask] = nil }
        self.bound[recipient]?.remove(reference.hash)
        if self.bound[recipient]?.isEmpty == true { self.bound[recipient] = nil }
    }

    private static func ask(of reference: PaymentReference) -> Ask {
        Ask(place: PaymentPlace(reference.option), amount: reference.option.amount)
    }

    private static func recipient(of reference: PaymentReference) -> Recipient {
        Recipient(network: reference.option.network, address: reference.option.payTo.lowercased())
    }
}

extension MemoryReferences: ReferenceTable {
    mutating func withMemory<Value>(_ body: (inout ReferenceMemory) -> Value) -> Value { body(&self.memory) }

    /// Whoever calls has the ledger alone.
    func lock(_ place: PaymentPlace, isAlone: Bool) {}

    func countReferences(endingAfter time: Int64, upTo limit: Int) -> Int {
        min(limit, self.references.values.count { $0.expires > time })
    }

    func isAsked(_ amount: UInt256, at place: PaymentPlace, isOwn: Bool, endingAfter time: Int64) -> Bool {
        (self.asking[Ask(place: place, amount: amount)] ?? []).contains { hash in
            guard let reference = self.references[hash], reference.expires > time else { return false }
            return !isOwn || reference.binding == .amount
        }
    }

    func amountsAsked(in range: AmountRange, endingAfter time: Int64) -> [UInt256: Int64] {
        var ends: [UInt256: Int64] = [:]
        for (ask, hashes) in self.asking where ask.place == range.place && range.amounts.contains(ask.amount) {
            let asked = hashes.compactMap { self.references[$0] }.filter { $0.expires > time }
            let taken = range.isShared ? asked.filter { $0.binding == .amount } : asked
            if let last = taken.map(\.expires).max() { ends[ask.amount] = last }
        }
        return ends
    }

    mutating func add(_ reference: PaymentReference) throws(StoreError) {
        guard self.references[reference.hash] == nil else { throw .defect(PaymentReference.isThere) }
        self.references[reference.hash] = reference
        self.numbers[reference.hash] = self.openedCount
        self.openedCount += 1
        if case .address = reference.binding {
            self.bound[Self.recipient(of: reference), default: []].insert(reference.hash)
        } else {
            self.asking[Self.ask(of: reference), default: []].insert(reference.hash)
        }
    }
}

extension MemoryPaymentStore: ReferenceStore {
    public func open(
        _ reference: PaymentReference, startingAt start: UInt64, limit: Int, at time: Int64
    ) async throws(StoreError) -> ReferenceOutcome {
        try self.ledger.withLock { ledger throws(StoreError) in
            try ledger.references.open(reference, startingAt: start, limit: limit, at: time)
        }
    }

    public func nextAddressIndex(in series: String) async throws(StoreError) -> UInt32 {
        try self.ledger.withLock { ledger throws(StoreError) in try ledger.references.nextAddressIndex(in: series) }
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

    public func oldestBound(on network: ChainID, at time: Int64) async throws(StoreError) -> PaymentReference? {
        self.ledger.withLock { $0.references.oldestBound(on: network, at: time) }
    }

    public func pruneReferences(endedBefore time: Int64) async throws(StoreError) -> Int {
        self.ledger.withLock { ledger in
            let paid = Set(ledger.payments.values.compactMap(\.record.claim.depositedFor))
            return ledger.references.prune(endedBefore: time, keeping: paid)
        }
    }
}
