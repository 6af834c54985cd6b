// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollPayments
import TollPrimitives

/// Something that must never be, and was.
struct Violation: Hashable, Sendable, CustomStringConvertible {
    /// `I1` to `I7` of docs/architecture.md §4; `C` for what a client is promised, `L` for something that never ends.
    let invariant: String
    let words: String

    var description: String { "\(self.invariant): \(self.words)" }
}

/// Holds a world that has been left quiet for long enough against the invariants.
///
/// What it believes is what outsiders saw: the chain's blocks, what left the gateway, what was durable when. Of the ledger's own
/// opinion it asks only whether it agrees.
struct Checker {
    /// How old what `deferred` knows of a payer may be.
    private static let payerStateAge = Duration.seconds(5)

    let world: World
    let seen: WorldEvents
    let records: [PaymentID: PaymentRecord]
    /// The Transfers of exactly the price to the seller on the final chain, by authorization.
    private let transfers: [AuthorizationKey: SeenTransfer]
    /// What the payout wallet moved on the final chain.
    let payouts: [SeenTransfer]
    /// The first moment at which such a Transfer stood in a block, of any fork.
    private let firstMoved: [AuthorizationKey: UInt64]
    /// Blocks in which an account's number was used, of any fork.
    private let numbersUsed: [Number: UInt64]
    private var violations: [Violation] = []

    private struct Number: Hashable {
        let account: Address
        let number: UInt64
    }

    init(_ world: World) {
        self.world = world
        self.seen = world.observer.seen
        self.records = Dictionary(uniqueKeysWithValues: world.records.map { ($0.id, $0) })
        let head = world.chain.head(at: world.executor.now)
        var transfers: [AuthorizationKey: SeenTransfer] = [:]
        let all = head.transfers()
        for transfer in all where transfer.to == Market.payee && transfer.value == Market.price {
            if let key = transfer.authorization { transfers[key] = transfer }
        }
        self.transfers = transfers
        self.payouts = all.filter { $0.from == Market.payoutWallet.address }
        var (moved, used): ([AuthorizationKey: UInt64], [Number: UInt64]) = ([:], [:])
        for block in world.chain.minedBlocks {
            for receipt in block.receipts {
                let number = Number(account: receipt.transaction.sender, number: receipt.transaction.number)
                used[number] = min(used[number] ?? .max, block.timestamp)
            }
            for transfer in block.ownTransfers() where transfer.to == Market.payee && transfer.value == Market.price {
                if let key = transfer.authorization { moved[key] = min(moved[key] ?? .max, block.timestamp) }
            }
        }
        self.firstMoved = moved
        self.numbersUsed = used
    }

    /// Everything that is wrong.
    static func check(_ world: World, end: SeededExecutor.End) -> [Violation] {
        guard end == .finished else { return [Violation(invariant: "L", words: "the run ended in \(end)")] }
        var checker = Checker(world)
        checker.checkServing()
        checker.checkWriting()
        checker.checkNumbers()
        checker.checkDelivering()
        checker.checkLedger()
        checker.checkRefunds()
        checker.checkTransfers()
        checker.checkOutages()
        checker.checkClients()
        return checker.violations
    }

    mutating func report(_ invariant: String, _ words: String) {
        self.violations.append(Violation(invariant: invariant, words: words))
    }

    func seconds(_ time: Duration) -> UInt64 { SimulatedChain.epoch + UInt64(time.components.seconds) }

    // MARK: - I1

    /// What left belongs to a claim that was durable, and to money that had moved or was deferred.
    private mutating func checkServing() {
        var boughtByCredit: Set<String> = []
        for goods in self.seen.goods where goods.proof == nil {
            guard let credential = goods.credential else {
                // Where no answer is kept, who has bought may have the call made again by the same proof: another answer, and the
                // same purchase.
                boughtByCredit.insert(Self.keepsAnswers(goods.path) ? goods.goods : goods.signIn ?? goods.goods)
                if !goods.isSignedIn { self.report("I1", "\(goods.goods) left without a credential") }
                if boughtByCredit.count > self.creditPayments(before: goods.order) {
                    self.report("I1", "\(goods.goods) left for credit that was not spent")
                }
                continue
            }
            guard let claim = self.claim(of: credential.payment, before: goods.order) else {
                self.report("I1", "\(goods.goods) left before its claim was durable")
                continue
            }
            let moved = self.firstMoved[credential.key]
            if claim.policy != .deferred, moved.map({ $0 > self.seconds(goods.time) }) ?? true {
                self.report("I1", "\(goods.goods) left at \(goods.time), and the money had not moved")
            }
        }
    }

    static func keepsAnswers(_ path: String) -> Bool { !Self.unkept.contains { path.hasPrefix($0) } }

