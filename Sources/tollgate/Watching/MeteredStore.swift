// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPayments
import TollRuntime

/// A ledger that counts what is written to it: whoever settles a payment, and why ever, says so here.
struct MeteredStore: WrappingPaymentStore {
    let wrapped: any PaymentStore
    private let metrics: MetricsRegistry
    private let commit: Histogram
    private let environment: Environment

    init(_ store: any PaymentStore, metrics: MetricsRegistry, environment: Environment) {
        self.wrapped = store
        self.metrics = metrics
        self.environment = environment
        self.commit = metrics.histogram(
            "tollgate_ledger_commit_duration_seconds", "From handing the ledger a write until it is durable.",
            bounds: Histogram.commitBounds)
    }

    func claim(_ claim: Claim, deferral: DeferralTerms?, at time: Int64) async throws(StoreError) -> ClaimOutcome {
        let start = self.environment.monotonic()
        let outcome = try await self.wrapped.claim(claim, deferral: deferral, at: time)
        self.commit.observe(self.environment.monotonic() - start)
        return outcome
    }

    @discardableResult
    func append(_ entries: [LedgerEntry], at time: Int64) async throws(StoreError) -> [PaymentRecord] {
        let start = self.environment.monotonic()
        let records = try await self.wrapped.append(entries, at: time)
        self.commit.observe(self.environment.monotonic() - start)
        for entry in entries { for event in entry.events { self.count(event) } }
        return records
    }

    func close() async { await self.wrapped.close() }

    private func count(_ event: PaymentEvent) {
        switch event {
        case .settled: self.settlement("settled")
        case .failed(let refusal): self.settlement("failed", refusal.reason)
        case .unknown: self.settlement("unknown")
        case .vanished: self.settlement("vanished")
        case .owed:
            self.metrics.counter(
                "tollgate_debts_total", "Payments that became a debt: taken, and nothing delivered."
            ).increment()
        default: break
        }
    }

    private func settlement(_ result: String, _ reason: String = "") {
        self.metrics.counter(
            "tollgate_settlements_total",
            "What became of settlements, as it was written to the ledger: one that is unknown for a while is settled or failed later.",
            ["result": result, "reason": reason]
        ).increment()
    }
}
