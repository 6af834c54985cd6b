// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollPayments
import TollPrimitives
import TollProtocol

/// The invariants, where buyers send transfers by themselves.
extension Checker {
    /// So much later than a reference's end its block may be, in seconds.
    private static let lateSeconds: Int64 = 60
    /// A transfer is never older than the reference that it pays by more than this: nodes that are behind, and the wait for a
    /// block.
    private static let earlySeconds: UInt64 = 40

    mutating func checkTransfers() {
        guard !self.world.scenario.transfers.isEmpty else { return }
        var ever: [LogPlace: [Arrival]] = [:]
        for arrival in self.world.chain.minedBlocks.flatMap({ $0.arrivals() }) {
            ever[arrival.place, default: []].append(arrival)
        }
        var final: [LogPlace: Arrival] = [:]
        var block: SimulatedBlock? = self.world.chain.head(at: self.world.executor.now)
        while let current = block {
            for arrival in current.arrivals() { final[arrival.place] = arrival }
            block = current.parent
        }
        self.checkReferences()
        self.checkProofs(ever)
        self.checkDeposits(final)
        self.checkArrivals(final)
        self.checkWatched(final)
        self.checkPurchases(final)
        for words in self.seen.misleading { self.report("C", words) }
    }

    /// Whoever was asked for money finds what it was asked for.
    private mutating func checkReferences() {
        let kept = self.world.keptReferences
        for asked in self.seen.asked {
            let name = asked.reference.short
            guard let reference = kept[asked.reference] else {
                self.report("I5", "\(asked.asker) was asked for money by \(name), which is gone")
                continue
            }
            let (option, instructions) = (reference.option, asked.instructions)
            if option.amount != instructions.amount || option.payTo != instructions.recipient
                || reference.expires != instructions.expires
            {
                self.report("I5", "\(name) is kept otherwise than \(asked.asker) was asked")
            }
        }
    }

    // MARK: - I1, I3

    /// What left for a reference was bought with deposits that were durable and whose money had moved: one call, for whoever had
    /// the reference.
    private mutating func checkProofs(_ ever: [LogPlace: [Arrival]]) {
        let askers = Dictionary(self.seen.asked.map { ($0.reference, $0) }) { first, _ in first }
        var first: [Bytes32: String] = [:]
        for goods in self.seen.goods {
            guard let proof = goods.proof, let payment = proof.payment, let hash = proof.reference else { continue }
            if goods.asker.kind == .thief { self.report("I3", "the thief got \(goods.goods)") }
            guard let asked = askers[hash] else {
                self.report("I1", "\(goods.goods) left for a reference that nobody was given")
                continue
            }
            if asked.asker != goods.asker { self.report("I3", "\(goods.asker) got \(goods.goods) for another's reference") }
            if !self.wasBought(payment, before: goods.order) {
                self.report("I1", "\(goods.goods) left before its call was claimed")
            }
            let arrived = self.deposited(for: hash, before: goods, ever, asked)
            if arrived < asked.instructions.amount {
                self.report("I1", "\(goods.goods) left for \(asked.instructions.amount) units, of which \(arrived) had arrived")
            }
            if first[hash, default: goods.goods] != goods.goods, Self.keepsAnswers(goods.path) {
                self.report("I3", "one reference bought \(first[hash] ?? "") and \(goods.goods)")
            }
            first[hash] = first[hash] ?? goods.goods
        }
    }

    private func wasBought(_ payment: PaymentID, before order: Int) -> Bool {
        self.seen.writes.contains { write in
            guard write.order < order, write.payment == payment, write.ledger == self.world.disk.name,
                case .settled(let settlement) = write.event
            else { return false }
            return settlement.isCredit
        }
    }

    /// What was durably deposited for a reference before goods left, as far as such Transfers were in blocks by then.
    private mutating func deposited(
        for reference: Bytes32, before goods: WorldEvents.GoodsLeft, _ ever: [LogPlace: [Arrival]], _ asked: AskedReference
    ) -> UInt256 {
        var (sum, counted) = (UInt256.zero, Set<LogPlace>())
        for write in self.seen.writes where write.order < goods.order && write.ledger == self.world.disk.name {
            guard case .claimed(let claim) = write.event, claim.depositedFor == reference else { continue }
            guard let place = LogPlace(claim), counted.insert(place).inserted else { continue }
            let seen = (ever[place] ?? []).filter { $0.time <= self.seconds(goods.time) && Self.isSame($0, claim) }
            guard let arrival = seen.first else {
                self.report("I1", "\(goods.goods) left for \(place.transaction.short), which has moved nothing of the kind")
                continue
            }
            if arrival.time + Self.earlySeconds < self.seconds(asked.time) {
                self.report("I1", "\(goods.goods) left for \(place.transaction.short), which is older than its reference")
            }
            sum = sum.adding(arrival.value) ?? .max
        }
        return sum
    }

    private static func isSame(_ arrival: Arrival, _ claim: Claim) -> Bool {
        arrival.from == Address(hex: claim.payer) && arrival.value == claim.option.amount
            && arrival.to == Address(hex: claim.option.payTo)
    }

    // MARK: - I4, I6