    private static let unkept = ["/unstored", "/deferred", "/by-unstored"]

    /// The newest claim of a payment that was durable before.
    private func claim(of payment: PaymentID, before order: Int) -> Claim? {
        for write in self.seen.writes.reversed() where write.order < order && write.payment == payment {
            if case .claimed(let claim) = write.event, write.ledger == self.world.disk.name { return claim }
        }
        return nil
    }

    private func creditPayments(before order: Int) -> Int {
        self.seen.writes.count { write in
            guard write.order < order, case .claimed(let claim) = write.event else { return false }
            return claim.dialect == .credit
        }
    }

    // MARK: - I2

    /// What was sent stood on disk before. What moves nothing, and only uses a number up, need not.
    private mutating func checkWriting() {
        var known: Set<Bytes32> = []
        for sent in self.seen.sent where known.insert(sent.transaction.hash).inserted {
            guard case .call(let to, let data) = sent.transaction.action, !ChainMachine.transfers(in: data, to: to).isEmpty else {
                continue
            }
            let isDurable = self.seen.writes.contains { write in
                guard case .signed(let transaction) = write.event else { return false }
                return write.order < sent.order && transaction.hash == sent.transaction.hash.description
            }
            if !isDurable { self.report("I2", "\(sent.transaction.hash.short) was sent before it was durable") }
        }
    }

    /// No two transactions of one authorization that could both succeed.
    private mutating func checkNumbers() {
        var attempts: [AuthorizationKey: [WorldEvents.RawSent]] = [:]
        var known: Set<Bytes32> = []
        for sent in self.seen.sent where known.insert(sent.transaction.hash).inserted {
            guard case .call(let to, let data) = sent.transaction.action else { continue }
            for transfer in ChainMachine.transfers(in: data, to: to) { attempts[transfer.key, default: []].append(sent) }
        }
        for (key, sent) in attempts.sorted(by: { $0.key.nonce.description < $1.key.nonce.description }) {
            for (earlier, later) in zip(sent, sent.dropFirst()) {
                let (old, new) = (earlier.transaction, later.transaction)
                guard old.sender != new.sender || old.number != new.number else { continue }
                let used = self.numbersUsed[Number(account: old.sender, number: old.number)]
                if used.map({ $0 > self.seconds(later.time) }) ?? true {
                    self.report(
                        "I2",
                        "\(key.nonce.short) was sent as \(new.hash.short) while \(old.hash.short) could still succeed")
                }
            }
        }
    }

    // MARK: - I3

    /// One answer for a credential, and only to whom it belongs.
    private mutating func checkDelivering() {
        var first: [PaymentID: WorldEvents.GoodsLeft] = [:]
        for goods in self.seen.goods {
            guard let credential = goods.credential else { continue }
            // Who sends its authorization to the chain before the gateway has claimed it gives it away.
            if goods.asker.kind == .thief, !self.seen.publishedByPayer.contains(credential.key) {
                self.report("I3", "the thief got \(goods.goods)")
            }
            if let owner = self.account(of: goods.asker), owner != credential.key.account {
                self.report("I3", "\(goods.asker) got \(goods.goods), which somebody else paid")
            }
            guard let before = first[credential.payment] else {
                first[credential.payment] = goods
                continue
            }
            // Where no answers are kept, whoever claimed may have the call repeated.
            let keepsAnswers = Self.keepsAnswers(goods.path)
            if before.goods != goods.goods, keepsAnswers {
                self.report("I3", "one payment bought \(before.goods) and \(goods.goods)")
            }
            let isSameChallenge = credential.challenge != nil && credential.challenge == before.credential?.challenge
            if !isSameChallenge, !goods.isSignedIn {
                self.report("I3", "\(goods.goods) left again without a proof of the claim")
            }
        }
    }

    private func account(of asker: Asker) -> Address? {
        guard asker.kind == .buyer, let number = asker.name.split(separator: " ").last.flatMap({ Int($0) }) else { return nil }
        return Market.buyers[self.world.scenario.visits[number].buyer].address
    }

    // MARK: - I4, I5, I6

