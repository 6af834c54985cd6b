// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

package import TollPrimitives

/// Where money goes: of two references that are paid at one place only their amounts tell them apart.
package struct PaymentPlace: Hashable, Sendable {
    /// The chain.
    package let network: ChainID
    /// The token, lower case.
    package let asset: String
    /// The recipient, lower case.
    package let recipient: String

    /// A place by its parts, in whatever case.
    package init(network: ChainID, asset: String, recipient: String) {
        self.network = network
        self.asset = asset.lowercased()
        self.recipient = recipient.lowercased()
    }

    /// Where an option is paid.
    package init(_ option: PaymentOption) {
        self.init(network: option.network, asset: option.asset.address, recipient: option.payTo)
    }
}

/// The amounts that a reference may ask: the price and a few units more, at one place.
package struct AmountRange: Hashable, Sendable {
    /// Where.
    package let place: PaymentPlace
    /// The least and the most.
    package let amounts: ClosedRange<UInt256>
    /// Whether only the amounts of references that are bound by them are taken, and not those of others.
    package let isShared: Bool

    /// The amount that is `step` units after `price + 1 + start`, going round.
    fileprivate func amount(_ step: UInt64, startingAt start: UInt64) -> UInt256 {
        let count = PaymentReference.extraMax
        return self.amounts.lowerBound.adding(UInt256((start % count + step) % count)) ?? self.amounts.upperBound
    }

    /// Nil where no number is as large as the most.
    fileprivate init?(above price: UInt256, at place: PaymentPlace, isShared: Bool) {
        guard let least = price.adding(1), let most = price.adding(UInt256(PaymentReference.extraMax)) else { return nil }
        self.place = place
        self.amounts = least...most
        self.isShared = isShared
    }
}

/// What a process remembers between one reference and the next, so that a flood of requests that nobody pays costs little.
///
/// Other processes open references too: what is counted is counted anew when a second is over, and amounts do not come free
/// before the time that is remembered, whoever has them.
package struct ReferenceMemory: Sendable {
    /// Ranges of amounts that are remembered to be used up; past this, all are forgotten and looked up again.
    private static let rangeCountMax = 1_024

    private var counted: (count: Int, time: Int64)?
    private var usedUp: [AmountRange: Int64] = [:]

    /// Remembers nothing.
    package init() {}

    /// How many references were open at `time`; nil when that was not counted.
    fileprivate func count(at time: Int64) -> Int? { self.counted.flatMap { $0.time == time ? $0.count : nil } }

    fileprivate mutating func note(count: Int, at time: Int64) { self.counted = (count, time) }

    fileprivate mutating func noteOpened(at time: Int64) { if self.counted?.time == time { self.counted?.count += 1 } }

    /// Whether none of the amounts is free at `time`.
    fileprivate func isUsedUp(_ range: AmountRange, at time: Int64) -> Bool { self.usedUp[range].map { time < $0 } ?? false }

    fileprivate mutating func note(_ range: AmountRange, usedUpUntil time: Int64) {
        if self.usedUp.count >= Self.rangeCountMax { self.usedUp = [:] }
        self.usedUp[range] = time
    }
}

/// What a ledger says for a reference to be opened in it; the decision is ``open(_:startingAt:limit:at:)``, the same for all.
package protocol ReferenceTable {
    /// What is remembered, for the time of a call.
    mutating func withMemory<Value>(_ body: (inout ReferenceMemory) -> Value) -> Value
    /// Keeps others from opening references at `place` until this one is durable; unless `isAlone`, only those that are bound by
    /// their amounts.
    mutating func lock(_ place: PaymentPlace, isAlone: Bool) throws(StoreError)
    /// References that end after `time`, counted no further than `limit`.
    func countReferences(endingAfter time: Int64, upTo limit: Int) throws(StoreError) -> Int
    /// Whether one that ends after `time` asks for `amount` at `place`: bound by it, when `isOwn`, or however bound.
    func isAsked(_ amount: UInt256, at place: PaymentPlace, isOwn: Bool, endingAfter time: Int64) throws(StoreError) -> Bool
    /// The amounts of `range` that those which end after `time` ask for, each with the last of their ends.
    func amountsAsked(in range: AmountRange, endingAfter time: Int64) throws(StoreError) -> [UInt256: Int64]
    /// Adds a reference; one that is there already is a defect.
    mutating func add(_ reference: PaymentReference) throws(StoreError)
}

extension ReferenceTable {
    /// So many amounts are tried before all that are taken are looked at together.
    private static var probeCount: UInt64 { 16 }

    /// Opens a reference: ``ReferenceStore/open(_:startingAt:limit:at:)``.
    package mutating func open(
        _ reference: PaymentReference, startingAt start: UInt64, limit: Int, at time: Int64
    ) throws(StoreError) -> ReferenceOutcome {
        var count = self.withMemory { $0.count(at: time) }
        if count == nil {
            let counted = try self.countReferences(endingAfter: time, upTo: max(0, limit))
            self.withMemory { $0.note(count: counted, at: time) }
            count = counted
        }
        guard let count, count < limit else { return .full }
        guard let amount = try self.amount(for: reference, startingAt: start, at: time) else { return .noAmountFree }
        let opened = amount == reference.option.amount ? reference : reference.asking(amount)
        try self.add(opened)
        if opened.expires > time { self.withMemory { $0.noteOpened(at: time) } }
        return .opened(opened)
    }

    /// What the reference is to ask; nil when nothing is free.
    private mutating func amount(
        for reference: PaymentReference, startingAt start: UInt64, at time: Int64
    ) throws(StoreError) -> UInt256? {
        let (price, place) = (reference.option.amount, PaymentPlace(reference.option))
        let isShared: Bool
        switch reference.binding {
        case .address: return price
        case .amount:
            isShared = false
            try self.lock(place, isAlone: true)
        case .signature:
            isShared = true
            try self.lock(place, isAlone: false)
            // What is sent for it must not be taken for another's.
            let known = time - PaymentReference.graceSeconds
            guard try self.isAsked(price, at: place, isOwn: true, endingAfter: known) else { return price }
        }
        guard let range = AmountRange(above: price, at: place, isShared: isShared) else { return nil }
        return try self.free(in: range, startingAt: start, at: time)
    }

    private mutating func free(
        in range: AmountRange, startingAt start: UInt64, at time: Int64
    ) throws(StoreError) -> UInt256? {
        guard !self.withMemory({ $0.isUsedUp(range, at: time) }) else { return nil }
        let known = time - PaymentReference.graceSeconds
        for step in 0..<Self.probeCount {
            let amount = range.amount(step, startingAt: start)
            let isAsked = try self.isAsked(amount, at: range.place, isOwn: range.isShared, endingAfter: known)
            guard isAsked else { return amount }
        }
        let asked = try self.amountsAsked(in: range, endingAfter: known)
        for step in Self.probeCount..<PaymentReference.extraMax {
            let amount = range.amount(step, startingAt: start)
            if asked[amount] == nil { return amount }
        }
        if let first = asked.values.min() {
            self.withMemory { $0.note(range, usedUpUntil: first + PaymentReference.graceSeconds) }
        }
        return nil
    }
}
