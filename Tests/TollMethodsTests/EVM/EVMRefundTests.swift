// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollCrypto
import TollEVM
import TollMethods
import TollPayments
import TollPrimitives
import TollTestKit

/// Debts paid back: written for somebody to sign, or from a wallet of our own.
@Suite struct EVMRefundTests {
    private static let now = ExactStand.now

    private func write(_ record: PaymentRecord, _ stand: LedgerStand) async throws -> UnsignedRefund {
        try await EVMRefunds.write(record, store: stand.store, at: Self.now)
    }

    private func current(_ record: PaymentRecord, _ stand: LedgerStand) async throws -> PaymentRecord {
        try #require(try await stand.store.record(record.id))
    }

    private func refunds(_ stand: LedgerStand) -> EVMRefunds { EVMRefunds(network: stand.network, store: stand.store) }

    /// The receiver sends a refund by hand; says the transaction.
    private func payByHand(_ units: UInt256, _ stand: LedgerStand) -> String {
        let calldata = ERC20.transfer(to: ExactStand.payer.address, value: units)
        stand.chain.submit(calldata, from: LedgerStand.receiver)
        return Keccak256.hash(calldata).description
    }

    // MARK: Signed elsewhere

    @Test func `the transaction is a plain transfer from the receiver, and the debt cannot be spent`() async throws {
        let stand = LedgerStand()
        let record = try await stand.owed(1)
        let refund = try await self.write(record, stand)
        #expect(refund.from == ExactStand.option.payTo && refund.to == SimulatedEVMChain.token.description)
        #expect(refund.data == ERC20.transfer(to: ExactStand.payer.address, value: 1_000) && refund.chainID == 84_532)
        #expect(refund.json["chainId"] == "0x14a34" && refund.json["value"] == "0x0" && refund.json["amount"] == "1000")
        #expect(refund.json["payment"] == .string(record.id.description) && refund.json["display"] == "0.001 USDC")
        let claim = SamplePayment.claim(50, payer: record.claim.payer)
        #expect(try await stand.store.spendCredit(claim, at: Self.now) == .insufficient)
        // The same again, and not a second one.
        #expect(try await self.write(try await self.current(record, stand), stand) == refund)
        #expect(try await stand.stand.events(record).filter { $0 == "refunding" }.count == 1)
    }

    @Test func `what was spent meanwhile is not written`() async throws {
        let stand = LedgerStand()
        let record = try await stand.owed(1)
        _ = try await stand.store.spendCredit(SamplePayment.claim(50, amount: 400, payer: record.claim.payer), at: Self.now)
        await #expect(throws: StoreError.self) { _ = try await self.write(record, stand) }
        let refund = try await self.write(try await self.current(record, stand), stand)
        #expect(refund.units == 600)
    }