    /// The ledger says what the chain says.
    private mutating func checkLedger() {
        var byPayment: [PaymentID: SeenTransfer] = [:]
        for (key, transfer) in self.transfers { byPayment[key.payment] = transfer }
        for record in self.world.records {
            let name = record.id.description.prefix(8)
            let transfer = byPayment[record.id]
            if record.isUnderWay, !record.claim.key.isDeposit { self.report("I4", "payment \(name) is still \(record.phase)") }
            if record.phase == .failed, let transfer {
                self.report("I4", "payment \(name) is failed, and \(transfer.transaction.short) moved the money")
            }
            switch (record.settlement, transfer) {
            case (let settlement?, let transfer?):
                if settlement.transaction != transfer.transaction.description {
                    self.report(
                        "I6", "payment \(name) is settled by \(settlement.transaction) and on chain by \(transfer.transaction)")
                }
            case (let settlement?, nil) where settlement.isCredit || record.claim.key.isDeposit: break
            case (_?, nil): self.report("I6", "payment \(name) is settled, and the chain has no such Transfer")
            case (nil, let transfer?) where record.phase != .failed:
                self.report("I6", "payment \(name) is \(record.phase), and \(transfer.transaction.short) moved the money")
            case (nil, _): break
            }
            // What is bought by signing in is not known by what the request bore.
            if record.phase == .settled, record.claim.dialect != .credit, !record.isOwed, !self.wasAnswered(record.id) {
                self.report("I5", "payment \(name) is settled, was never answered, and is no debt")
            }
        }
        self.checkOwnTransfers(byPayment)
        self.checkLosses()
        for problem in self.world.ledgerDamage.prefix(3) { self.report("I6", "the ledger's file: \(problem)") }
    }

    /// What was served before it was paid and never will be is within what the seller was willing to lose.
    private mutating func checkLosses() {
        let lost = self.world.records.filter { $0.phase == .failed && $0.claim.policy == .deferred && self.wasAnswered($0.id) }
        if Int64(lost.count) * Market.option.exposure > Market.deferral.total {
            self.report("I1", "\(lost.count) deferred payments were lost, more than the exposure allows")
        }
        for record in self.world.records where record.phase == .queued {
            self.report("I4", "payment \(record.id.description.prefix(8)) is still queued")
        }
    }

    private func wasAnswered(_ payment: PaymentID) -> Bool {
        self.seen.goods.contains { $0.payment == payment } || self.seen.otherAnswers.contains(payment)
    }

    /// What our own signers moved, the ledger knows.
    private mutating func checkOwnTransfers(_ byPayment: [PaymentID: SeenTransfer]) {
        let signers = Set(Market.gatewaySigners.map(\.address))
        for (payment, transfer) in byPayment.sorted(by: { $0.value.block < $1.value.block })
        where signers.contains(transfer.sender) && self.records[payment] == nil {
            self.report("I6", "our signer moved money in \(transfer.transaction.short), and the ledger has no such payment")
        }
    }

    // MARK: - I7

    /// While ledger or chain are away, nothing is served.
    private mutating func checkOutages() {
        let scenario = self.world.scenario
        let outages = [
            ("ledger", scenario.ledgerOutage, "gateway"), ("ledger", scenario.replicaOutage, "gateway 1"),
            ("chain", scenario.chainOutage, "gateway"),
        ]
        for (name, outage, processes) in outages {
            guard let outage else { continue }
            for goods in self.seen.goods
            where outage.contains(goods.askedAt) && outage.contains(goods.time) && goods.process.hasPrefix(processes) {
                // What was settled before is given out again without asking the chain; credit and deposits are spent without it.
                let isPaid = goods.credential == nil || self.wasGranted(goods.credential?.payment, before: goods.askedAt)
                if name == "chain", isPaid { continue }
                // What was read of a payer is believed for some seconds where the seller bears the risk.
                let isTrusted = goods.path.hasPrefix("/deferred") && goods.askedAt < outage.lowerBound + Self.payerStateAge
                if name == "chain", isTrusted { continue }
                self.report("I7", "\(goods.goods) was asked for and left at \(goods.time), while the \(name) was away")
            }
        }
    }

    private func wasGranted(_ payment: PaymentID?, before time: Duration) -> Bool {
        self.seen.writes.contains { write in
            switch write.event {
            case .settled, .queued: break  // Paid, or served on trust: the same payer may have it again.
            default: return false
            }
            return write.payment == payment && write.ledger == self.world.disk.name && write.time <= time
        }
    }

    // MARK: - Clients

    /// For one purchase a buyer never has two payments whose outcome it does not know.
    private mutating func checkClients() {
        if self.world.unfinishedVisitors > 0 {
            self.report("L", "\(self.world.unfinishedVisitors) visitors are still waiting")
        }
        for (visit, open) in self.seen.openPayments.sorted(by: { $0.key < $1.key }) where open > 1 {
            self.report("C", "buyer \(visit) signed again for a purchase while \(open - 1) payments for it were open")
        }
    }
}

extension SimulatedChain {
    /// Every block that has a transaction in it, of any fork.
    var minedBlocks: [SimulatedBlock] {
        self.look(at: .zero) { state in
            var known: Set<Bytes32> = []
            return state.mined.values.flatMap { $0 }
                .filter { known.insert($0.hash).inserted }
                .sorted { $0.timestamp < $1.timestamp }
        }
    }
}
