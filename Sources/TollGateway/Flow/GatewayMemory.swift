// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollRuntime

/// What a gateway knows besides its configuration, and keeps when that is replaced.
struct GatewayMemory: Sendable {
    /// Lets one request at a time work on a payment.
    let locks = PaymentLocks()
    /// Requests under way that present a credential.
    let active = ActiveCalls()
    /// What takes no requests for now.
    let pauses = Pauses()
    /// Payments on their way to the chain.
    let backlog: SettlementBacklog

    /// A new memory of a gateway on the ledger `store`.
    init(store: any PaymentStore, environment: Environment) {
        self.backlog = SettlementBacklog(store: store, environment: environment)
    }
}
