// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol
import TollTestKit

/// Planted: works in memory, and writes a payment to the disk when its answer has been served.
struct WriteBehindStore: WrappingPaymentStore {
    private let memory = MemoryPaymentStore()
    private let held = Shared<[PaymentID: [PaymentEvent]]>([:])
    private let disk: SimulatedStore

    var wrapped: any PaymentStore { self.disk }

    init(disk: SimulatedStore) { self.disk = disk }

    func claim(_ claim: Claim, deferral: DeferralTerms?, at time: Int64) async throws(StoreError) -> ClaimOutcome {
        if let record = try await self.disk.record(claim.id) { return .held(record) }
        let outcome = try await self.memory.claim(claim, deferral: deferral, at: time)
        if case .first = outcome { self.hold([LedgerEntry(claim.id, [.claimed(claim)])]) }
        return outcome
    }

    @discardableResult
    func append(_ entries: [LedgerEntry], at time: Int64) async throws(StoreError) -> [PaymentRecord] {
        guard self.isHeld(entries.first?.payment) else { return try await self.disk.append(entries, at: time) }
        let records = try await self.memory.append(entries, at: time)
        self.hold(entries)
        for (entry, record) in zip(entries, records) where entry.events.contains(.served) {
            guard let all = self.held.withLock({ $0.removeValue(forKey: entry.payment) }) else { continue }
            _ = try await self.disk.claim(record.claim, at: time)
            try await self.disk.append(Array(all.dropFirst()), to: entry.payment, at: time)
        }
        return records
    }

    func sign(
        as account: SignerAccount, at time: Int64, _ entries: @escaping @Sendable (_ number: UInt64) -> [LedgerEntry]
    ) async throws(StoreError) -> [PaymentRecord] {
        try await self.memory.sign(as: account, at: time) { number in
            let entries = entries(number)
            self.hold(entries)
            return entries
        }
    }

    func record(_ payment: PaymentID) async throws(StoreError) -> PaymentRecord? {
        self.isHeld(payment) ? try await self.memory.record(payment) : try await self.disk.record(payment)
    }

    private func hold(_ entries: [LedgerEntry]) {
        self.held.withLock { held in
            for entry in entries { held[entry.payment, default: []] += entry.events }
        }
    }

    private func isHeld(_ payment: PaymentID?) -> Bool {
        payment.map { payment in self.held.withLock { $0[payment] != nil } } ?? false
    }
}

/// Planted: hands a signed transaction to a node while the ledger is still at writing it down.
struct EarlySendStore: WrappingPaymentStore {
    let disk: SimulatedStore
    let world: World

    var wrapped: any PaymentStore { self.disk }

    @discardableResult
    func append(_ entries: [LedgerEntry], at time: Int64) async throws(StoreError) -> [PaymentRecord] {
        self.send(entries)
        return try await self.disk.append(entries, at: time)
    }

    func sign(
        as account: SignerAccount, at time: Int64, _ entries: @escaping @Sendable (_ number: UInt64) -> [LedgerEntry]
    ) async throws(StoreError) -> [PaymentRecord] {
        try await self.disk.sign(as: account, at: time) { number in
            let entries = entries(number)
            self.send(entries)
            return entries
        }
    }

    private func send(_ entries: [LedgerEntry]) {
        for case .signed(let signed) in entries.flatMap(\.events) {
            guard let transaction = self.world.chain.decode(signed.raw) else { continue }
            self.world.observer.noteSent(transaction, by: self.disk.process)
            let method = "eth_sendRawTransaction"
            _ = self.world.chain.answer(method, [SimulatedChain.data(signed.raw)], node: 0, at: self.world.executor.now)
        }
    }
}

/// Planted: what is not settled in time is signed and sent again under another number.
struct ResigningMethod: PaymentMethod {
    let method: ExactEVM
    let network: ExactEVMNetwork
    let process: SimulatedProcess
    let world: World

    func takes(_ option: PaymentOption) -> Bool { self.method.takes(option) }

    func verify(_ credential: Credential, at time: Int64, freshness: Freshness) async -> Verification {
        await self.method.verify(credential, at: time, freshness: freshness)
    }

    func settle(
        _ payment: PaymentRecord, keeping events: [PaymentEvent], patience: Duration
    ) async -> SettlementOutcome {
        let outcome = await self.method.settle(payment, keeping: events, patience: patience)
        guard case .pending = outcome, let payload = try? ExactEVMPayload(payment.claim.payload), let key = payload.key,
            let to = Address(hex: payload.authorization.to), let signers = self.network.signers,
            case let signer = signers.next(),
            let number = try? await self.network.client.ask(.transactionCount(of: signer.address, at: .pending))
        else { return outcome }
        let authorization = EIP3009.Authorization(
            from: key.account, to: to, value: payload.authorization.value, validAfter: payload.authorization.validAfter,
            validBefore: payload.authorization.validBefore, nonce: key.nonce)
        let signed = EIP1559Transaction(
            chainID: ChainMachine.chainID, nonce: number, maxPriorityFeePerGas: 2_000_000_000,
            maxFeePerGas: 9_000_000_000, gasLimit: 200_000, to: ChainMachine.token,
            data: authorization.calldata(signature: payload.signature)
        ).signed(by: signer.key)
        let transaction = SettlementTransaction(
            hash: signed.hash.description, raw: signed.raw, signer: signer.address.description, nonce: number)
        self.world.disk.noteDurable(payment.id, [.signed(transaction)], by: self.process)
        _ = try? await self.network.client.send(signed.raw)
        return outcome
    }
}

/// Planted: makes a deposit of one Transfer for each reference that it is shown for.
struct DoubleCountingStore: WrappingPaymentStore {
    let disk: SimulatedStore

    var wrapped: any PaymentStore { self.disk }

    func deposit(
        _ claim: Claim, _ settlement: Settlement, reason: String, at time: Int64
    ) async throws(StoreError) -> ClaimOutcome {
        let key = claim.key
        let nonce = "\(key.nonce)/\(claim.challengeHash.map { $0.hex } ?? "")"
        let other = Claim(
            key: PaymentKey(network: key.network, asset: key.asset, payer: key.payer, nonce: nonce), payer: claim.payer,
            option: claim.option, dialect: claim.dialect, policy: claim.policy, payload: claim.payload, route: claim.route,
            request: claim.request, challengeHash: claim.challengeHash, unusedAtBlock: claim.unusedAtBlock,
            validBefore: claim.validBefore)
        return try await self.disk.deposit(other, settlement, reason: reason, at: time)
    }
}
