// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollEVM
import TollMethods
import TollPayments
import TollPrimitives
import TollTestKit

/// The ledger against the chain: what agrees, and the name of everything that does not.
@Suite struct EVMReconciliationTests {
    private static let token = SimulatedEVMChain.token

    private func kinds(_ report: EVMReconciliation.Report) -> [LedgerDifference.Kind] { report.all.map(\.kind) }

    @Test func `settled payments agree to the unit, from the first block that can have one`() async throws {
        let stand = LedgerStand()
        stand.chain.mine(blocks: 5)
        for nonce in 1...3 { _ = try await stand.settled(nonce) }
        let report = try await stand.reconcile()
        #expect(report.all.isEmpty && report.settlementCount == 3)
        #expect(report.received[Self.token]?.ledger.units == 3_000)
        #expect(report.received[Self.token]?.chain == report.received[Self.token]?.ledger)
        #expect(report.blocks == 1_006...1_008)
    }

    @Test func `two equal payments in one transaction are told apart by their logs`() async throws {
        let stand = LedgerStand()
        for nonce in 1...2 { _ = try await stand.stand.claimed(ExactStand.payload(nonce: nonce)) }
        try stand.batch(1, 2)
        let rebuilt = try await stand.rebuild(stand.store, from: 1_001)
        #expect(rebuilt.updated.count == 2 && rebuilt.added.isEmpty)
        let places = try await stand.store.records(PaymentQuery(in: [.settled], limit: 9)).compactMap(\.settlement)
        #expect(Set(places.map(\.transaction)).count == 1 && Set(places.map(\.logIndex)).count == 2)
        let report = try await stand.reconcile()
        #expect(report.all.isEmpty && report.received[Self.token]?.chain.count == 2)
    }

    @Test func `two payments that claim one Transfer are a difference`() async throws {
        let stand = LedgerStand()
        let first = try await stand.settled(1)
        let second = try await stand.stand.claimed(ExactStand.payload(nonce: 2))
        _ = try await stand.append([.settled(first.settlement!)], to: second)
        let report = try await stand.reconcile()
        #expect(self.kinds(report) == [.sharedTransfer])
        #expect(report.differences[0].payment == second.id || report.differences[0].payment == first.id)
    }

    @Test func `a settlement that the chain does not have is a difference with everything to find it`() async throws {
        let stand = LedgerStand()
        _ = try await stand.settled(1)
        let record = try await stand.stand.claimed(ExactStand.payload(nonce: 2))
        _ = try await stand.append([.settled(SamplePayment.settlement(0))], to: record)
        stand.chain.mine(blocks: 1_200)
        let report = try await stand.reconcile()
        let difference = try #require(report.differences.first)
        #expect(report.differences.count == 1 && difference.kind == .missingOnChain && difference.payment == record.id)
        #expect(difference.transaction == SamplePayment.hash(0) && difference.units == 1_000 && difference.block == 2_000)
        #expect(difference.message.contains(record.id.description) && !difference.remedy.isEmpty)
        #expect(report.received[Self.token]?.ledger.count == 2 && report.received[Self.token]?.chain.count == 1)
    }

    @Test func `what our signer moved and the ledger does not know is a difference; from others it is a notice`() async throws {
        let stand = LedgerStand()
        _ = try await stand.settled(1)
        let ours = stand.chain.submit(payload: ExactStand.payload(nonce: 2), from: ExactStand.signer.address)
        let others = stand.chain.submit(payload: ExactStand.payload(nonce: 3))
        let report = try await stand.reconcile()
        #expect(self.kinds(report) == [.notInLedger, .unattributed])
        #expect(report.all.map(\.transaction) == [ours?.description, others?.description])
        #expect(report.differences[0].remedy.contains("rebuild --from-block 1002"))
    }

    @Test func `money of a payment that is under way is a notice, of one that failed a difference`() async throws {
        let stand = LedgerStand()
        let waiting = try await stand.stand.claimed(ExactStand.payload(nonce: 1))
        let failed = try await stand.stand.claimed(ExactStand.payload(nonce: 2))
        _ = try await stand.append([.failed(PaymentRefusal("expired"))], to: failed)
        _ = stand.chain.submit(payload: ExactStand.payload(nonce: 1))
        _ = stand.chain.submit(payload: ExactStand.payload(nonce: 2))
        let report = try await stand.reconcile()
        #expect(self.kinds(report) == [.underWay, .notSettledInLedger])
        #expect(report.all.map(\.payment) == [waiting.id, failed.id])
    }

    @Test func `a payment settled elsewhere than the ledger says is one difference, not two`() async throws {
        let stand = LedgerStand()
        let record = try await stand.settled(1)
        let place = try #require(record.settlement)
        let wrong = Settlement(transaction: SamplePayment.hash(7), block: place.block, logIndex: place.logIndex)
        _ = try await stand.append([.vanished(reason: "moved"), .settled(wrong)], to: record)
        let report = try await stand.reconcile()
        #expect(self.kinds(report) == [.settledElsewhere] && report.all[0].payment == record.id)
        // A payment whose block was taken is under way until the gateway has looked.
        _ = try await stand.append([.vanished(reason: "moved")], to: record)
        #expect(self.kinds(try await stand.reconcile()) == [.underWay])
    }

    @Test func `blocks outside of the range are no differences, and later settlements are counted`() async throws {
        let stand = LedgerStand()
        for nonce in 1...3 { _ = try await stand.settled(nonce) }
        let last = try await stand.reconcile(from: 1_003)
        #expect(last.all.isEmpty && last.settlementCount == 1 && last.laterCount == 0)
        let first = try await stand.reconcile(from: 1_001, to: .block(1_001))
        #expect(first.all.isEmpty && first.settlementCount == 1 && first.laterCount == 2)
        #expect(try await stand.reconcile(from: 5_000).blocks == nil)
    }

