// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollEVM
import TollPayments
import TollPrimitives
import TollRuntime
import TollTestKit

@testable import TollMethods

/// Money that somebody sent by itself, after it is in the ledger.
@Suite struct DepositsTests {
    private static let reference = Keccak256.hash(text: "a reference")
    private static let sender = ExactStand.payer.address

    /// A transfer of the payer's, mined; gives its receipt.
    private func sent(_ units: UInt256, _ stand: LedgerStand, to recipient: Address = LedgerStand.receiver) async throws
        -> TransactionReceipt
    {
        let calldata = ERC20.transfer(to: recipient, value: units)
        stand.chain.submit(calldata, from: Self.sender)
        return try #require(try await stand.chain.client().ask(.receipt(of: Keccak256.hash(calldata))))
    }

    /// The deposit of the first Transfer in a receipt.
    private func deposit(
        _ receipt: TransactionReceipt, _ stand: LedgerStand, for reference: Bytes32? = reference,
        ends: Int64 = ExactStand.now + 60
    ) async throws -> PaymentRecord {
        let transfer = try #require(ERC20.Transfer(receipt.logs[0]))
        let claim = Claim(
            key: .deposit(
                network: ExactStand.option.network, asset: transfer.token.description, payer: transfer.from.description,
                transaction: receipt.transactionHash.description, position: 0),
            payer: transfer.from.description,
            option: PaymentOption(
                scheme: "transfer-proof", asset: ExactStand.option.asset, amount: transfer.value,
                payTo: transfer.to.description, maxTimeoutSeconds: 600),
            dialect: "transfer-proof", policy: .before, payload: [:], route: "/paid/*",
            request: RequestIdentity(digest: nil, isRepeatable: false), challengeHash: reference,
            unusedAtBlock: receipt.blockNumber - 1, validBefore: ends)
        let settlement = Settlement(
            transaction: receipt.transactionHash.description, block: receipt.blockNumber,
            logIndex: receipt.logs[0].logIndex ?? 0, blockHash: receipt.blockHash.description)
        guard
            case .first(let record) = try await stand.store.deposit(
                claim, settlement, reason: "awaits its call", at: ExactStand.now)
        else { throw ExactStand.Unverified() }
        return record
    }

    private func watcher(_ stand: LedgerStand) -> ChainWatcher {
        ChainWatcher(
            networks: [stand.stand.network], store: stand.store, environment: stand.stand.time.environment, log: .silent)
    }

    private func current(_ record: PaymentRecord, _ stand: LedgerStand) async throws -> PaymentRecord {
        try #require(try await stand.store.record(record.id))
    }

    // MARK: - Reorganisations

    @Test func `a deposit that a reorganisation took is nobody's money until another block has it`() async throws {
        let stand = LedgerStand()
        stand.chain.finalityDepth = 50
        let record = try await self.deposit(try await self.sent(1_000, stand), stand)
        let watcher = self.watcher(stand)
        await watcher.watch()
        #expect(try await self.current(record, stand) == record)

        stand.chain.reorganise(depth: 1, returnsTransactions: false)
        await watcher.watch()
        var found = try await self.current(record, stand)
        #expect(found.phase == .unknown && found.debt?.isSuspended == true)
        let call = SamplePayment.call(of: Self.reference, payer: Self.sender.description)
        #expect(try await stand.store.spendCredit(call, at: ExactStand.now) == .insufficient)

        stand.chain.mine(blocks: 2)
        let again = try await self.sent(1_000, stand)
        await watcher.watch()
        found = try await self.current(record, stand)
        #expect(found.phase == .settled && found.settlement?.block == again.blockNumber && found.debt?.isOpen == true)
        #expect(found.settlement?.blockHash == again.blockHash.description)
    }

    @Test func `what is to lie deeper is not back before it does`() async throws {
        let stand = LedgerStand()
        stand.chain.finalityDepth = 50
        let record = try await self.deposit(try await self.sent(1_000, stand), stand)
        let network = ExactEVMNetwork(
            chain: ExactStand.option.network, client: stand.chain.client(), signers: nil, confirmations: .blocks(3))
        let watcher = ChainWatcher(
            networks: [network], store: stand.store, environment: stand.stand.time.environment, log: .silent)
        try await stand.store.append([.vanished(reason: "x")], to: record.id, at: ExactStand.now)
        await watcher.watch()
        #expect(try await self.current(record, stand).phase == .unknown)
        stand.chain.mine(blocks: 2)
        await watcher.watch()
        #expect(try await self.current(record, stand).phase == .settled)
    }

    @Test func `a transaction that no block has for a day is given up`() async throws {
        let stand = LedgerStand()
        stand.chain.finalityDepth = 50
        let record = try await self.deposit(try await self.sent(1_000, stand), stand)
        let watcher = self.watcher(stand)
        stand.chain.reorganise(depth: 1, returnsTransactions: false)
        await watcher.watch()
        stand.stand.time.advance(by: .seconds(86_400))
        await watcher.watch()
        #expect(try await self.current(record, stand).phase == .unknown)
        stand.stand.time.advance(by: .seconds(1))
        await watcher.watch()
        let lost = try await self.current(record, stand)
        #expect(lost.phase == .failed && lost.failure?.reason == "deposit_vanished" && lost.debt == nil)
    }

