// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import TollClient
import TollEVM
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol
import TollRuntime

/// Somebody who wants one thing and pays for it, in one of several ways.
struct Visitor: Sendable {
    let world: World
    let visit: Scenario.Visit
    let number: Int

    private var asker: Asker { Asker(kind: .buyer, name: "buyer \(self.number)") }
    private var account: Market.Account { Market.buyers[self.visit.buyer] }

    func run() async {
        try? await self.world.executor.sleep(self.visit.at)
        if self.visit.trick == .empty { self.world.executor.spawn { await self.emptyWallet() } }
        switch self.visit.style {
        case .buyer: await self.buy(mayCrash: false)
        case .crashing: await self.buy(mayCrash: true)
        case .replayed, .concurrent, .twoDialects: await self.presentByHand()
        }
    }

    // MARK: - With TollClient

    private func buy(mayCrash: Bool) async {
        guard let url = try? URLParts(parsing: "https://\(Market.host)\(self.visit.path)") else { return }
        let request = PurchaseRequest(
            url, method: self.visit.isPost ? .post : .get, body: self.visit.isPost ? Array("{}".utf8) : nil)
        let directory = Scratch.directory(self.world.scenario.seed, self.number)
        defer { Scratch.remove(directory) }
        let dice = self.world.dice("buyer \(self.number)")
        for _ in 0..<10 {
            let process = self.world.process("buyer \(self.number)", hasGoodClock: true)
            if mayCrash, dice.happens(perMille: 500) {
                self.world.executor.schedule(after: dice.milliseconds(in: 1...3_000)) { process.kill() }
            }
            let report = await self.purchase(request, process, directory)
            process.kill()
            self.noteOpenPayments(directory)
            self.world.trace.note("\(self.asker): \(report.map { "\($0.failure?.code.rawValue ?? "served")" } ?? "crashed")")
            if let report, report.failure == nil { return }
            if let failure = report?.failure, !failure.isRetryable, dice.happens(perMille: 600) { return }
            try? await self.world.executor.sleep(dice.milliseconds(in: 500...40_000))
        }
    }

    private func purchase(
        _ request: PurchaseRequest, _ process: SimulatedProcess, _ directory: String
    ) async -> PurchaseReport? {
        let buyer = Buyer(
            client: SimulatedHTTPClient(web: self.world.web, process: process, asker: self.asker), directory: Market.directory,
            signers: [self.account.payer], journal: Journal(directory: directory), environment: process.environment)
        let done = Waiting<PurchaseReport>()
        process.spawn { done.resume(await buyer.purchase(request, policy: PurchasePolicy()) { _ in }) }
        self.world.executor.spawn {
            _ = await process.death.value
            done.resume(nil)
        }
        return await done.value
    }

    private func noteOpenPayments(_ directory: String) {
        let now = SimulatedChain.epoch + UInt64(self.world.executor.now.components.seconds)
        let open = ((try? Journal(directory: directory).payments()) ?? []).filter { $0.isPending(at: now) }.count
        self.world.observer.note { events, _ in
            events.openPayments[self.number] = max(open, events.openPayments[self.number] ?? 0)
        }
    }

    // MARK: - By hand

    private func presentByHand() async {
        let process = self.world.process("buyer \(self.number)", hasGoodClock: true)
        defer { process.kill() }
        let client = SimulatedHTTPClient(web: self.world.web, process: process, asker: self.asker)
        guard let prepared = await self.credential(client) else { return }
        self.playTrick(prepared.payload)
        switch self.visit.style {
        case .concurrent:
            self.world.tally.note(.credentialConcurrent)
            await self.presentTogether([prepared.v2, prepared.v2, prepared.v2, prepared.v2], client)
        case .twoDialects:
            self.world.tally.note(.credentialTwoDialects)
            await self.presentTogether([prepared.v2, prepared.v1, prepared.v1, prepared.v2], client)
        default: _ = await Self.present(prepared.v2, self.visit, client)
        }
        for pause in [3, 20, 70, 300] {
            try? await self.world.executor.sleep(.seconds(pause))
            self.world.tally.note(pause > Market.maxTimeout ? .credentialReplayed : .credentialRepeated)
            _ = await Self.present(prepared.v2, self.visit, client)
            if self.visit.style == .twoDialects { _ = await Self.present(prepared.v1, self.visit, client) }
        }
    }

    private func presentTogether(_ headers: [PaymentField], _ client: SimulatedHTTPClient) async {
        await withTaskGroup(of: Void.self) { group in
            for header in headers { group.addTask { _ = await Self.present(header, self.visit, client) } }
        }
    }

    struct PaymentField: Sendable {
        let name: String
        let value: String
    }

    private struct Prepared {
        let v2: PaymentField
        let v1: PaymentField
        let payload: JSONObject
    }

