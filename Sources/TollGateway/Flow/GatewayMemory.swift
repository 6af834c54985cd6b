// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollRuntime

/// What a gateway knows besides its configuration, and keeps when that is replaced.
struct GatewayMemory: Sendable {
    /// Requests under way that present a credential.
    let active = ActiveCalls()
    /// Of these, those that wait for money to arrive.
    let arrivals = ActiveCalls()
    /// What takes no requests for now.
    let pauses = Pauses()
    /// Payments on their way to the chain.
    let backlog: SettlementBacklog

    /// How often clients have asked.
    let rates: RateGate

    /// A new memory of a gateway on the ledger `store`, counting in `counts` where replicas count together.
    init(store: any PaymentStore, counts: (any SharedCache)?, environment: Environment) {
        self.rates = RateGate(shared: counts, now: environment.wallClock)
        self.backlog = SettlementBacklog(store: store, environment: environment)
    }
}
