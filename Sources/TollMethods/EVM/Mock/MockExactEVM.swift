// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
public import TollPayments
internal import TollPrimitives

/// The `exact` scheme on EVM chains without a chain, for trying things out: the terms and the signature of a plain account are
/// checked as they always are, its balance is not, and the money moves nowhere.
public struct MockExactEVM: PaymentMethod {
    private let store: any PaymentStore
    private let clock: @Sendable () -> UInt64

    /// A method that settles into the ledger alone.
    ///
    /// - Parameter clock: The time in seconds since 1970.
    public init(store: any PaymentStore, clock: @escaping @Sendable () -> UInt64) {
        self.store = store
        self.clock = clock
    }

    public func takes(_ option: PaymentOption) -> Bool { option.scheme == "exact" && option.network.eip155 != nil }

    public func key(of credential: Credential) -> PaymentKey? {
        (try? ExactEVMPayment(credential.payload, option: credential.option))?.key
    }

    public func verify(_ credential: Credential, at time: Int64, freshness: Freshness) async -> Verification {
        let payment: ExactEVMPayment
        do throws(PaymentRefusal) { payment = try ExactEVMPayment(credential.payload, option: credential.option) } catch {
            return .invalid(error)
        }
        let payer = payment.authorization.from.description
        if let refusal = ExactEVMVerifier.objectionWithoutChain(to: payment, at: time) {
            return .invalid(refusal, payer: payer, key: payment.key)
        }
        return .valid(VerifiedPayment(key: payment.key, payer: payer, unusedAtBlock: 0, validBefore: payment.validBefore))
    }

    public func settle(
        _ payment: PaymentRecord, keeping events: [PaymentEvent], patience: Duration
    ) async -> SettlementOutcome {
        if let settlement = payment.settlement { return .settled(settlement) }
        let hash = Hex.encodePrefixed(Keccak256.hash(text: "mock settlement of \(payment.id)").bytes)
        let settlement = Settlement(transaction: hash, block: 1, logIndex: 0)
        do throws(StoreError) {
            try await self.store.append(events + [.settled(settlement)], to: payment.id, at: Int64(self.clock()))
            return .settled(settlement)
        } catch { return .unavailable(reason: error.reason) }
    }
}