    /// Asks for the price until somebody says it, and signs.
    private func credential(_ client: SimulatedHTTPClient) async -> Prepared? {
        for _ in 0..<8 {
            if let accepted = await Self.challenge(self.visit, client) {
                let now = SimulatedChain.epoch + UInt64(self.world.executor.now.components.seconds)
                let nonce = Bytes32(client.process.environment.randomBytes(32)) ?? .zero
                let validity = AuthorizationValidity(
                    validAfter: now - 600, validBefore: now + UInt64(Market.maxTimeout), nonce: nonce)
                guard let payload = try? self.account.payer.sign(Market.option, validity) else { return nil }
                return Prepared(v2: Self.v2(accepted, payload), v1: Self.v1(payload), payload: payload)
            }
            try? await self.world.executor.sleep(.seconds(4))
        }
        return nil
    }

    /// What a 402 offers first; nil when none came.
    static func challenge(_ visit: Scenario.Visit, _ client: SimulatedHTTPClient) async -> JSON? {
        let answer = try? await client.send(self.request(visit, nil))
        let header = answer?.head.fields.firstText("payment-required")
        return header.flatMap { try? PaymentHeader.decode($0) }.flatMap { $0["accepts"]?.array?.first }
    }

    static func v2(_ accepted: JSON, _ payload: JSONObject) -> PaymentField {
        PaymentField(
            name: "PAYMENT-SIGNATURE",
            value: PaymentHeader.encode(["x402Version": 2, "accepted": accepted, "payload": .object(payload)]))
    }

    static func v1(_ payload: JSONObject) -> PaymentField {
        PaymentField(
            name: "X-PAYMENT",
            value: PaymentHeader.encode([
                "x402Version": 1, "scheme": "exact", "network": "base-sepolia", "payload": .object(payload),
            ]))
    }

    static func request(_ visit: Scenario.Visit, _ field: PaymentField?) -> ClientRequest {
        var fields = Fields()
        if let field { fields.append(field.name, field.value) }
        return ClientRequest(
            visit.isPost ? .post : .get, Origin(scheme: .https, host: Market.host), target: Array(visit.path.utf8),
            fields: fields, body: visit.isPost ? .bytes(Array("{}".utf8)) : .none, deadline: .seconds(60))
    }

    /// The status of the answer; nil when none came.
    static func present(_ field: PaymentField, _ visit: Scenario.Visit, _ client: SimulatedHTTPClient) async -> Int? {
        guard let answer = try? await client.send(self.request(visit, field)) else { return nil }
        return answer.head.status
    }

    // MARK: - Tricks

    private func playTrick(_ payload: JSONObject) {
        let (world, account, trick) = (self.world, self.account, self.visit.trick)
        guard trick == .cancel || trick == .settleItself, let exact = try? ExactEVMPayload(payload), let key = exact.key else {
            return
        }
        let delay = world.dice("trick \(self.number)").milliseconds(in: 0...15_000)
        world.executor.schedule(after: delay) {
            switch trick {
            case .cancel:
                world.trace.note("buyer cancels \(key.nonce.short)")
                world.chain.submit(.cancel(key.nonce), from: account.address, at: world.executor.now)
            default:
                guard let to = Address(hex: exact.authorization.to) else { return }
                let authorization = EIP3009.Authorization(
                    from: key.account, to: to, value: exact.authorization.value, validAfter: exact.authorization.validAfter,
                    validBefore: exact.authorization.validBefore, nonce: key.nonce)
                world.trace.note("buyer settles \(key.nonce.short) itself")
                world.observer.note { events, _ in events.publishedByPayer.insert(key) }
                world.chain.submit(
                    .call(to: ChainMachine.token, data: authorization.calldata(signature: exact.signature)),
                    from: account.address, at: world.executor.now)
            }
        }
    }

    private func emptyWallet() async {
        let dice = self.world.dice("emptying \(self.number)")
        try? await self.world.executor.sleep(dice.milliseconds(in: 0...10_000))
        let balance = self.world.chain.head(at: self.world.executor.now).token.balance(of: self.account.address)
        self.world.trace.note("\(self.asker) empties its wallet")
        self.world.chain.submit(
            .pay(to: TokenState.feeCollector, balance), from: self.account.address, at: self.world.executor.now)
    }
}

/// Directories for the buyers' journals, in memory where there is such a place.
enum Scratch {
    private static let root: String = {
        let place = FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm/" : NSTemporaryDirectory()
        return place + "toll-simulation-\(ProcessInfo.processInfo.processIdentifier)-"
    }()
    private static let count = Counter()

    static func directory(_ seed: UInt64, _ number: Int) -> String { "\(self.root)\(seed)-\(number)-\(self.count.next())" }

    static func remove(_ directory: String) { try? FileManager.default.removeItem(atPath: directory) }
}
