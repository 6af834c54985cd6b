// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollPayments
public import TollRuntime

/// What the gateway counts of its requests, verifications and upstreams.
public final class GatewayMetrics: Sendable {
    private let registry: MetricsRegistry
    /// Requests that no route takes.
    let unmatched: RouteMetrics
    private let (free, paid, pass, other): (Histogram, Histogram, Histogram, Histogram)
    private let verification: Histogram
    /// The usual ends, whose counters need not be looked for.
    private let valid: Counter
    private let delivered: Counter

    /// Counts into `registry`.
    public init(_ registry: MetricsRegistry) {
        self.registry = registry
        self.unmatched = RouteMetrics(registry, route: "none", isPriced: false)
        let duration = { (kind: ServedRequest.Kind) in
            registry.histogram(
                "tollgate_request_duration_seconds",
                "From a request's head until its answer is handed to the kernel; without challenges that are answered at once.",
                ["kind": kind.rawValue])
        }
        (self.free, self.paid) = (duration(.free), duration(.paid))
        (self.pass, self.other) = (duration(.pass), duration(.other))
        self.verification = registry.histogram(
            "tollgate_verification_duration_seconds", "From asking whether a payment would settle until the answer.")
        self.valid = Self.verifications(registry, "valid", "")
        self.delivered = Self.paidRequests(registry, "delivered", "")
    }

    /// The counters of a route, by its pattern: the same after a reload.
    func route(_ pattern: String, isPriced: Bool) -> RouteMetrics {
        RouteMetrics(self.registry, route: pattern, isPriced: isPriced)
    }

    /// Counts a request that was answered.
    func took(_ duration: Duration, _ kind: ServedRequest.Kind) {
        switch kind {
        case .free: self.free.observe(duration)
        case .paid: self.paid.observe(duration)
        case .pass: self.pass.observe(duration)
        case .other: self.other.observe(duration)
        }
    }

    /// Counts a verification.
    func verified(_ verification: Verification, took duration: Duration) {
        switch verification {
        case .valid: self.valid.increment()
        case .invalid(let refusal, _, _): Self.verifications(self.registry, "invalid", refusal.reason).increment()
        case .processing(let state): Self.verifications(self.registry, "processing", state.reason).increment()
        case .unavailable: Self.verifications(self.registry, "unavailable", "").increment()
        }
        self.verification.observe(duration)
    }

    private static func verifications(_ registry: MetricsRegistry, _ result: String, _ reason: String) -> Counter {
        registry.counter(
            "tollgate_verifications_total", "Payments that were looked at, by what came of it.",
            ["result": result, "reason": reason])
    }

    /// Counts how a paid request ended.
    func ended(_ ending: PaidRequest.Ending) {
        if case .deliver = ending { return self.delivered.increment() }
        let (result, reason) = ending.metric
        Self.paidRequests(self.registry, result, reason).increment()
    }

    private static func paidRequests(_ registry: MetricsRegistry, _ result: String, _ reason: String) -> Counter {
        registry.counter(
            "tollgate_paid_requests_total", "Requests that presented a payment, by how they ended.",
            ["result": result, "reason": reason])
    }

    /// Counts a request that shadow mode let pass, by what would have become of it.
    func shadowed(_ route: String, result: String) {
        self.registry.counter(
            "tollgate_shadow_requests_total", "Requests that shadow mode let pass, by what would have become of them.",
            ["route": route, "result": result]
        ).increment()
    }

    /// What is counted of an upstream, by its name: the same after a reload.
    func upstream(_ name: String) -> UpstreamMetrics { UpstreamMetrics(self.registry, upstream: name) }
}

/// What is counted of one upstream.
final class UpstreamMetrics: Sendable {
    /// What a call came to.
    enum Result {
        case status(Int)
        case timeout
        case failure
    }

    /// By the class of the status; what is no class of HTTP's is a server's error.
    private let classes: [Counter]
    private let timeouts: Counter
    private let failures: Counter
    private let duration: Histogram

