// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollClient
import TollPayments
import TollPrimitives
import TollProtocol

/// Whatever the chain and the seller say, in any order.
@Suite struct TransferMachineTests {
    /// Answers at random, from a seed.
    private struct Fate {
        var state: UInt64

        mutating func number(below limit: UInt64) -> UInt64 {
            self.state = self.state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (self.state >> 33) % limit
        }
    }

    /// A world in which one transfer is pursued.
    private struct World {
        var fate: Fate
        var machine: TransferMachine
        var time = Market.now
        var signed: [SignedTransfer]
        var seen: Set<Bytes32> = []
        var settled = false
        /// Whether nothing ever gets into a block.
        let isQuiet: Bool
        let expires: UInt64

        mutating func answer(_ action: TransferMachine.Action) throws -> TransferMachine.Action {
            switch action {
            case .send(let transfer):
                #expect(self.signed.contains(transfer))
                #expect(transfer.isVoid || self.time <= self.expires + TransferMachine.lateSeconds, "sent after its time")
                let results: [TransferSending] = [
                    .accepted, .accepted, .numberUsed, .underpriced(reason: "low"), .refused(reason: "no"),
                    .unknown(reason: "away"),
                ]
                return self.machine.sent(results[Int(self.fate.number(below: 6))], at: self.time)
            case .look(let transfers):
                #expect(transfers == self.signed)
                return self.machine.looked(self.sighting(), at: self.time)
            case .replace(let transfer, let isVoid):
                #expect(transfer == self.signed.last)
                guard self.fate.number(below: 4) > 0 else {
                    return self.machine.replaced(.impossible(reason: "no"), at: self.time)
                }
                let hash = Keccak256.hash(text: "transfer \(self.signed.count)")
                self.signed.append(SignedTransfer(hash: hash, raw: [], number: transfer.number, isVoid: isVoid))
                return self.machine.replaced(.signed(self.signed[self.signed.count - 1]), at: self.time)
            case .prove(let hash):
                #expect(self.seen.contains(hash), "proven without having been seen")
                #expect(self.signed.contains { $0.hash == hash && !$0.isVoid })
                let answers: [TransferMachine.Answer] = [
                    .delivered, .processing(reason: "unconfirmed", retryAfter: 2), .trouble(reason: "away", retryAfter: nil),
                    .refused(reason: "too_late", isStated: true), .refused(reason: "402", isStated: false),
                    .processing(reason: "unconfirmed", retryAfter: nil),
                ]
                return self.machine.answered(answers[Int(self.fate.number(below: 6))], at: self.time)
            case .askStatus: return self.machine.told(nil, at: self.time)
            case .wait(let seconds, _):
                #expect(seconds > 0)
                self.time += seconds
                return self.machine.waited()
            case .finish: return action
            }
        }

        private mutating func sighting() -> TransferSighting {
            guard !self.isQuiet else { return .waiting }
            switch self.fate.number(below: 20) {
            case 0: return .unknown(reason: "away")
            case 1:
                self.settled = true
                return .displaced
            case 2...4:
                let one = self.signed[Int(self.fate.number(below: UInt64(self.signed.count)))]
                let (depth, succeeded) = (self.fate.number(below: 20) + 1, self.fate.number(below: 3) > 0)
                if succeeded, !one.isVoid { self.seen.insert(one.hash) } else { self.settled = depth >= 12 }
                return .mined(TransferSighting.Mined(hash: one.hash, block: 7, depth: depth, succeeded: succeeded))
            default: return .waiting
            }
        }
    }

    @Test func `nothing is sent after its time, nothing proven unseen, and every course ends`() throws {
        var endings: [String: Int] = [:]
        for seed in 0..<2_000 as Range<UInt64> {
            let first = SignedTransfer(hash: Keccak256.hash(text: "transfer 0"), raw: [], number: 9)
            let lifetime = Int64(seed % 7 * 40)
            let instructions = try TransferShop.instructions(lifetime: lifetime, signer: nil)
            let journaled = try #require(Self.journaled(instructions, first))
            let machine = TransferMachine(
                TransferMachine.Start(
                    transfer: journaled, display: "0.001 USDC", isFirst: seed % 2 == 0, patience: 600, time: Market.now))
            var world = World(
                fate: Fate(state: seed), machine: machine, signed: [first], isQuiet: seed % 5 == 0,
                expires: Market.now + UInt64(lifetime))
            var (action, steps) = (world.machine.begin(), 0)
            while steps < 5_000 {
                if case .finish = action { break }
                action = try world.answer(action)
                steps += 1
            }
            guard case .finish(let ending) = action else {
                Issue.record("seed \(seed) does not end: \(action)")
                return
            }
            #expect(Set(world.signed.map(\.number)) == [9] && world.time <= Market.now + 600 + 30)
            #expect(world.signed.filter { !$0.isVoid }.count <= TransferMachine.transactionCountMax)
            if case .nothingMoved = ending { #expect(world.settled, "seed \(seed): given up too early") }
            endings[String("\(ending)".prefix { $0 != "(" }), default: 0] += 1
        }
        #expect(Set(endings.keys) == ["delivered", "failed", "open", "nothingMoved"], "\(endings)")
    }

    /// As the journal reads it.
    private static func journaled(
        _ instructions: TransferProof.Instructions, _ first: SignedTransfer
    ) -> JournaledTransfer? {
        JournaledTransfer(instructions: instructions, transactions: [first])
    }
}