    @Test(arguments: [true, false])
    func `a transaction that moves something else now is given up when that is final`(reverts: Bool) async throws {
        let stand = LedgerStand()
        stand.chain.finalityDepth = 50
        let record = try await self.deposit(try await self.sent(1_000, stand), stand)
        let watcher = self.watcher(stand)
        stand.chain.reorganise(depth: 1, returnsTransactions: false)
        await watcher.watch()
        // The same bytes in another state: from an account that has nothing any more, or from another's.
        stand.chain.mint(reverts ? 0 : 5_000, to: reverts ? Self.sender : LedgerStand.wallet.address)
        stand.chain.submit(
            ERC20.transfer(to: LedgerStand.receiver, value: 1_000), from: reverts ? Self.sender : LedgerStand.wallet.address)
        await watcher.watch()
        #expect(try await self.current(record, stand).phase == .unknown)
        stand.chain.finalityDepth = 0
        await watcher.watch()
        #expect(try await self.current(record, stand).phase == .failed)
    }

    @Test func `nobody settles a deposit that has vanished, nor what was bought with one`() async throws {
        let stand = LedgerStand()
        let record = try await self.deposit(try await self.sent(1_000, stand), stand)
        let call = SamplePayment.call(of: Self.reference, asset: ExactStand.option.asset, payer: Self.sender.description)
        guard case .first(let bought) = try await stand.store.spendCredit(call, at: ExactStand.now) else {
            throw ExactStand.Unverified()
        }
        let lost = try await stand.append([.vanished(reason: "x")], to: record)
        for payment in [lost, bought] {
            #expect(throws: PaymentRefusal.self) { try DuePayment(payment) }
            #expect(!payment.isOurs)
        }
        let before = stand.chain.methods.count
        await stand.stand.exact.recovery.takeUp()
        #expect(stand.chain.methods.count == before && stand.chain.transactionCount == 1)
        #expect(try await self.current(record, stand) == lost)
    }

    // MARK: - Refunds

    @Test func `what can still buy its call is not paid back, and then it is`() async throws {
        let stand = LedgerStand()
        let ends = ExactStand.now + 60
        let record = try await self.deposit(try await self.sent(1_000, stand), stand, ends: ends)
        let error = await #expect(throws: RefundError.self) {
            _ = try await EVMRefunds.write(record, store: stand.store, at: ends)
        }
        #expect(error?.description.contains("can buy its call until") == true)
        #expect(record.awaitsCall(at: ends) && !record.awaitsCall(at: ends + 1))
        let refund = try await EVMRefunds.write(record, store: stand.store, at: ends + 1)
        #expect(refund.units == 1_000 && refund.payer == Self.sender.description)
    }

    @Test func `what counts for no reference is paid back at any time`() async throws {
        let stand = LedgerStand()
        let record = try await self.deposit(try await self.sent(1_000, stand), stand, for: nil)
        #expect(try await EVMRefunds.write(record, store: stand.store, at: ExactStand.now).units == 1_000)
    }

    // MARK: - Reconciliation

    @Test func `every deposit is one Transfer, to its unit, also at an address of its own`() async throws {
        let stand = LedgerStand()
        let own = Address(UInt256(77).word)!
        for (units, recipient) in [(700, LedgerStand.receiver), (800, own)] as [(UInt256, Address)] {
            _ = try await self.deposit(try await self.sent(units, stand, to: recipient), stand)
        }
        // What the seller collects from its own address is no payment.
        stand.chain.submit(ERC20.transfer(to: LedgerStand.receiver, value: 800), from: own)
        let report = try await stand.reconcile()
        #expect(report.all == [])
        #expect(report.received[SimulatedEVMChain.token]?.chain.units == 1_500)
        #expect(report.received[SimulatedEVMChain.token]?.ledger.units == 1_500)
    }

    @Test func `what arrived at an address of a reference and is not in the ledger is seen`() async throws {
        let stand = LedgerStand()
        let own = Address(UInt256(77).word)!
        let reference = SamplePayment.reference(1, binding: .address(series: "x", index: 0), payTo: own.description)
        _ = try await stand.store.open(reference, startingAt: 0, limit: 9, at: ExactStand.now)
        stand.chain.mine(blocks: 2)
        let receipt = try await self.sent(700, stand, to: own)
        let report = try await stand.reconcile(from: 1_001)
        #expect(report.all.map(\.kind) == [.unattributed])
        // One that vanished is under way where the chain has it, and missing where it does not.
        let record = try await self.deposit(receipt, stand)
        _ = try await stand.append([.vanished(reason: "x")], to: record)
        #expect(try await stand.reconcile(from: 1_001).all.map(\.kind) == [.underWay])
        let settled = Settlement(transaction: SamplePayment.hash(1), block: receipt.blockNumber, logIndex: 0, blockHash: "0x1")
        _ = try await stand.append([.settled(settled)], to: record)
        #expect(try await stand.reconcile(from: 1_001).differences.map(\.kind) == [.settledElsewhere])
    }

    @Test func `the chain's word on a deposit is its own log`() async throws {
        let stand = LedgerStand()
        let record = try await self.deposit(try await self.sent(1_000, stand), stand)
        let word = try await EVMPaymentWitness(network: stand.network).word(on: record)
        #expect(word.transfer == record.settlement && word.authorization == .unreadable)
        #expect(word.transactions.map(\.state) == [.mined(block: record.settlement?.block ?? 0)])
        let lost = try await stand.append([.vanished(reason: "x")], to: record)
        let again = try await EVMPaymentWitness(network: stand.network).word(on: lost)
        #expect(again.transfer == record.settlement)
    }
}