    /// A deposit is made of one Transfer, and a Transfer counts once over everything.
    private mutating func checkDeposits(_ final: [LogPlace: Arrival]) {
        var takers: [LogPlace: PaymentID] = [:]
        var places: [Settlement: PaymentID] = [:]
        for record in self.world.records {
            let name = record.id.description.prefix(8)
            if let settlement = record.settlement, !settlement.isCredit {
                if let other = places.updateValue(record.id, forKey: settlement) {
                    self.report("I3", "\(settlement.transaction) settled both \(name) and \(other.description.prefix(8))")
                }
            }
            guard record.claim.key.isDeposit else { continue }
            guard let place = LogPlace(record.claim) else {
                self.report("I6", "deposit \(name) names no transaction")
                continue
            }
            if takers.updateValue(record.id, forKey: place) != nil {
                self.report("I3", "\(place.transaction.short) is deposited twice")
            }
            switch (record.settlement, final[place]) {
            case (let settlement?, let arrival?):
                let isSame =
                    Self.isSame(arrival, record.claim) && settlement.block == arrival.block
                    && settlement.logIndex == arrival.logIndex && settlement.blockHash == arrival.blockHash.description
                if !isSame { self.report("I6", "deposit \(name) is \(settlement), and on chain it is \(arrival)") }
            case (.some, nil): self.report("I6", "deposit \(name) stands, and the chain has no such Transfer")
            case (nil, .some): self.report("I4", "deposit \(name) is \(record.phase), and \(place.transaction.short) moved it")
            // What a reorganisation took may be back for a day, as far as anyone knows.
            case (nil, nil): break
            }
            if record.settlement != nil, !record.isOwed { self.report("I5", "deposit \(name) is no debt") }
        }
    }

    // MARK: - I5

    /// Money that was sent as it was asked for, and shown, is in the ledger: there it is spent on a call, or owed, or paid back.
    private mutating func checkArrivals(_ final: [LogPlace: Arrival]) {
        let deposits = Set(self.world.records.filter { $0.settlement != nil }.compactMap { LogPlace($0.claim) })
        let asked = Dictionary(self.seen.asked.map { ($0.reference, $0.instructions) }) { first, _ in first }
        for shown in self.seen.shown.sorted(by: { $0.transaction.hex < $1.transaction.hex }) {
            guard let instructions = asked[shown.reference], let recipient = Address(hex: instructions.recipient) else {
                continue
            }
            for (place, arrival) in final where place.transaction == shown.transaction && arrival.to == recipient {
                guard !deposits.contains(place) else { continue }
                self.report(
                    "I5",
                    "\(arrival.value) units of \(place.transaction.short) arrived for \(shown.reference.short), and are lost")
            }
        }
    }

    /// So is what the chain itself says is for a reference, shown or not.
    private mutating func checkWatched(_ final: [LogPlace: Arrival]) {
        guard self.world.watchesTransfers else { return }
        let deposits = Set(self.world.records.filter { $0.settlement != nil }.compactMap { LogPlace($0.claim) })
        for asked in self.seen.asked where asked.instructions.bind != .signature {
            guard let kept = self.world.keptReferences[asked.reference], let recipient = Address(hex: kept.option.payTo) else {
                continue
            }
            for (place, arrival) in final where arrival.to == recipient && arrival.block > kept.head {
                guard asked.instructions.bind == .address || arrival.value == kept.option.amount,
                    Int64(arrival.time) <= kept.expires + Self.lateSeconds, !deposits.contains(place)
                else { continue }
                self.report("I5", "\(arrival.value) units of \(place.transaction.short) arrived by themselves, and are lost")
            }
        }
    }

    // MARK: - What buyers are promised

    /// Who has paid in full and in time, and shown it, has bought; unless what was paid was spent or paid back otherwise.
    private mutating func checkPurchases(_ final: [LogPlace: Arrival]) {
        let bought = Set(self.world.records.compactMap { $0.claim.key.boughtReference })
        let deposits = Dictionary(grouping: self.world.records.filter { $0.phase == .settled }) { $0.claim.depositedFor }
        for (reference, kept) in self.world.keptReferences.sorted(by: { $0.key.hex < $1.key.hex }) {
            let shown = Set(self.seen.shown.filter { $0.reference == reference }.map(\.transaction))
            let open = (deposits[reference] ?? []).filter { LogPlace($0.claim).map { shown.contains($0.transaction) } ?? false }
                .reduce(UInt256.zero) { $0.adding($1.debt?.isOpen == true ? $1.debt?.units ?? .zero : .zero) ?? .max }
            if open >= kept.option.amount, !bought.contains(reference) {
                self.report(
                    "C", "\(open) units wait for \(reference.short), which costs \(kept.option.amount), and it was not bought")
            }
        }
        self.checkShared(final, deposits)
    }

    /// A transaction that pays several references pays each.
    private mutating func checkShared(_ final: [LogPlace: Arrival], _ deposits: [Bytes32?: [PaymentRecord]]) {
        guard self.world.scenario.chain.kind == .standard else { return }
        for (transaction, shown) in Dictionary(grouping: self.seen.shown, by: \.transaction) where shown.count > 1 {
            let arrivals = final.values.filter { $0.place.transaction == transaction }
            guard arrivals.count == shown.count, let block = arrivals.first else { continue }
            for reference in shown.map(\.reference).sorted(by: { $0.hex < $1.hex }) {
                guard let kept = self.world.keptReferences[reference], block.block > kept.head,
                    Int64(block.time) <= kept.expires + Self.lateSeconds
                else { continue }
                let isPaid = (deposits[reference] ?? []).contains { LogPlace($0.claim)?.transaction == transaction }
                if !isPaid {
                    self.report("C", "\(transaction.short) paid several references, and \(reference.short) got nothing")
                }
            }
        }
    }
}
