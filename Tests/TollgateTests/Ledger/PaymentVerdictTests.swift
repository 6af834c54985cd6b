// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollMethods
import TollPayments
import TollPrimitives
import TollTestKit

@testable import tollgate

/// Why it was not paid: one answer for each way a payment can stand.
@Suite struct PaymentVerdictTests {
    private typealias Word = EVMPaymentWitness.Word

    private func record(_ events: [PaymentEvent], policy: SettlePolicy = .after) throws -> PaymentRecord {
        var record = PaymentRecord(SampleLedger.claim(1, policy: policy), at: SampleLedger.noon)
        for event in events { try record.apply(event, at: SampleLedger.noon) }
        return record
    }

    private func verdict(
        _ events: [PaymentEvent], _ word: Word? = nil, policy: SettlePolicy = .after, now: Int64 = SampleLedger.noon
    ) throws -> String {
        PaymentVerdict.text(try self.record(events, policy: policy), word, now: now)
    }

    private func word(
        _ state: EVMPaymentWitness.Transaction.State? = nil, _ authorization: EVMPaymentWitness.Authorization = .used,
        transfer: Settlement? = nil
    ) -> Word {
        var word = Word(head: 2_010, finalized: 2_000)
        word.transactions = state.map { [.init(hash: SamplePayment.hash(1), state: $0)] } ?? []
        word.authorization = authorization
        word.transfer = transfer
        return word
    }

    private static let signed: [PaymentEvent] = [.signed(SamplePayment.transaction(1))]
    private static let settled = Self.signed + [.broadcast, .settled(SamplePayment.settlement(1))]

