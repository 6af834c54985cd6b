// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPayments
import TollRuntime

/// A ledger that counts what is written to it: whoever settles a payment, and why ever, says so here.
struct MeteredStore: WrappingPaymentStore {
    let wrapped: any PaymentStore
    private let metrics: MetricsRegistry
    private let commit: Histogram
    /// The usual end of a settlement, whose counter need not be looked for.
    private let settled: Counter
    private let environment: Environment

    init(_ store: any PaymentStore, metrics: MetricsRegistry, environment: Environment) {
        self.wrapped = store
        self.metrics = metrics
        self.environment = environment
        self.commit = metrics.histogram(
            "tollgate_ledger_commit_duration_seconds", "From handing the ledger a write until it is durable.",
            bounds: Histogram.commitBounds)
        self.settled = Self.settlements(metrics, "settled", "")
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
        case .settled: self.settled.increment()
        case .failed(let refusal): Self.settlements(self.metrics, "failed", refusal.reason).increment()
        case .unknown: Self.settlements(self.metrics, "unknown", "").increment()
        case .vanished: Self.settlements(self.metrics, "vanished", "").increment()
        case .owed:
            self.metrics.counter(
                "tollgate_debts_total", "Payments that became a debt: taken, and nothing delivered."
            ).increment()
        default: break
        }
    }

    private static func settlements(_ metrics: MetricsRegistry, _ result: String, _ reason: String) -> Counter {
        metrics.counter(
            "tollgate_settlements_total",
            "What became of settlements, as written to the ledger: what is unknown for a while is settled or failed later.",
            ["result": result, "reason": reason])
    }
}
