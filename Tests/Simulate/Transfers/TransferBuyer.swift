// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollMethods
import TollPrimitives
import TollProtocol

/// Somebody who wants one thing, sends the money for it by a transaction of its own, and shows that again and again.
struct TransferBuyer: Sendable {
    /// Nobody goes on by itself for longer.
    private static let patience = Duration.seconds(560)
    private static let roundsMax = 12
    private static let topUpsMax = 3

    let world: World
    let visit: Scenario.Transfer
    let number: Int
    let dice: Dice

    init(world: World, visit: Scenario.Transfer, number: Int) {
        self.world = world
        self.visit = visit
        self.number = number
        self.dice = world.dice("payer \(number)")
    }

    /// What is bought with what.
    struct Purchase: Sendable {
        let path: String
        let asked: TransferProof.Instructions
        /// What was sent for it, and is shown.
        var sent: [Bytes32]
        var isSigned = true
        /// Whether the money is for it, so that it may be lost to nobody.
        var isOwn = true
    }

    private var account: Market.Account { Market.buyers[self.visit.buyer] }
    private var now: Duration { self.world.executor.now }

    func run() async {
        try? await self.world.executor.sleep(self.visit.at)
        let process = self.world.process("payer \(self.number)", hasGoodClock: true)
        defer { process.kill() }
        let asker = Asker(kind: .buyer, name: "payer \(self.number)")
        let counter = TransferCounter(
            client: SimulatedHTTPClient(web: self.world.web, process: process, asker: asker), isPost: self.visit.isPost,
            dice: self.dice)
        var purchases = await self.prepare(counter)
        if self.visit.plan == .silent, let purchase = purchases.first { await self.waitUntilPaid(purchase, counter) }
        for index in purchases.indices { await self.insist(&purchases[index], counter) }
        let again = "\(self.visit.path)-again"
        if self.visit.plan == .reused, let first = purchases.first, let second = await self.ask(again, counter) {
            self.world.tally.note(.transferReused)
            var purchase = Purchase(path: again, asked: second, sent: first.sent)
            purchase.isOwn = false
            await self.insist(&purchase, counter)
            purchases.append(purchase)
        }
        await self.comeBack(purchases, counter)
    }

    // MARK: - Paying

    /// Asks and pays.
    private func prepare(_ counter: TransferCounter) async -> [Purchase] {
        let early = self.visit.plan == .early ? await self.sendEarly() : nil
        guard let asked = await self.ask(self.visit.path, counter), Int64(asked.expires) > self.unixTime + 5 else { return [] }
        var purchase = Purchase(path: self.visit.path, asked: asked, sent: [])
        if let early {
            self.world.tally.note(.transferEarly)
            purchase.sent = [early]
            purchase.isOwn = false
            return [purchase]
        }
        guard self.visit.plan != .shared else { return await self.payTwo(purchase, counter) }
        purchase.sent = await self.pay(asked)
        purchase.isOwn = self.visit.plan != .invented
        purchase.isSigned = self.visit.style != .unsigned || !Self.isBoundByItself(asked, self.visit.plan)
        return [purchase]
    }

    private static func isBoundByItself(_ asked: TransferProof.Instructions, _ plan: Scenario.Transfer.Plan) -> Bool {
        switch (asked.bind, plan) {
        case (.signature, _), (.amount, .topUp), (.amount, .tooMuch), (.amount, .tooLittle): false
        case (.amount, _), (.address, _): true
        }
    }

    private var unixTime: Int64 { Int64(SimulatedChain.epoch) + self.now.components.seconds }

    private func ask(_ path: String, _ counter: TransferCounter) async -> TransferProof.Instructions? {
        for _ in 0..<8 {
            if let asked = await counter.ask(path) { return asked }
            try? await self.world.executor.sleep(.seconds(4))
        }
        return nil
    }

    private func sendEarly() async -> Bytes32 {
        let transaction = self.send([ChainAction.Payee(to: Market.payee, value: Market.price)])
        for _ in 0..<20 where !self.world.chain.isMined(transaction.hash, depth: 4, at: self.now) {
            try? await self.world.executor.sleep(.seconds(5))
        }
        try? await self.world.executor.sleep(.seconds(60))
        return transaction.hash
    }

    private func payTwo(_ first: Purchase, _ counter: TransferCounter) async -> [Purchase] {
        let path = "\(self.visit.path)-second"
        guard let asked = await self.ask(path, counter) else { return [] }
        var purchases = [first, Purchase(path: path, asked: asked, sent: [])]
        let payees = purchases.compactMap { purchase in
            Address(hex: purchase.asked.recipient).map { ChainAction.Payee(to: $0, value: purchase.asked.amount) }
        }
        let transaction = self.send(payees)
        self.world.tally.note(.transferShared)
        for index in purchases.indices {
            purchases[index].sent = [transaction.hash]
            purchases[index].isSigned = self.visit.style != .unsigned || asked.bind == .signature
        }
        return purchases
    }