    init(_ registry: MetricsRegistry, upstream: String) {
        let counter = { (result: String) in
            registry.counter(
                "tollgate_upstream_requests_total",
                "Calls of upstreams, by what came of it: the class of the status, or the failure.",
                ["upstream": upstream, "result": result])
        }
        self.classes = (1...5).map { counter("\($0)xx") }
        self.timeouts = counter("timeout")
        self.failures = counter("failure")
        self.duration = registry.histogram(
            "tollgate_upstream_duration_seconds", "From calling an upstream until the head of its answer.",
            ["upstream": upstream])
    }

    /// Counts a call.
    func called(_ result: Result, took duration: Duration) {
        switch result {
        case .status(let status): self.classes[min(max(status / 100, 1), 5) - 1].increment()
        case .timeout: self.timeouts.increment()
        case .failure: self.failures.increment()
        }
        self.duration.observe(duration)
    }
}

/// What is counted of one route.
final class RouteMetrics: Sendable {
    /// What became of a request that came with a pass.
    enum PassResult: String {
        /// It was let in.
        case admitted
        /// The pass is over, and a payment was asked for, or taken.
        case expired
        /// It is none, or for something else.
        case invalid
        /// Who paid for it is not served any more.
        case denied
        /// It came too often.
        case limited
    }

    private let registry: MetricsRegistry
    private let route: String
    /// Of the statuses that were answered: few, so that looking through them is quicker than hashing.
    private let statuses = Mutex<[(status: Int, counter: Counter)]>([])
    private let passes = Mutex<[PassResult: Counter]>([:])
    private let challenges: Counter
    private let refusals: Counter

    init(_ registry: MetricsRegistry, route: String, isPriced: Bool) {
        self.registry = registry
        self.route = route
        // Of what has no price none is ever asked.
        self.challenges =
            isPriced
            ? registry.counter(
                "tollgate_challenges_total", "Requests for which a price was asked, since they presented no payment.",
                ["route": route]) : Counter()
        self.refusals = isPriced ? registry.counter(Self.requests, Self.help, ["route": route, "status": "402"]) : Counter()
    }

    private static let requests = "tollgate_requests_total"
    private static let help = "Requests that were answered, by route and status."

    /// Counts a price that was asked at once: two additions, and nothing else.
    func challenged() {
        self.challenges.increment()
        self.refusals.increment()
    }

    /// Counts a price that was asked, beside the answer that asks it.
    func asked() { self.challenges.increment() }

    /// Counts a request that came with a pass.
    func presentedPass(_ result: PassResult) {
        self.passes.withLock { passes in
            let counter =
                passes[result]
                ?? self.registry.counter(
                    "tollgate_pass_requests_total", "Requests that came with a pass, by what became of them.",
                    ["route": self.route, "result": result.rawValue])
            passes[result] = counter
            return counter
        }.increment()
    }

    /// Counts an answer.
    func answered(status: Int) {
        self.statuses.withLock { statuses in
            if let known = statuses.first(where: { $0.status == status }) { return known.counter }
            let counter = self.registry.counter(Self.requests, Self.help, ["route": self.route, "status": "\(status)"])
            statuses.append((status, counter))
            return counter
        }.increment()
    }
}

extension PaidRequest.Ending {
    /// The labels of this ending.
    fileprivate var metric: (result: String, reason: String) {
        switch self {
        case .deliver: ("delivered", "")
        case .replay: ("replayed", "")
        case .deliverUncharged: ("uncharged", "")
        case .refuse(let refusal, _): ("refused", refusal.reason)
        case .processing(let state): ("processing", state.reason)
        case .settlementFailed(let refusal, _, _): ("settlement_failed", refusal.reason)
        case .alreadyUsed: ("refused", "already_used")
        case .identifierTaken: ("refused", "payment_identifier_conflict")
        case .denied: ("refused", "payer_denied")
        case .insufficientCredit: ("refused", "insufficient_credit")
        case .rateLimited: ("refused", "rate_limited")
        case .usedUp: ("refused", "used_up")
        case .outcomeUnknown: ("outcome_unknown", "")
        case .pending: ("pending", "")
        case .unavailable: ("unavailable", "")
        case .upstreamFailed: ("upstream_failed", "")
        case .requestBroken(let fault, _): ("request_broken", fault.rawValue)
        }
    }
}