    @Test func `up to the finalized block, and without one up to the newest with a notice`() async throws {
        let stand = LedgerStand()
        _ = try await stand.settled(1)
        #expect(try await stand.reconcile(to: .finalized).all.isEmpty)
        stand.chain.setFault { method, params in
            method == "eth_getBlockByNumber" && params.first?.string == "finalized"
                ? .error(code: -32_000, message: "finalized block not supported") : nil
        }
        let report = try await stand.reconcile(to: .finalized)
        #expect(self.kinds(report) == [.notFinalized] && report.differences.isEmpty && report.settlementCount == 1)
    }

    @Test func `credit moves no money, and a refund moves it back`() async throws {
        let stand = LedgerStand()
        let owed = try await stand.owed(1)
        let claim = SamplePayment.claim(50, payer: owed.claim.payer)
        guard case .first = try await stand.store.spendCredit(claim, at: ExactStand.now) else {
            Issue.record("no credit")
            return
        }
        let refunded = try await stand.owed(2)
        _ = try await EVMRefunds.write(refunded, store: stand.store, at: ExactStand.now)
        let calldata = ERC20.transfer(to: ExactStand.payer.address, value: 1_000)
        stand.chain.submit(calldata, from: LedgerStand.receiver)
        // The seller's own business is none of ours.
        stand.chain.submit(ERC20.transfer(to: ExactStand.signer.address, value: 1), from: LedgerStand.receiver)
        #expect(self.kinds(try await stand.reconcile()) == [.refundUnconfirmed])
        let transaction = Keccak256.hash(calldata).description
        let record = try #require(try await stand.store.record(refunded.id))
        _ = try await EVMRefunds(network: stand.network, store: stand.store)
            .confirm(record, by: transaction, at: ExactStand.now)
        let report = try await stand.reconcile()
        #expect(report.all.isEmpty && report.settlementCount == 2)
        #expect(report.refunded[Self.token]?.chain.units == 1_000 && report.refunded[Self.token]?.ledger.units == 1_000)
    }

    @Test func `what the payout wallet sent and the ledger does not know is a difference`() async throws {
        let stand = LedgerStand()
        let wallet = LedgerStand.wallet.address
        _ = try await stand.settled(1)
        stand.chain.mint(500, to: wallet)
        stand.chain.submit(ERC20.transfer(to: ExactStand.payer.address, value: 5), from: wallet)
        stand.chain.submit(ERC20.transfer(to: LedgerStand.receiver, value: 6), from: wallet)
        let report = try await stand.reconcile(payouts: [wallet])
        #expect(self.kinds(report) == [.payoutNotInLedger] && report.all[0].units == 5)
    }

    @Test func `refunds that a restored ledger has forgotten are named with the debts they paid`() async throws {
        let stand = LedgerStand()
        let (first, second) = (try await stand.owed(1), try await stand.settled(2))
        let wallet = LedgerStand.wallet.address
        stand.chain.mint(500, to: wallet)
        stand.chain.submit(ERC20.transfer(to: ExactStand.payer.address, value: 1_000), from: LedgerStand.receiver)
        let notice = try #require(try await stand.reconcile(payouts: [wallet]).all.first)
        #expect(notice.kind == .refundUnconfirmed && notice.payment == first.id && notice.remedy.contains("--confirm"))
        _ = try await stand.append(
            [.owed(reason: "x"), .drawn(units: 600, by: SamplePayment.claim(50).id)], to: second)
        stand.chain.submit(ERC20.transfer(to: ExactStand.payer.address, value: 400), from: wallet)
        let difference = try #require(try await stand.reconcile(payouts: [wallet]).differences.first)
        #expect(difference.kind == .payoutNotInLedger && difference.payment == second.id)
    }

    @Test func `a facilitator's settlement without a place is found by its transaction`() async throws {
        let stand = LedgerStand()
        let record = try await stand.stand.claimed(ExactStand.payload(nonce: 1))
        let hash = try #require(stand.chain.submit(payload: ExactStand.payload(nonce: 1)))
        _ = try await stand.append([.settled(Settlement(transaction: hash.description, block: 0, logIndex: 0))], to: record)
        let other = try await stand.stand.claimed(ExactStand.payload(nonce: 2))
        _ = try await stand.append([.settled(Settlement(transaction: SamplePayment.hash(3), block: 0, logIndex: 0))], to: other)
        let report = try await stand.reconcile()
        #expect(self.kinds(report) == [.missingOnChain] && report.all[0].payment == other.id)
    }

    @Test func `a node that gives no logs is an error, never agreement`() async throws {
        let stand = LedgerStand()
        _ = try await stand.settled(1)
        stand.chain.setFault { method, _ in method == "eth_getLogs" ? .error(code: -32_005, message: "limit exceeded") : nil }
        await #expect(throws: RPCError.self) { try await stand.reconcile() }
    }

    @Test func `a node that takes short ranges only is asked in short ranges`() async throws {
        let stand = LedgerStand()
        _ = try await stand.settled(1)
        stand.chain.mine(blocks: 400)
        _ = try await stand.settled(2)
        stand.chain.setFault { method, params in
            guard method == "eth_getLogs", let filter = params.first,
                let first = filter["fromBlock"]?.string.flatMap({ UInt256(hex: $0)?.uint64 }),
                let last = filter["toBlock"]?.string.flatMap({ UInt256(hex: $0)?.uint64 }), last - first > 99
            else { return nil }
            return .error(code: -32_000, message: "block range is too wide")
        }
        let report = try await stand.reconcile()
        #expect(report.all.isEmpty && report.settlementCount == 2)
    }
}