    /// Sends what the plan sends; says the transactions in the order in which they are shown.
    private func pay(_ asked: TransferProof.Instructions) async -> [Bytes32] {
        guard let to = Address(hex: asked.recipient), let due = asked.amount.uint64 else { return [] }
        func payment(_ value: UInt64) -> [ChainAction.Payee] { [ChainAction.Payee(to: to, value: UInt256(value))] }
        try? await self.world.executor.sleep(self.dice.milliseconds(in: 0...3_000))
        switch self.visit.plan {
        case .topUp, .tooLittle:
            self.world.tally.note(.transferUnderpaid)
            return [self.send(payment(UInt64(self.dice.number(in: 1...Int(due) - 1)))).hash]
        case .tooMuch:
            self.world.tally.note(.transferOverpaid)
            return [self.send(payment(due + UInt64(self.dice.number(in: 1...2_000)))).hash]
        case .expiring: await self.wait(until: asked.expires - Int64(self.dice.number(in: -10...15)))
        case .late: await self.wait(until: asked.expires + Int64(self.dice.number(in: 55...80)))
        case .invented:
            self.world.tally.note(.transferInvented)
            var bytes = self.dice.bytes(32)
            bytes[0] = UInt8(self.visit.buyer)
            return [Bytes32(bytes) ?? .zero]
        case .reverting: return [self.send(payment(1 << 60)).hash]
        case .replaced:
            let first = self.send(payment(due), tip: SimulatedChain.usualTip / 2)
            try? await self.world.executor.sleep(self.dice.milliseconds(in: 0...6_000))
            let isWaiting = !self.world.chain.isMined(first.hash, at: self.now)
            let second = self.send(payment(due), number: first.number, tip: SimulatedChain.usualTip * 2)
            if isWaiting { self.world.tally.note(.transferReplaced) }
            return [first.hash, second.hash]
        case .exact, .silent, .reused, .early, .shared: break
        }
        return [self.send(payment(due)).hash]
    }

    private func wait(until time: Int64) async {
        try? await self.world.executor.sleep(.seconds(max(0, time - self.unixTime)))
    }

    /// Sends a transaction, and lets the wallet look after it.
    private func send(
        _ payees: [ChainAction.Payee], number: UInt64? = nil, tip: UInt64 = SimulatedChain.usualTip
    ) -> ChainTransaction {
        let action =
            payees.count == 1
            ? ChainAction.call(to: ChainMachine.token, data: ERC20.transfer(to: payees[0].to, value: payees[0].value))
            : .payAll(payees)
        let (world, account) = (self.world, self.account.address)
        let transaction = world.chain.submit(action, from: account, number: number, tip: tip, at: self.now)
        let sum = payees.reduce(UInt256.zero) { $0.adding($1.value) ?? .max }
        world.trace.note("payer \(self.number) sends \(sum) units in \(transaction.hash.short)")
        if self.visit.resends {
            world.executor.spawn {
                while world.executor.now < Self.patience {
                    try? await world.executor.sleep(.seconds(15))
                    guard !world.chain.resend(transaction, at: world.executor.now) else { return }
                }
            }
        }
        return transaction
    }

    // MARK: - Showing

    /// Asks how far it is until all has arrived; not for ever, since a signature is needed where nothing else says whose it is.
    private func waitUntilPaid(_ purchase: Purchase, _ counter: TransferCounter) async {
        for _ in 0..<12 {
            try? await self.world.executor.sleep(self.dice.milliseconds(in: 2_000...20_000))
            guard let status = await counter.status(of: purchase.asked.reference), status.state == .paid else { continue }
            if status.transactions.contains(where: { purchase.sent.contains($0.txHash) }) { self.world.tally.note(.transferSeen) }
            return
        }
    }

    /// Shows what was sent until there is an answer, or none to be had.
    private func insist(_ purchase: inout Purchase, _ counter: TransferCounter) async {
        if self.visit.style == .concurrent { await self.showTogether(purchase, counter) }
        var topUps = 0
        for round in 0..<Self.roundsMax where self.now < Self.patience {
            guard let hash = self.dice.happens(perMille: 700) ? purchase.sent.last : purchase.sent.first else { return }
            if round > 0 { self.world.tally.note(.proofRepeated) }
            let answer = await counter.show(self.proof(hash, purchase), at: purchase.path)
            self.world.trace.note(
                "payer \(self.number) showed \(hash.short) for \(purchase.path): \(answer?.status ?? 0) \(answer?.reason ?? "")")
            guard let answer else { continue }
            self.count(answer, purchase)
            switch answer.status {
            case 200, 409: return
            case 402 where answer.reason == "underpaid" && self.visit.plan == .topUp && topUps < Self.topUpsMax:
                topUps += self.topUp(answer.missing, &purchase) ? 1 : 0
            case 402 where answer.reason == "transaction_reverted" && self.visit.plan == .reverting && purchase.sent.count == 1:
                self.world.tally.note(.transferReverted)
                guard let to = Address(hex: purchase.asked.recipient) else { return }
                purchase.sent.append(self.send([ChainAction.Payee(to: to, value: purchase.asked.amount)]).hash)
            default: break
            }
            if self.dice.happens(perMille: 200) { await self.checkStatus(purchase, counter) }
            try? await self.world.executor.sleep(self.dice.milliseconds(in: 500...30_000))
        }
    }

