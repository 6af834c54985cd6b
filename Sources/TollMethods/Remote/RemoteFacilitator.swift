// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
public import TollHTTP
public import TollPayments
internal import TollPrimitives
internal import TollProtocol
public import TollRuntime

/// The `exact` scheme on EVM chains, verified and settled by facilitators elsewhere: no key and no gas of ours.
///
/// Several are tried in turn, and one that fails is left alone for a while. Only one is ever asked to settle a payment that may
/// have reached it: which one is in the ledger before it is asked, and what became of it is asked there again until it is known.
public struct RemoteFacilitator: PaymentMethod {
    /// How long one facilitator may take to verify, in seconds. It makes a few calls to a chain; a buyer waits.
    static let verifySeconds = 10

    private let pool: FacilitatorPool
    private let exchange: FacilitatorExchange
    private let witness: ChainWitness
    private let settler: RemoteSettler
    private let lastResort: ExactEVM?
    private let log: Logger

    /// The method.
    ///
    /// - Parameters:
    ///   - endpoints: The facilitators, the preferred first.
    ///   - networks: Chains that can be read here. On these a settlement's block is recorded, and an answer that was lost is
    ///     made up for by what the chain says; on others a facilitator is taken at its word.
    ///   - store: The ledger.
    ///   - background: Goes on asking for settlements that nobody waits for any more.
    ///   - lastResort: Verifies and settles when no facilitator does. Only what certainly none of them has taken.
    ///   - jitter: By how much of a hundred a rest is shortened, so that many gateways do not come back at once.
    public init(
        endpoints: [FacilitatorEndpoint],
        networks: [ExactEVMNetwork] = [],
        store: any PaymentStore,
        client: any HTTPClient,
        background: BackgroundWork,
        environment: Environment,
        log: Logger,
        lastResort: ExactEVM? = nil,
        jitter: @escaping @Sendable () -> Int = { 0 }
    ) {
        let exchange = FacilitatorExchange(client: client)
        let pool = FacilitatorPool(endpoints, exchange: exchange, environment: environment, log: log, jitter: jitter)
        self.pool = pool
        self.exchange = exchange
        self.witness = ChainWitness(networks)
        self.settler = RemoteSettler(
            pool: pool,
            exchange: exchange,
            witness: self.witness,
            store: store,
            background: BackgroundPursuits(background),
            environment: environment,
            log: log,
            lastResort: lastResort
        )
        self.lastResort = lastResort
        self.log = log
    }

    /// Every `exact` option on an EVM chain: what a facilitator really takes is asked when it is needed.
    public func takes(_ option: PaymentOption) -> Bool {
        option.scheme == "exact" && option.network.eip155 != nil
    }

    public func key(of credential: Credential) -> PaymentKey? {
        (try? ExactEVMPayment(credential.payload, option: credential.option))?.key
    }

    /// Whether a facilitator says that `credential` would settle. One verdict is enough, good or bad; without one the next is
    /// asked.
    public func verify(_ credential: Credential, at time: Int64, freshness: Freshness) async -> Verification {
        let request: RemoteRequest
        do throws(PaymentRefusal) {
            request = try RemoteRequest(credential.payload, option: credential.option)
        } catch {
            return .invalid(error)
        }
        do throws(PaymentRefusal) { try request.checkTerms() } catch {
            return .invalid(error, payer: request.payer, key: request.payment.key)
        }
        // Read before anyone is asked: what is spent after this block was spent under our claim.
        // Without it nobody could ever tell a use under our claim from one before.
        let block: UInt64
        do throws(RPCError) { block = try await self.witness.latestBlock(credential.option.network) } catch {
            return .unavailable(reason: "the chain: \(error)")
        }
        var reasons: [String] = []
        for endpoint in self.pool.awake {
            do throws(FacilitatorPool.Unfit) {
                let extra = try await self.pool.requiredExtra(of: endpoint, for: credential.option)
                let answer = await self.exchange.verify(
                    request.body(adding: extra),
                    at: endpoint,
                    within: .seconds(Self.verifySeconds),
                    payer: request.payment.authorization.from
                )
                self.pool.note(answer.health, of: endpoint)
                switch answer.verdict {
                case .valid:
                    return .valid(
                        VerifiedPayment(
                            key: request.payment.key,
                            payer: request.payer,
                            unusedAtBlock: block,
                            validBefore: request.payment.validBefore
                        )
                    )
                case .invalid(let refusal): return .invalid(refusal, payer: request.payer, key: request.payment.key)
                case .none(let reason): throw FacilitatorPool.Unfit(reason: reason)
                }
            } catch {
                reasons.append("\(endpoint.url): \(error.reason)")
            }
        }
        if let lastResort = self.lastResort, lastResort.takes(credential.option) {
            self.log.warning("no facilitator verifies; verified here", ["reasons": reasons.joined(separator: "; ")])
            return await lastResort.verify(credential, at: time, freshness: freshness)
        }
        return .unavailable(reason: reasons.isEmpty ? "every facilitator failed a moment ago" : reasons.joined(separator: "; "))
    }

    /// Has a claimed payment settled, or asks again where it is being settled. A facilitator's word alone is recorded with
    /// block 0.
    public func settle(
        _ payment: PaymentRecord, keeping events: [PaymentEvent], patience: Duration
    ) async -> SettlementOutcome {
        await self.settler.settle(payment, keeping: events, patience: patience)
    }

    /// Takes up every settlement that a stopped process left under way. Call before the first request.
    public func resume() async throws(StoreError) {
        try await self.settler.resume()
    }
}