    @Test func `paid: how deep, and whether it is final`() throws {
        let word = self.word(.mined(block: 2_001), transfer: SamplePayment.settlement(1))
        #expect(
            try self.verdict(Self.settled + [.served], word)
                == "Paid: 0.001 USDC in block 2001, 10 confirmations, not final yet. The whole answer reached the client.")
        #expect(
            try self.verdict(Self.settled)
                == "Paid, as far as the ledger knows: 0.001 USDC in \(SamplePayment.hash(1)). The chain was not asked. "
                + "Its answer has not reached the client yet.")
    }

    @Test func `paid in the ledger and not on chain, or elsewhere`() throws {
        let missing = try self.verdict(Self.settled, self.word(.unknown))
        #expect(missing.hasPrefix("The ledger says paid, and the chain has no Transfer"))
        let elsewhere = try self.verdict(Self.settled, self.word(transfer: SamplePayment.settlement(2)))
        #expect(elsewhere.contains("on chain by \(SamplePayment.hash(2)) in block 2002, where the ledger has"))
    }

    @Test func `not paid yet, at each step`() throws {
        let until = "its authorization is good until 2024-01-01T12:05:00Z"
        #expect(try self.verdict([]).hasSuffix("has not got as far as signing a settlement; \(until)."))
        #expect(
            try self.verdict([.queued], policy: .deferred)
                == "Not paid yet: it waits to be settled together with others; \(until).")
        #expect(
            try self.verdict(Self.signed, self.word(.unknown, .unused(isExpired: false)))
                == "Not paid yet: a settlement is signed, and it is not known that a node took it; \(until). On chain: the node "
                + "does not know its transaction, the authorization is unused.")
        #expect(try self.verdict(Self.signed + [.broadcast], self.word(.waiting)).contains("its transaction waits in the pool"))
        let unknown = try self.verdict(Self.signed + [.unknown(reason: "timeout")])
        #expect(unknown.hasPrefix("Not known yet: settlement_pending: timeout"))
    }

    @Test func `not paid, with the reason of both`() throws {
        let failed = Self.signed + [.failed(PaymentRefusal("transaction_failed", detail: "reverted"))]
        #expect(
            try self.verdict(failed, self.word(.reverted(block: 2_001), .unused(isExpired: true)))
                == "Not paid: transaction_failed: reverted. On chain: its transaction reverted in block 2001, the authorization "
                + "ended unused.")
        #expect(try self.verdict([], now: SampleLedger.noon + 300).hasPrefix("Not paid: no settlement was signed before"))
        #expect(
            try self.verdict([.queued, .served, .failed(PaymentRefusal("insufficient_funds"))], policy: .deferred)
                == "Not paid: insufficient_funds. The answer was served: this is what the seller has lost.")
    }

    @Test func `the chain knows of money that the ledger does not`() throws {
        let text = try self.verdict([.failed(PaymentRefusal("x"))], self.word(transfer: SamplePayment.settlement(1)))
        #expect(text.hasPrefix("The chain has it: its money moved in \(SamplePayment.hash(1)), block 2001"))
    }

    @Test func `not charged, and how often it may be tried again`() throws {
        #expect(
            try self.verdict([.released(reason: "status 500")])
                == "Not charged: upstream_failed: status 500. The authorization may be used 2 more times.")
    }

    @Test func `a debt, its refund, and its end`() throws {
        let owed = Self.settled + [.owed(reason: "x")]
        #expect(try self.verdict(owed).contains("the payer is owed 0.001 USDC, to spend as credit or have back by"))
        let written = owed + [.refunding(Refund(to: SamplePayment.payer, units: 1_000, transaction: nil))]
        #expect(try self.verdict(written).hasSuffix("a refund of 0.001 USDC was written for somebody to sign."))
        let paid = written + [.refunded(SamplePayment.settlement(9))]
        #expect(try self.verdict(paid).hasSuffix("0.001 USDC were paid back in \(SamplePayment.hash(9))."))
        let spent = owed + [.drawn(units: 1_000, by: SampleLedger.claim(2).id)]
        #expect(try self.verdict(spent).hasSuffix("the payer has spent it as credit."))
    }

    @Test func `credit moves nothing now`() throws {
        #expect(
            try self.verdict([.settled(.credit), .served])
                == "Paid: 0.001 USDC out of the payer's credit. The whole answer reached the client.")
    }

    // MARK: - References

    private func deposit(
        _ events: [PaymentEvent] = [], counts: Bool = true, now: Int64 = 1_660
    ) throws -> String {
        let claim = SamplePayment.deposit(1, for: SamplePayment.referenceHash(1))
        let bare = Claim(
            key: claim.key, payer: claim.payer, option: claim.option, dialect: claim.dialect, policy: claim.policy,
            payload: claim.payload, route: claim.route, request: claim.request,
            challengeHash: counts ? claim.challengeHash : nil, unusedAtBlock: 1, validBefore: claim.validBefore)
        var record = PaymentRecord(bare, at: 1_000)
        for event in [.settled(SamplePayment.settlement(1)), .owed(reason: "awaits its call")] + events {
            try record.apply(event, at: 1_001)
        }
        let text = PaymentVerdict.text(record, nil, now: now)
        let money = "Paid, as far as the ledger knows: 0.001 USDC in \(SamplePayment.hash(1)). The chain was not asked. "
        return text.hasPrefix(money) ? String(text.dropFirst(money.count)) : text
    }

    @Test func `sent for a reference: kept for its call, spent, left over, or for no reference`() throws {
        #expect(
            try self.deposit() == "It was sent for a reference: 0.001 USDC are kept for its call until 1970-01-01T00:27:40Z.")
        let drawn = PaymentEvent.drawn(units: 400, by: SamplePayment.call(of: SamplePayment.referenceHash(1)).id)
        #expect(try self.deposit([drawn], now: 1_661).hasPrefix("It was sent for a reference that has ended, and this is left"))
        #expect(try self.deposit([drawn], now: 1_661).contains("is owed 0.0006 USDC"))
        let all = PaymentEvent.drawn(units: 1_000, by: SamplePayment.claim(9).id)
        #expect(try self.deposit([all]) == "It was sent for a reference and is spent: its events say on which calls.")
        #expect(try self.deposit(counts: false).hasPrefix("It was sent for a reference and does not count for it: the payer"))
        let gone = try self.deposit([.vanished(reason: "reorganised")], now: 1_661)
        #expect(gone.contains("its reference ended at") && gone.hasSuffix("buys nothing until its money is back."))
    }

    @Test func `bought with a reference`() throws {
        var record = PaymentRecord(SamplePayment.call(of: SamplePayment.referenceHash(1)), at: 1_000)
        for event in [.settled(.credit), .served] as [PaymentEvent] { try record.apply(event, at: 1_001) }
        #expect(
            PaymentVerdict.text(record, nil, now: 1_002)
                == "Paid: 0.001 USDC out of what was sent for its reference. The whole answer reached the client.")
    }
}