    private func topUp(_ missing: UInt256?, _ purchase: inout Purchase) -> Bool {
        guard let missing, missing > .zero, let to = Address(hex: purchase.asked.recipient) else { return false }
        self.world.tally.note(.transferToppedUp)
        purchase.sent.append(self.send([ChainAction.Payee(to: to, value: missing)]).hash)
        return true
    }

    private func count(_ answer: TransferCounter.Answer, _ purchase: Purchase) {
        if answer.reason == "too_late" { self.world.tally.note(.transferLate) }
        if let instructions = answer.instructions, instructions.reference != purchase.asked.reference {
            self.world.tally.note(.referenceEnded)
        }
    }

    private func showTogether(_ purchase: Purchase, _ counter: TransferCounter) async {
        guard let hash = purchase.sent.first else { return }
        self.world.tally.note(.proofConcurrent)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 { group.addTask { _ = await counter.show(self.proof(hash, purchase), at: purchase.path) } }
        }
    }

    private func proof(_ hash: Bytes32, _ purchase: Purchase) -> TransferProof.Proof {
        let (chain, reference) = (ChainMachine.chainID, purchase.asked.reference)
        guard purchase.isSigned else { return TransferProof.Proof(txHash: hash, chainID: chain, reference: reference) }
        return TransferProof.Proof.signed(txHash: hash, chainID: chain, reference: reference, key: self.account.key)
    }

    /// Shows everything when there is no trouble any more, again, and when the answer is forgotten.
    private func comeBack(_ purchases: [Purchase], _ counter: TransferCounter) async {
        for (time, fault) in [(270, Fault.proofRepeated), (330, .proofRepeated), (1_000, .proofReplayed)]
        where .seconds(time) < self.world.scenario.end - .seconds(200) {
            try? await self.world.executor.sleep(max(.seconds(time) - self.now, .seconds(20)))
            for purchase in purchases {
                self.world.tally.note(fault, purchase.sent.count)
                for hash in purchase.sent { await self.showInPeace(hash, purchase, counter) }
            }
        }
    }

    private func showInPeace(_ hash: Bytes32, _ purchase: Purchase, _ counter: TransferCounter) async {
        var purchase = purchase
        for _ in 0..<3 {
            let answer = await counter.show(self.proof(hash, purchase), at: purchase.path)
            self.world.trace.note(
                "payer \(self.number) showed \(hash.short) for \(purchase.path): \(answer?.status ?? 0) \(answer?.reason ?? "")")
            guard let answer, answer.status != 503, answer.reason != "wrong_amount" || purchase.isSigned else {
                // A token that keeps a fee makes another amount of it: the sender says whose it is.
                purchase.isSigned = purchase.isSigned || answer?.reason == "wrong_amount"
                try? await self.world.executor.sleep(.seconds(5))
                continue
            }
            self.count(answer, purchase)
            if purchase.isOwn {
                let shown = ShownTransfer(reference: purchase.asked.reference.digest, transaction: hash)
                self.world.observer.note { events, _ in events.shown.insert(shown) }
            }
            return
        }
    }

    /// What is said to have arrived was sent.
    private func checkStatus(_ purchase: Purchase, _ counter: TransferCounter) async {
        guard let status = await counter.status(of: purchase.asked.reference) else { return }
        let sent = purchase.sent.map { self.world.chain.everMoved($0) }
        let sum = sent.reduce(UInt256.zero) { $0.adding($1) ?? .max }
        guard status.received > sum || (status.state == .paid && sum < purchase.asked.amount) else { return }
        self.world.observer.note { events, _ in
            events.misleading.append("payer \(self.number) was told that \(status.received) units have arrived of \(sum)")
        }
    }
}

extension SimulatedChain {
    /// What a transaction moved in all when it was in a block, if it ever was.
    func everMoved(_ hash: Bytes32) -> UInt256 {
        self.look(at: .zero) { state in
            let receipt = state.mined[hash]?.last?.receipts.first { $0.transaction.hash == hash }
            return (receipt?.logs ?? []).reduce(UInt256.zero) { sum, log in
                guard log.topics.first == ERC20.transferTopic, let value = UInt256(bigEndian: log.data) else { return sum }
                return sum.adding(value) ?? .max
            }
        }
    }
}
