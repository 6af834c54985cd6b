// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollPrimitives
import TollTestKit

@testable import tollgate

/// The payout wallet never pays more in a day than it may, by the ledger's own count.
@Suite struct PayoutLimitTests {
    private static let noon = SampleLedger.noon

    private func limit(_ dollars: String = "$0.003") throws -> PayoutLimit {
        let text = Fixture.text(top: "payouts: {signer: env:OTHER_KEY, max_per_day: \(dollars)}")
        let configuration = try #require(Fixture.read(text).configuration)
        return PayoutLimit(try #require(configuration.payouts), networks: configuration.networks)
    }

    private func refund(_ number: Int, at time: Int64, signed: Bool = true, in store: MemoryPaymentStore) async throws {
        try await SampleLedger.settle(number, [.owed(reason: "x")], at: Self.noon - 90_000, in: store)
        let transaction = signed ? SamplePayment.transaction(number) : nil
        let refund = Refund(to: SamplePayment.payer, units: 1_000, transaction: transaction)
        try await store.append([.refunding(refund)], to: SampleLedger.claim(number).id, at: time)
    }

    @Test func `what was signed in the last day counts, sent or not, and nothing else`() async throws {
        let store = MemoryPaymentStore()
        try await self.refund(1, at: Self.noon - 10, in: store)
        try await self.refund(2, at: Self.noon - 86_399, in: store)
        try await self.refund(3, at: Self.noon - 86_400, in: store)
        try await self.refund(4, at: Self.noon, signed: false, in: store)
        try await self.refund(5, at: Self.noon, in: store)
        try await store.append([.refundDropped(reason: "reverted")], to: SampleLedger.claim(5).id, at: Self.noon)
        try await store.append([.refunded(SamplePayment.settlement(9))], to: SampleLedger.claim(1).id, at: Self.noon)
        let limit = try self.limit()
        #expect(try await limit.signed(in: store, now: Self.noon) == 2_000)
        #expect(limit.objection(to: 1_000, of: SamplePayment.asset, signed: 2_000) == nil)
        #expect(
            limit.objection(to: 1_001, of: SamplePayment.asset, signed: 2_000)
                == "`payouts.max_per_day` is $0.003, $0.002 were paid out in the last 24 hours, and this is $0.001001; wait, or "
                + "write it with `--unsigned`")
    }

    @Test func `what is not known to be worth a dollar is not paid out`() throws {
        let euro = Asset(
            network: Fixture.base, address: "0x60a3E35Cc302bFA44Cb288Bc5a4F316Fdb1adb42", symbol: "EURC", decimals: 6,
            domainName: "EURC", domainVersion: "2")
        #expect(try self.limit().objection(to: 1, of: euro, signed: 0)?.contains("not known to be worth a dollar") == true)
    }

    @Test(
        arguments: [
            (1_000, 6, 1_000), (1, 18, 1), (1_000_000_000_000, 18, 1), (1_000_000_000_001, 18, 2), (5, 2, 50_000), (0, 18, 0),
        ] as [(UInt64, Int, Int64)])
    func `units are counted in millionths of a dollar, rounded up`(units: UInt64, decimals: Int, millionths: Int64) {
        #expect(PayoutLimit.millionths(UInt256(units), decimals: decimals) == millionths)
    }

    @Test func `sums that no number holds are over any limit`() throws {
        #expect(PayoutLimit.millionths(.max, decimals: 6) == .max)
        #expect(try self.limit("$9000000000000").objection(to: .max, of: SamplePayment.asset, signed: .max) != nil)
    }
}
