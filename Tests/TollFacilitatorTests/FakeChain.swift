// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollPayments
import TollPrimitives
import TollProtocol

/// A payment method over a chain of one set: which authorizations are used. Writes the ledger as a real one does.
final class FakeChain: PaymentMethod {
    /// What happens to a settlement once it is signed.
    enum Weather: Sendable {
        case fine
        /// Sent, and not seen again while it lasts.
        case slow
        /// The transaction reverts.
        case reverting
        /// Nothing answers, neither to verify nor to settle.
        case down
    }

    struct State {
        var used: Set<PaymentKey> = []
        var weather = Weather.fine
        var settlements = 0
    }

    static let transaction = "0x89c91c789e57059b17285e7ba1716a1f5ff4c5dace0ea5a5135f26158d0421b9"

    let store: any PaymentStore
    private let state = Mutex(State())

    init(_ store: any PaymentStore) {
        self.store = store
    }

    var weather: Weather {
        get { self.state.withLock { $0.weather } }
        set { self.state.withLock { $0.weather = newValue } }
    }

    /// How often money moved.
    var settlements: Int { self.state.withLock { $0.settlements } }

    func takes(_ option: PaymentOption) -> Bool { option.scheme == "exact" }

    func verify(_ credential: Credential, at time: Int64, freshness: Freshness) async -> Verification {
        await Task.yield()
        guard self.weather != .down else { return .unavailable(reason: "http://10.0.0.7:8545 refused") }
        guard let payload = try? ExactEVMPayload(credential.payload) else {
            return .invalid(PaymentRefusal("invalid_payload"))
        }
        let authorization = payload.authorization
        let key = PaymentKey(
            network: credential.option.network,
            asset: credential.option.asset.address,
            payer: authorization.from,
            nonce: authorization.nonce.description
        )
        guard !self.state.withLock({ $0.used.contains(key) }) else {
            return .invalid(PaymentRefusal("invalid_exact_evm_nonce_already_used"), payer: authorization.from, key: key)
        }
        guard authorization.value == credential.option.amount else {
            let refusal = PaymentRefusal(
                "invalid_exact_evm_payload_authorization_value_mismatch",
                detail: "value \(authorization.value), required \(credential.option.amount)"
            )
            return .invalid(refusal, payer: authorization.from, key: key)
        }
        return .valid(VerifiedPayment(key: key, payer: authorization.from, unusedAtBlock: 7, validBefore: 2_000_000_000))
    }

    func settle(
        _ payment: PaymentRecord, keeping events: [PaymentEvent], patience: Duration
    ) async -> SettlementOutcome {
        guard self.weather != .down else { return .unavailable(reason: "the chain is down") }
        await Task.yield()
        do throws(StoreError) { return try await self.carryOn(payment) } catch { return .unavailable(reason: error.reason) }
    }

    private func carryOn(_ payment: PaymentRecord) async throws(StoreError) -> SettlementOutcome {
        if let settlement = payment.settlement { return .settled(settlement) }
        if payment.phase == .claimed {
            let transaction = SettlementTransaction(hash: Self.transaction, raw: [1], signer: "0x01", nonce: 0)
            try await self.store.append([.signed(transaction), .broadcast], to: payment.id, at: 0)
        }
        switch self.weather {
        case .slow: return .pending(transaction: Self.transaction)
        case .reverting:
            let refusal = PaymentRefusal("transaction_failed", detail: "the transaction reverted")
            try await self.store.append([.failed(refusal)], to: payment.id, at: 0)
            return .failed(refusal, transaction: Self.transaction)
        case .fine, .down:
            let isFirst = self.state.withLock { state in
                state.settlements += 1
                return state.used.insert(payment.claim.key).inserted
            }
            precondition(isFirst, "One authorization moved money twice.")
            let settlement = Settlement(transaction: Self.transaction, block: 8, logIndex: 0)
            try await self.store.append([.settled(settlement)], to: payment.id, at: 0)
            return .settled(settlement)
        }
    }
}
