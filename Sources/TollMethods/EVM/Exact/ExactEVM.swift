// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments
internal import TollPrimitives
public import TollRuntime

/// The `exact` scheme on EVM chains by EIP-3009: verified on chain, settled by our own signers.
public struct ExactEVM: PaymentMethod {
    /// The scheme that options name.
    static let scheme = "exact"

    private let networks: [ChainID: ExactEVMNetwork]
    private let verifier: ExactEVMVerifier
    let settler: ExactEVMSettler

    /// The method on `networks`.
    ///
    /// - Parameters:
    ///   - store: The ledger: every step of a settlement is written there before it is taken.
    ///   - background: Goes on with settlements that nobody waits for any more.
    public init(
        networks: [ExactEVMNetwork], store: any PaymentStore, background: BackgroundWork, environment: Environment, log: Logger
    ) {
        let byChain = Dictionary(networks.map { ($0.chain, $0) }) { first, _ in first }
        self.networks = byChain
        self.verifier = ExactEVMVerifier(networks: byChain, environment: environment)
        self.settler = ExactEVMSettler(
            networks: byChain, store: store, background: background, environment: environment, log: log)
    }

    public func takes(_ option: PaymentOption) -> Bool {
        option.scheme == Self.scheme && self.networks[option.network]?.signers != nil
    }

    public func key(of credential: Credential) -> PaymentKey? {
        (try? ExactEVMPayment(credential.payload, option: credential.option))?.key
    }

    public func verify(_ credential: Credential, at time: Int64, freshness: Freshness) async -> Verification {
        guard !self.settler.table.isFull else { return .unavailable(reason: "too many settlements are under way") }
        return await self.verifier.verify(credential, at: time, freshness: freshness)
    }

    public func settle(
        _ payment: PaymentRecord, keeping events: [PaymentEvent], patience: Duration
    ) async -> SettlementOutcome {
        await self.settler.settle(payment, keeping: events, patience: patience)
    }

    /// Takes up what a stopped process left under way.
    public var recovery: SettlementRecovery { SettlementRecovery(self.settler) }

    /// Settles in batches what was served before it was paid.
    public func deferredSettlement(_ terms: BatchTerms = BatchTerms()) -> DeferredSettlement {
        DeferredSettlement(self.settler, terms: terms)
    }
}
