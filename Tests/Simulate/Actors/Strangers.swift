// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollHTTP
import TollPayments
import TollPrimitives
import TollProtocol

/// Reads the chain, and presents what stands there as its own payment.
///
/// All it has is public: the calldata of settlements, waiting or mined, and the 402 that anyone gets.
struct Thief: Sendable {
    /// Signatures are dear; so many attempts find what there is to find.
    private static let attemptsMax = 10

    let world: World

    func run() async {
        let process = self.world.process("thief", hasGoodClock: true)
        let client = SimulatedHTTPClient(web: self.world.web, process: process, asker: Asker(kind: .thief, name: "thief"))
        let dice = self.world.dice("thief")
        var tries: [TransferCall: Int] = [:]
        var attempts = 0
        while self.world.executor.now < .seconds(420), attempts < Self.attemptsMax {
            try? await self.world.executor.sleep(dice.milliseconds(in: 200...12_000))
            for call in self.world.publicTransfers() where tries[call, default: 0] < 2 && attempts < Self.attemptsMax {
                tries[call, default: 0] += 1
                for visit in self.world.scenario.visits where Market.buyers[visit.buyer].address == call.authorization.from {
                    attempts += 1
                    await self.present(call, visit, client, dice)
                }
            }
        }
    }

    private func present(_ call: TransferCall, _ visit: Scenario.Visit, _ client: SimulatedHTTPClient, _ dice: Dice) async {
        let authorization = call.authorization
        let payload = ExactEVMPayload(
            signature: call.signature,
            authorization: ExactEVMPayload.Authorization(
                from: authorization.from.description, to: authorization.to.description, value: authorization.value,
                validAfter: authorization.validAfter, validBefore: authorization.validBefore, nonce: authorization.nonce)
        ).json
        self.world.tally.note(.credentialStolen)
        self.world.trace.note("thief presents \(authorization.nonce.short) for \(visit.path)")
        if dice.happens(perMille: 600) {
            guard let accepted = await Visitor.challenge(visit, client) else { return }
            _ = await Visitor.present(Visitor.v2(accepted, payload), visit, client)
        } else {
            _ = await Visitor.present(Visitor.v1(payload), visit, client)
        }
    }
}

extension World {
    /// The transfers to the seller that anybody sees: in the pool, or in a block.
    func publicTransfers() -> [TransferCall] {
        let transactions = self.chain.look(at: self.executor.now) { state in
            state.pool + state.canonical.suffix(12).flatMap { $0.receipts.map(\.transaction) }
        }
        return transactions.flatMap { transaction -> [TransferCall] in
            guard case .call(let to, let data) = transaction.action else { return [] }
            return ChainMachine.transfers(in: data, to: to).filter { $0.authorization.to == Market.payee }
        }
    }
}

/// Sends others' authorizations itself, before or after those they were given to.
struct FrontRunner: Sendable {
    let world: World

    func run() async {
        let dice = self.world.dice("front runner")
        var done: Set<TransferCall> = []
        while self.world.executor.now < Scenario.calmFrom {
            try? await self.world.executor.sleep(dice.milliseconds(in: 100...3_000))
            for call in self.world.publicTransfers() where done.insert(call).inserted && dice.happens(perMille: 500) {
                self.world.trace.note("somebody sends \(call.authorization.nonce.short) too")
                self.world.chain.submit(
                    .call(to: ChainMachine.token, data: call.authorization.calldata(signature: call.signature)),
                    from: Market.thirdParty.address, at: self.world.executor.now)
            }
        }
    }
}

/// Sends transactions of the gateway's signers by hand, and so uses up their numbers.
struct Operator: Sendable {
    let world: World

    func run() async {
        let dice = self.world.dice("operator")
        for _ in 0..<2 {
            try? await self.world.executor.sleep(dice.milliseconds(in: 1_000...60_000))
            let signer = dice.pick(Market.gatewaySigners).address
            let now = self.world.executor.now
            let number = self.world.chain.head(at: now).counts[signer] ?? 0
            self.world.tally.note(.numberUsedByHand)
            self.world.trace.note("the operator sends number \(number) of a signer by hand")
            self.world.chain.submit(.call(to: .zero, data: []), from: signer, number: number, at: now)
        }
    }
}