    @Test func `nothing owed, spent, or paid back already: refused with the reason`() async throws {
        let stand = LedgerStand()
        let settled = try await stand.settled(1)
        await #expect(throws: RefundError("payment \(settled.id): nothing is owed for it")) {
            _ = try await self.write(settled, stand)
        }
        let spent = try await stand.owed(2)
        _ = try await stand.store.spendCredit(SamplePayment.claim(50, payer: spent.claim.payer), at: Self.now)
        await #expect(throws: RefundError("payment \(spent.id): the debt was spent as credit")) {
            _ = try await self.write(try await self.current(spent, stand), stand)
        }
    }

    @Test func `a refund is confirmed by the Transfer that paid it, written before or not`() async throws {
        for isWritten in [true, false] {
            let stand = LedgerStand()
            let record = try await stand.owed(1)
            if isWritten { _ = try await self.write(record, stand) }
            let transaction = self.payByHand(1_000, stand)
            let current = try await self.current(record, stand)
            let refunded = try await self.refunds(stand).confirm(current, by: transaction, at: Self.now)
            #expect(refunded.debt?.refunded?.transaction == transaction && refunded.debt?.units == .zero)
            #expect(refunded.debt?.refund?.units == 1_000)
        }
    }

    @Test func `a transaction that is none, another sum, another sender, reverted: each named`() async throws {
        let stand = LedgerStand()
        let record = try await stand.owed(1)
        let refunds = self.refunds(stand)
        await #expect(throws: RefundError.self) { _ = try await refunds.confirm(record, by: "0x12", at: Self.now) }
        await #expect(throws: RefundError.self) { _ = try await refunds.confirm(record, by: SamplePayment.hash(1), at: Self.now) }
        let less = self.payByHand(999, stand)
        await #expect(throws: RefundError.self) { _ = try await refunds.confirm(record, by: less, at: Self.now) }
        let calldata = ERC20.transfer(to: ExactStand.payer.address, value: 1_000)
        stand.chain.mint(1_000, to: LedgerStand.wallet.address)
        stand.chain.submit(calldata, from: LedgerStand.wallet.address)
        let others = Keccak256.hash(calldata).description
        await #expect(throws: RefundError.self) { _ = try await refunds.confirm(record, by: others, at: Self.now) }
        let wallet = [LedgerStand.wallet.address.description]
        let refunded = try await refunds.confirm(record, by: others, from: wallet, at: Self.now)
        #expect(refunded.debt?.refunded != nil)
    }

    @Test func `one Transfer pays one debt back, not two`() async throws {
        let stand = LedgerStand()
        let (first, second) = (try await stand.owed(1), try await stand.owed(2))
        let transaction = self.payByHand(1_000, stand)
        _ = try await self.refunds(stand).confirm(first, by: transaction, at: Self.now)
        await #expect(throws: RefundError.self) {
            _ = try await self.refunds(stand).confirm(second, by: transaction, at: Self.now)
        }
    }

    @Test func `a dropped refund is a debt again, unless the chain has a Transfer like it`() async throws {
        let stand = LedgerStand()
        let record = try await stand.owed(1)
        await #expect(throws: RefundError.self) { _ = try await self.refunds(stand).drop(record, at: Self.now) }
        _ = try await self.write(record, stand)
        let dropped = try await self.refunds(stand).drop(try await self.current(record, stand), at: Self.now)
        #expect(dropped.debt?.isOpen == true && dropped.debt?.units == 1_000)
        _ = try await self.write(dropped, stand)
        let transaction = self.payByHand(1_000, stand)
        let written = try await self.current(record, stand)
        do {
            _ = try await self.refunds(stand).drop(written, at: Self.now)
            Issue.record("dropped what was paid")
        } catch let error as RefundError {
            #expect(error.description.contains(transaction))
        }
    }

    // MARK: The payout wallet

    private func wallet(_ stand: LedgerStand, holding units: UInt256 = 5_000) -> EVMPayoutWallet {
        stand.chain.mint(units, to: LedgerStand.wallet.address)
        return EVMPayoutWallet(
            network: stand.network, store: stand.store, key: LedgerStand.wallet, environment: stand.stand.time.environment)
    }

    @Test func `signed on disk, sent, seen: paid back`() async throws {
        let stand = LedgerStand()
        let record = try await stand.owed(1)
        let wallet = self.wallet(stand)
        let before = stand.chain.balance(of: ExactStand.payer.address)
        let signed = try await wallet.sign(record)
        let transaction = try #require(signed.debt?.refund?.transaction)
        #expect(transaction.nonce == 0 && transaction.signer == LedgerStand.wallet.address.description)
        #expect(stand.chain.balance(of: ExactStand.payer.address) == before)
        guard case .paid(let paid) = try await wallet.pursue(signed, patience: .seconds(5)) else {
            Issue.record("not paid")
            return
        }
        #expect(paid.debt?.refunded?.transaction == transaction.hash)
        #expect(stand.chain.balance(of: ExactStand.payer.address) == before.adding(1_000))
        #expect(try await stand.reconcile(payouts: [LedgerStand.wallet.address]).all.isEmpty)
        // Numbers go on from there.
        let next = try await wallet.sign(try await stand.owed(2))
        #expect(next.debt?.refund?.transaction?.nonce == 1)
    }

    @Test func `a crash between writing and sending is taken up, and sends the same bytes`() async throws {
        let stand = LedgerStand()
        let signed = try await self.wallet(stand).sign(try await stand.owed(1))
        // Another process, later.
        let wallet = EVMPayoutWallet(
            network: stand.network, store: stand.store, key: LedgerStand.wallet, environment: stand.stand.time.environment)
        let found = try await self.current(signed, stand)
        guard case .paid(let paid) = try await wallet.pursue(found, patience: .seconds(5)) else {
            Issue.record("not paid")
            return
        }
        #expect(paid.debt?.refunded?.transaction == signed.debt?.refund?.transaction?.hash)
        await #expect(throws: RefundError.self) { _ = try await wallet.sign(paid) }
        await #expect(throws: RefundError.self) { _ = try await wallet.pursue(paid, patience: .seconds(1)) }
    }

    @Test func `too few tokens and too little for gas are named with what is missing, and nothing is written`() async throws {
        let stand = LedgerStand()
        let record = try await stand.owed(1)
        let poor = self.wallet(stand, holding: 400)
        await #expect(
            throws: RefundError(
                "the payout wallet \(poor.address) holds 0.0004 USDC on eip155:84532, and the refund is 0.001 USDC: 0.0006 USDC "
                    + "are missing")
        ) { _ = try await poor.sign(record) }
        let wallet = self.wallet(stand)
        stand.chain.fund(1_000, LedgerStand.wallet.address)
        do {
            _ = try await wallet.sign(record)
            Issue.record("signed without gas")
        } catch let error as RefundError {
            #expect(error.description.contains("cannot pay the gas") && error.description.contains("missing"))
        }
        #expect(try await self.current(record, stand).debt?.isOpen == true)
    }

    @Test func `a refund that the token refuses is not signed`() async throws {
        let stand = LedgerStand()
        let record = try await stand.owed(1)
        let wallet = self.wallet(stand)
        stand.chain.setFault { method, _ in
            method == "eth_estimateGas" ? .error(code: 3, message: "execution reverted: account is blacklisted") : nil
        }
        await #expect(throws: RefundError.self) { _ = try await wallet.sign(record) }
        #expect(try await self.current(record, stand).debt?.isOpen == true)
    }

    @Test func `a refund that reverts is a debt again`() async throws {
        let stand = LedgerStand()
        let wallet = self.wallet(stand)
        let signed = try await wallet.sign(try await stand.owed(1))
        stand.chain.mint(1, to: LedgerStand.wallet.address)
        guard case .dropped(let reason) = try await wallet.pursue(signed, patience: .seconds(5)) else {
            Issue.record("not dropped")
            return
        }
        #expect(reason.contains("reverted"))
        #expect(try await self.current(signed, stand).debt?.isOpen == true)
    }

    @Test func `what no block has stays under way, and nothing else is sent for it`() async throws {
        let stand = LedgerStand()
        let wallet = self.wallet(stand)
        let signed = try await wallet.sign(try await stand.owed(1))
        stand.chain.isMining = false
        for _ in 1...2 {
            guard case .pending(let hash, _) = try await wallet.pursue(signed, patience: .seconds(3)) else {
                Issue.record("not pending")
                return
            }
            #expect(hash == signed.debt?.refund?.transaction?.hash)
        }
        #expect(try await stand.stand.events(signed).filter { $0 == "refunding" }.count == 1)
        await #expect(throws: RefundError.self) { _ = try await self.refunds(stand).drop(signed, at: Self.now) }
        stand.chain.mine()
        guard case .paid = try await wallet.pursue(signed, patience: .seconds(3)) else {
            Issue.record("not paid")
            return
        }
    }

    @Test func `a number that another transaction has ends the refund, and the debt is open`() async throws {
        let stand = LedgerStand()
        let wallet = self.wallet(stand)
        let signed = try await wallet.sign(try await stand.owed(1))
        let other = EIP1559Transaction(
            chainID: 84_532, nonce: 0, maxPriorityFeePerGas: 1_000_000, maxFeePerGas: 10_000_000, gasLimit: 21_000,
            to: LedgerStand.wallet.address)
        stand.chain.deliver(Hex.encodePrefixed(other.signed(by: LedgerStand.wallet).raw))
        guard case .dropped = try await wallet.pursue(signed, patience: .seconds(5)) else {
            Issue.record("not dropped")
            return
        }
        #expect(try await self.current(signed, stand).debt?.isOpen == true)
    }

    @Test func `where gas became dearer a replacement under the same number is sent, and either one counts`() async throws {
        for newestIsMined in [true, false] {
            let stand = LedgerStand()
            let wallet = self.wallet(stand)
            let signed = try await wallet.sign(try await stand.owed(1))
            let first = try #require(signed.debt?.refund?.transaction)
            stand.chain.isMining = false
            _ = try await wallet.pursue(signed, patience: .seconds(1))
            stand.chain.baseFee = 50_000_000
            guard case .pending(let hash, _) = try await wallet.pursue(signed, patience: .seconds(1)) else {
                Issue.record("not pending")
                return
            }
            #expect(hash != first.hash)
            let replaced = try await self.current(signed, stand)
            #expect(replaced.debt?.refund?.transaction?.excludes(first) == true)
            if !newestIsMined {
                stand.chain.baseFee = 1_000_000
                stand.chain.forgetPool()
                stand.chain.deliver(Hex.encodePrefixed(first.raw))
            }
            stand.chain.mine()
            guard case .paid(let paid) = try await wallet.pursue(replaced, patience: .seconds(3)) else {
                Issue.record("not paid")
                return
            }
            #expect(paid.debt?.refunded?.transaction == (newestIsMined ? hash : first.hash))
        }
    }

    /// A ledger in which something happens when it has just been read.
    private struct Interrupted: WrappingPaymentStore {
        let wrapped: any PaymentStore
        let interrupt: @Sendable () async -> Void

        func events(_ payment: PaymentID) async throws(StoreError) -> [TimedEvent] {
            let events = try await self.wrapped.events(payment)
            await self.interrupt()
            return events
        }
    }

    @Test func `what another command replaced meanwhile, and was mined, has paid the debt back`() async throws {
        let stand = LedgerStand()
        let signed = try await self.wallet(stand).sign(try await stand.owed(1))
        let refund = try #require(signed.debt?.refund)
        let first = try #require(refund.transaction)
        let other = EIP1559Transaction(
            chainID: 84_532, nonce: first.nonce, maxPriorityFeePerGas: 2_000_000, maxFeePerGas: 20_000_000, gasLimit: 200_000,
            to: SimulatedEVMChain.token, data: ERC20.transfer(to: ExactStand.payer.address, value: refund.units)
        ).signed(by: LedgerStand.wallet)
        let dearer = Refund(
            to: refund.to, units: refund.units,
            transaction: SettlementTransaction(
                hash: other.hash.description, raw: other.raw, signer: first.signer, nonce: first.nonce))
        let (chain, store) = (stand.chain, stand.store)
        let before = chain.balance(of: ExactStand.payer.address)
        let isDone = Mutex(false)
        let interrupted = Interrupted(wrapped: store) {
            let isFirst = isDone.withLock { isDone in
                defer { isDone = true }
                return !isDone
            }
            guard isFirst else { return }
            _ = try? await store.append(
                [.refundDropped(reason: "replaced"), .refunding(dearer)], to: signed.id, at: Self.now)
            chain.deliver(Hex.encodePrefixed(other.raw))
        }
        let wallet = EVMPayoutWallet(
            network: stand.network, store: interrupted, key: LedgerStand.wallet, environment: stand.stand.time.environment)
        guard case .paid(let paid) = try await wallet.pursue(signed, patience: .seconds(5)) else {
            Issue.record("not paid")
            return
        }
        #expect(paid.debt?.refunded?.transaction == other.hash.description)
        #expect(chain.balance(of: ExactStand.payer.address) == before.adding(refund.units))
    }

    @Test func `a debt whose earlier refund may still be mined is not paid back again`() async throws {
        let stand = LedgerStand()
        let wallet = self.wallet(stand)
        let signed = try await wallet.sign(try await stand.owed(1))
        let dropped = try await stand.append([.refundDropped(reason: "by hand")], to: signed)
        let before = stand.chain.balance(of: ExactStand.payer.address)
        await #expect(throws: RefundError.self) { _ = try await wallet.sign(dropped) }
        stand.chain.deliver(Hex.encodePrefixed(try #require(signed.debt?.refund?.transaction).raw))
        await #expect(throws: RefundError.self) { _ = try await wallet.sign(dropped) }
        #expect(stand.chain.balance(of: ExactStand.payer.address) == before.adding(1_000))
    }

    @Test func `another key than the one that signed pursues nothing`() async throws {
        let stand = LedgerStand()
        let signed = try await self.wallet(stand).sign(try await stand.owed(1))
        let other = EVMPayoutWallet(
            network: stand.network, store: stand.store, key: ExactStand.signer, environment: stand.stand.time.environment)
        await #expect(throws: RefundError.self) { _ = try await other.pursue(signed, patience: .seconds(1)) }
    }
}
