// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollPrimitives
import TollTestKit

@testable import TollStoreSQLite

/// What the ledger in memory decides about payers, the SQLite ledger decides too, whatever it remembers.
@Suite struct PayerModelTests {
    private static let path = "ledger.db"
    private static let payers = (1...3).map { "0x00000000000000000000000000000000000000C\($0)" }

    /// What two ledgers must agree on.
    private enum Outcome: Equatable {
        case claim(ClaimOutcome)
        case identifier(PaymentRecord?)
        case credit(CreditOutcome)
        case records([PaymentRecord])
        case refused(isDefect: Bool)
    }

    private static func claim(_ number: Int, _ random: inout SeededRandom, _ policy: SettlePolicy) -> Claim {
        SamplePayment.claim(
            number, policy: policy, amount: UInt256(UInt64(random.next(400) + 1)), payer: self.payers[number % 3],
            validBefore: Int64(random.next(5_000)), identifier: random.next(4) == 0 ? "identifier \(random.next(9))" : nil,
            exposure: policy == .deferred ? Int64(random.next(500)) : 0)
    }

    private static func events(_ number: Int, _ random: inout SeededRandom) -> [PaymentEvent] {
        switch random.next(13) {
        case 0: [.queued, .served]
        case 1: [.signed(SamplePayment.transaction(number)), .broadcast]
        case 2, 3: [.settled(SamplePayment.settlement(number))]
        case 4: [.failed(PaymentRefusal("reverted"))]
        case 5: [.returned(reason: "used up", transaction: nil)]
        case 6: [.vanished(reason: "reorganised")]
        case 7: [.released(reason: "upstream 502")]
        case 8: [.served]
        case 9: [.unknown(reason: "timeout")]
        case 10: [.answered(SamplePayment.answer(number)), .queued]
        case 11: [.settled(SamplePayment.settlement(number)), .owed(reason: "not delivered")]
        default: [.owed(reason: "not delivered")]
        }
    }

    private static func query(_ random: inout SeededRandom) -> PaymentQuery {
        let phases = PaymentRecord.Phase.allCases.filter { _ in random.next(3) == 0 }
        var query = PaymentQuery(in: Set(phases), limit: random.next(12))
        if random.next(3) == 0 { query.network = random.next(5) == 0 ? ChainID(eip155: 1) : SamplePayment.asset.network }
        if random.next(3) == 0 { query.payer = self.payers[random.next(3)].uppercased().replacing("0X", with: "0x") }
        if random.next(4) == 0 { query.since = Int64(1_000 + random.next(200)) }
        if random.next(4) == 0 { query.until = Int64(1_000 + random.next(400)) }
        if random.next(4) == 0 { query.validBefore = Int64(random.next(2_000))..<Int64(2_000 + random.next(3_000)) }
        if random.next(5) == 0 { query.aboveBlock = UInt64(2_000 + random.next(40)) }
        if random.next(5) == 0 { query.isOwed = random.next(2) == 0 }
        if random.next(5) == 0 {
            let last = PaymentRecord(SamplePayment.claim(random.next(40)), at: Int64(1_000 + random.next(300)))
            query.after = PaymentQuery.Cursor(last)
        }
        return query
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func `deferral, identifiers, credit and queries come to what the model says`(seed: UInt64) async throws {
        let disk = FaultDisk(seed: seed)
        let model = MemoryPaymentStore()
        var store = try SQLitePaymentStore(path: Self.path, on: .simulated(disk.name))
        let other = try SQLitePaymentStore(path: Self.path, on: .simulated(disk.name))
        var random = SeededRandom(seed: seed)
        for step in 0..<240 {
            let call = Self.call(step, &random)
            let writer = random.next(6) == 0 ? other : store
            let (found, expected) = (await Self.outcome(of: call, writer), await Self.outcome(of: call, model))
            #expect(found == expected, "seed \(seed), step \(step), \(call)")
            guard random.next(60) == 0 else { continue }
            await store.close()
            store = try SQLitePaymentStore(path: Self.path, on: .simulated(disk.name))
        }
        #expect(try await store.verifyIntegrity().problems == [])
        await store.close()
        await other.close()
    }

    private enum Call {
        case claim(Claim, DeferralTerms?, Int64)
        case append([LedgerEntry], Int64)
        case credit(Claim, Int64)
        case query(PaymentQuery)
        case identifier(Bytes32)
    }

    private static func call(_ step: Int, _ random: inout SeededRandom) -> Call {
        let (number, time) = (random.next(40), Int64(1_000 + step))
        switch random.next(12) {
        case 0..<4:
            let terms = DeferralTerms(
                perPayer: Int64(random.next(2_500)), total: Int64(random.next(5_000)),
                spendable: UInt256(UInt64(random.next(2_500))), settledPaymentsMin: random.next(3))
            let isDeferred = random.next(4) > 0
            return .claim(self.claim(number, &random, isDeferred ? .deferred : .after), isDeferred ? terms : nil, time)
        case 4: return .credit(self.claim(100 + random.next(400), &random, .before), time)
        case 5, 6: return .query(self.query(&random))
        case 7: return .identifier(Keccak256.hash(text: "identifier \(random.next(9))"))
        default:
            let entries = (0...random.next(2)).map { _ in
                let number = random.next(40)
                return LedgerEntry(SamplePayment.claim(number, payer: self.payers[number % 3]).id, self.events(number, &random))
            }
            return .append(entries, time)
        }
    }

    private static func outcome(of call: Call, _ store: any PaymentStore) async -> Outcome {
        do throws(StoreError) {
            switch call {
            case .claim(let claim, let terms, let time):
                return .claim(try await store.claim(claim, deferral: terms, at: time))
            case .append(let entries, let time): return .records(try await store.append(entries, at: time))
            case .credit(let claim, let time): return .credit(try await store.spendCredit(claim, at: time))
            case .query(let query): return .records(try await store.records(query))
            case .identifier(let hash): return .identifier(try await store.payment(identifiedBy: hash))
            }
        } catch {
            return .refused(isDefect: error.isDefect)
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
struct SeededRandom {
    private var state: UInt64

    init(seed: UInt64) {
        self.state = seed
    }

    /// A number below `limit`.
    mutating func next(_ limit: Int) -> Int {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(limit))
    }
}
