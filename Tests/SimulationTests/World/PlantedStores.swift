// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollEVM
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol

/// Planted: works in memory, and writes a payment to the disk when its answer has been served.
struct WriteBehindStore: PaymentStore {
    let disk: SimulatedStore
    private let memory = MemoryPaymentStore()
    private let held = Held()

    private final class Held: Sendable {
        let events = Mutex<[PaymentID: [PaymentEvent]]>([:])
    }

    init(disk: SimulatedStore) { self.disk = disk }

    func claim(_ claim: Claim, at time: Int64) async throws(StoreError) -> ClaimOutcome {
        if let record = try await self.disk.record(claim.id) { return .held(record) }
        let outcome = try await self.memory.claim(claim, at: time)
        if case .first = outcome { self.held.events.withLock { $0[claim.id, default: []].append(.claimed(claim)) } }
        return outcome
    }

    @discardableResult
    func append(_ events: [PaymentEvent], to payment: PaymentID, at time: Int64) async throws(StoreError) -> PaymentRecord {
        guard self.held.events.withLock({ $0[payment] != nil }) else {
            return try await self.disk.append(events, to: payment, at: time)
        }
        let record = try await self.memory.append(events, to: payment, at: time)
        self.held.events.withLock { $0[payment]?.append(contentsOf: events) }
        guard events.contains(.served), let all = self.held.events.withLock({ $0.removeValue(forKey: payment) }) else {
            return record
        }
        _ = try await self.disk.claim(record.claim, at: time)
        return try await self.disk.append(Array(all.dropFirst()), to: payment, at: time)
    }

    func record(_ payment: PaymentID) async throws(StoreError) -> PaymentRecord? {
        guard self.held.events.withLock({ $0[payment] != nil }) else { return try await self.disk.record(payment) }
        return try await self.memory.record(payment)
    }

    func answer(_ payment: PaymentID) async throws(StoreError) -> StoredAnswer? { try await self.disk.answer(payment) }

    func events(_ payment: PaymentID) async throws(StoreError) -> [TimedEvent] { try await self.disk.events(payment) }

    func records(in phases: Set<PaymentRecord.Phase>, since: Int64, limit: Int) async throws(StoreError) -> [PaymentRecord] {
        try await self.disk.records(in: phases, since: since, limit: limit)
    }

    func pruneAnswers(endedBefore time: Int64) async throws(StoreError) -> Int {
        try await self.disk.pruneAnswers(endedBefore: time)
    }
}

/// Planted: says that a signed transaction is written, and writes it a little later.
struct SlowRecordStore: PaymentStore {
    let disk: SimulatedStore
    private let held = Held()

    private final class Held: Sendable {
        let records = Mutex<[PaymentID: PaymentRecord]>([:])
    }

    init(disk: SimulatedStore) { self.disk = disk }

    @discardableResult
    func append(_ events: [PaymentEvent], to payment: PaymentID, at time: Int64) async throws(StoreError) -> PaymentRecord {
        while self.held.records.withLock({ $0[payment] != nil }) {
            guard self.disk.process.isAlive else { throw .unavailable("the process is dead") }
            try? await self.disk.process.executor.sleep(.milliseconds(50))
        }
        guard events.contains(where: { $0.name == "signed" }), var record = try await self.disk.record(payment) else {
            return try await self.disk.append(events, to: payment, at: time)
        }
        for event in events { try? record.apply(event, at: time) }
        let early = record
        self.held.records.withLock { $0[payment] = early }
        self.disk.process.spawn {
            try? await self.disk.process.executor.sleep(.milliseconds(700))
            _ = try? await self.disk.append(events, to: payment, at: time)
            self.held.records.withLock { _ = $0.removeValue(forKey: payment) }
        }
        return early
    }

    func record(_ payment: PaymentID) async throws(StoreError) -> PaymentRecord? {
        if let record = self.held.records.withLock({ $0[payment] }) { return record }
        return try await self.disk.record(payment)
    }

    func claim(_ claim: Claim, at time: Int64) async throws(StoreError) -> ClaimOutcome {
        try await self.disk.claim(claim, at: time)
    }

    func answer(_ payment: PaymentID) async throws(StoreError) -> StoredAnswer? { try await self.disk.answer(payment) }

    func events(_ payment: PaymentID) async throws(StoreError) -> [TimedEvent] { try await self.disk.events(payment) }

    func records(in phases: Set<PaymentRecord.Phase>, since: Int64, limit: Int) async throws(StoreError) -> [PaymentRecord] {
        try await self.disk.records(in: phases, since: since, limit: limit)
    }

    func pruneAnswers(endedBefore time: Int64) async throws(StoreError) -> Int {
        try await self.disk.pruneAnswers(endedBefore: time)
    }
}

/// Planted: what is not settled in time is signed and sent again under another number.
struct ResigningMethod: PaymentMethod {
    let method: ExactEVM
    let network: ExactEVMNetwork
    let world: World

    func takes(_ option: PaymentOption) -> Bool { self.method.takes(option) }

    func verify(_ credential: Credential, at time: Int64) async -> Verification {
        await self.method.verify(credential, at: time)
    }

    func settle(_ payment: PaymentRecord, patience: Duration) async -> SettlementOutcome {
        let outcome = await self.method.settle(payment, patience: patience)
        guard case .pending = outcome, let payload = try? ExactEVMPayload(payment.claim.payload), let key = payload.key,
            let to = Address(hex: payload.authorization.to), let signers = self.network.signers,
            let turn = try? await signers.takeTurn(transactionCount: { address in
                try await self.network.client.ask(.transactionCount(of: address, at: .pending))
            })
        else { return outcome }
        let authorization = EIP3009.Authorization(
            from: key.account, to: to, value: payload.authorization.value, validAfter: payload.authorization.validAfter,
            validBefore: payload.authorization.validBefore, nonce: key.nonce)
        let signed = EIP1559Transaction(
            chainID: ChainMachine.chainID, nonce: turn.nonce, maxPriorityFeePerGas: 2_000_000_000,
            maxFeePerGas: 9_000_000_000, gasLimit: 200_000, to: ChainMachine.token,
            data: authorization.calldata(signature: payload.signature)
        ).signed(by: turn.key)
        let transaction = SettlementTransaction(
            hash: signed.hash.description, raw: signed.raw, signer: turn.address.description, nonce: turn.nonce)
        self.world.disk.noteDurable(payment.id, [.signed(transaction)])
        _ = try? await self.network.client.send(signed.raw)
        return outcome
    }
}
