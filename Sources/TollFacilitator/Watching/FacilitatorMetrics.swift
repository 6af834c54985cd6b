// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
public import TollRuntime

/// What the facilitator counts of its requests.
public final class FacilitatorMetrics: Sendable {
    private let registry: MetricsRegistry

    /// Counts into `registry`.
    public init(_ registry: MetricsRegistry) { self.registry = registry }

    /// Counts a request that was answered.
    ///
    /// - Parameter endpoint: Nil where there is none of that path and method.
    func answered(_ endpoint: Endpoint?, _ outcome: CallOutcome, took duration: Duration) {
        let name = endpoint.map { String($0.rawValue.dropFirst()) } ?? "none"
        self.registry.counter(
            "tollgate_facilitator_requests_total", "Requests to the facilitator, by what was asked and what came of it.",
            ["endpoint": name, "result": outcome.result, "reason": outcome.reason]
        ).increment()
        self.registry.histogram(
            "tollgate_facilitator_request_duration_seconds",
            "From a request's head until the facilitator's answer is handed to the kernel.", ["endpoint": name]
        ).observe(duration)
    }
}

/// What came of a request, in words that are ours: nothing of what a caller sent is in them.
struct CallOutcome: Hashable {
    /// `ok`, `valid`, `settled` …; the code of a problem.
    let result: String
    /// Why a payment was refused, or failed; empty for everything else.
    var reason = ""

    static let ok = CallOutcome(result: "ok")
    static let valid = CallOutcome(result: "valid")

    static func invalid(_ refusal: PaymentRefusal) -> CallOutcome { CallOutcome(result: "invalid", reason: refusal.reason) }

    static func problem(_ problem: FacilitatorProblem) -> CallOutcome { CallOutcome(result: problem.code) }

    static func ended(_ ending: SettleCall.Ending) -> CallOutcome {
        switch ending {
        case .success: CallOutcome(result: "settled")
        case .toldBefore, .taken: CallOutcome(result: "duplicate")
        case .refused(let refusal, _): CallOutcome(result: "refused", reason: refusal.reason)
        case .failed(let refusal, _, _): CallOutcome(result: "failed", reason: refusal.reason)
        case .pending: CallOutcome(result: "pending")
        case .unavailable: .problem(.unavailable)
        }
    }
}
