// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollCrypto
import TollEVM
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol
import TollTestKit

/// A ledger with settled payments, and the chain they are on.
struct LedgerStand {
    static let receiver = Address(hex: ExactStand.option.payTo)!
    static let wallet = PrivateKey(bytes: [UInt8](repeating: 11, count: 32))!

    let stand = ExactStand()
    var chain: SimulatedEVMChain { self.stand.chain }
    var store: MemoryPaymentStore { self.stand.store }

    var network: ExactEVMNetwork {
        ExactEVMNetwork(chain: ExactStand.option.network, client: self.chain.client(), signers: nil)
    }

    /// Settles payment number `nonce` through the gateway's own way.
    func settled(_ nonce: Int) async throws -> PaymentRecord {
        let record = try await self.stand.claimed(ExactStand.payload(nonce: nonce))
        guard case .settled = try await self.stand.settle(record), let settled = try await self.store.record(record.id) else {
            throw ExactStand.Unverified()
        }
        return settled
    }

    /// A settled payment of which nothing was delivered.
    func owed(_ nonce: Int) async throws -> PaymentRecord {
        let record = try await self.settled(nonce)
        return try await self.store.append([.owed(reason: "upstream 502")], to: record.id, at: ExactStand.now)
    }

    /// Appends to a payment.
    func append(_ events: [PaymentEvent], to record: PaymentRecord) async throws -> PaymentRecord {
        try await self.store.append(events, to: record.id, at: ExactStand.now)
    }

    func reconcile(
        from first: UInt64? = nil, to horizon: EVMReconciliation.Horizon = .latest, ledger: (any PaymentReader)? = nil,
        payouts: Set<Address> = []
    ) async throws -> EVMReconciliation.Report {
        try await EVMReconciliation(
            network: self.network, ledger: ledger ?? self.store, assets: [SimulatedEVMChain.token],
            receivers: [Self.receiver], signers: [ExactStand.signer.address], payouts: payouts
        ).run(from: first, to: horizon)
    }

    func rebuild(_ store: any PaymentStore, from first: UInt64 = 0, owes: Bool = false) async throws -> EVMLedgerRebuild.Report {
        try await EVMLedgerRebuild(
            network: self.network, store: store, assets: [ExactStand.option.asset], receivers: [ExactStand.option.payTo],
            signers: [ExactStand.signer.address.description], owes: owes
        ).run(from: first, at: ExactStand.now)
    }

    /// Two payments of the same payer, amount and receiver in one transaction of our signer.
    func batch(_ first: Int, _ second: Int) throws {
        let calls = try [first, second].map { nonce in
            Multicall3.Call(target: SimulatedEVMChain.token, data: try Self.calldata(ExactStand.payload(nonce: nonce)))
        }
        let transaction = EIP1559Transaction(
            chainID: 84_532, nonce: 0, maxPriorityFeePerGas: 1_000_000, maxFeePerGas: 10_000_000, gasLimit: 500_000,
            to: Multicall3.address, data: Multicall3.aggregate3(calls))
        self.chain.deliver(Hex.encodePrefixed(transaction.signed(by: ExactStand.signer).raw))
    }

    /// The call that makes the transfer of a payload.
    private static func calldata(_ payload: JSONObject) throws -> [UInt8] {
        let payload = try ExactEVMPayload(payload)
        let wire = payload.authorization
        guard let from = Address(hex: wire.from), let to = Address(hex: wire.to) else { throw ExactStand.Unverified() }
        return EIP3009.Authorization(
            from: from, to: to, value: wire.value, validAfter: wire.validAfter, validBefore: wire.validBefore, nonce: wire.nonce
        ).calldata(signature: payload.signature)
    }
}
