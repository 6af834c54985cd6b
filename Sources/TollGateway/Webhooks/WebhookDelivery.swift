// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
public import TollPayments
public import TollRuntime

/// Tells endpoints what happened, out of the ledger's outbox: each notice until it is heard, at least once, for about three days.
/// Of several gateways with one ledger, one has a notice at a time.
public struct WebhookDelivery: Service {
    /// How often the outbox is looked at.
    private static let interval: Duration = .seconds(2)
    /// From the call to the answer's head: what an endpoint has to do, it does after it has answered.
    private static let deadline: Duration = .seconds(15)
    /// Notices on their way to one endpoint at once.
    private static let countMax = 8
    /// Longer than all of them may take, so that no other gateway has them meanwhile.
    private static let leaseSeconds: Int64 = 60
    /// How often the ledger is told who listens, and forgets what is over.
    private static let renewalSeconds: Int64 = 3_600
    /// How long ended notices are kept, so that the same is not told anew, and endpoints that nobody names any more, in seconds:
    /// longer than the schedule.
    private static let keptSeconds: Int64 = 7 * 86_400

    public let name = "webhooks"
    private let endpoints: [WebhookEndpoint]
    private let outbox: any NoticeOutbox
    private let payments: any PaymentReader
    private let client: any HTTPClient
    private let environment: Environment
    private let jitter: @Sendable () -> Int64
    private let log: Logger
    private let metrics: MetricsRegistry

    /// - Parameters:
    ///   - payments: The ledger that the notices are about.
    ///   - jitter: From 0 to 100, at random.
    public init(
        _ endpoints: [WebhookEndpoint], outbox: any NoticeOutbox, payments: any PaymentReader, client: any HTTPClient,
        environment: Environment, jitter: @escaping @Sendable () -> Int64, metrics: MetricsRegistry, log: Logger
    ) {
        self.endpoints = endpoints
        self.outbox = outbox
        self.payments = payments
        self.client = client
        self.environment = environment
        self.jitter = jitter
        self.log = log
        self.metrics = metrics
    }

    /// Has events noted for the endpoints from now on: before anything is sold.
    public func subscribe() async throws(StoreError) {
        try await self.outbox.subscribe(self.endpoints.map(\.name), at: Int64(self.environment.now()))
    }

    /// Until the group stops. An endpoint that is slow holds no other up; what was on its way is told again.
    public func run() async throws {
        let delivery = self
        do {
            try await cancelWhenGracefulShutdown {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await delivery.renew() }
                    for endpoint in delivery.endpoints { group.addTask { try await delivery.serve(endpoint) } }
                    try await group.waitForAll()
                }
            }
        } catch is CancellationError {}
    }

    private func renew() async throws {
        while true {
            do throws(StoreError) {
                try await self.subscribe()
                try await self.outbox.pruneNotices(before: Int64(self.environment.now()) - Self.keptSeconds)
            } catch { self.log.error("webhooks: the ledger does not answer", ["reason": error.reason]) }
            try await self.environment.sleep(for: .seconds(Self.renewalSeconds))
        }
    }

    private func serve(_ endpoint: WebhookEndpoint) async throws {
        while true {
            try Task.checkCancellation()
            if await self.deliver(to: endpoint) < Self.countMax { try await self.environment.sleep(for: Self.interval) }
        }
    }

    /// Tells one endpoint what is due, as much as is told at once; says how much there was.
    func deliver(to endpoint: WebhookEndpoint) async -> Int {
        let notices: [Notice]
        do throws(StoreError) {
            notices = try await self.outbox.takeNotices(
                of: endpoint.name, limit: Self.countMax, leaseSeconds: Self.leaseSeconds, at: Int64(self.environment.now()))
        } catch {
            self.log.error("webhooks: the ledger does not answer", ["reason": error.reason])
            return 0
        }
        await withTaskGroup(of: Void.self) { group in
            for notice in notices { group.addTask { await self.tell(notice, to: endpoint) } }
        }
        return notices.count
    }

    /// What is not written down as heard, because the ledger does not answer, is told again when its lease ends.
    private func tell(_ notice: Notice, to endpoint: WebhookEndpoint) async {
        let log = self.log.with(["endpoint": endpoint.url.origin, "notice": notice.name, "attempt": notice.attempts])
        do throws(StoreError) {
            let message = try await self.message(notice)
            guard let kind = WebhookEvent(kind: notice.kind), endpoint.events.contains(kind), let message else {
                try await self.outbox.endNotice(notice.number, at: Int64(self.environment.now()))
                return
            }
            let failure = await self.send(message, to: endpoint)
            let now = Int64(self.environment.now())
            guard let failure else {
                self.count(kind, "delivered")
                log.debug("webhook delivered", ["event": kind.rawValue])
                try await self.outbox.endNotice(notice.number, at: now)
                return
            }
            let pause = failure.isFinal ? nil : WebhookSchedule.pause(afterAttempt: notice.attempts, jitter: self.jitter())
            if let pause {
                self.count(kind, "failed")
                log.warning("webhook failed", ["event": kind.rawValue, "reason": failure.reason, "again_in_seconds": pause])
                try await self.outbox.postponeNotice(notice.number, until: now + pause)
            } else {
                self.count(kind, "given_up")
                log.error("webhook given up", ["event": kind.rawValue, "reason": failure.reason])
                try await self.outbox.endNotice(notice.number, at: now)
            }
        } catch { log.error("webhooks: the ledger does not answer", ["reason": error.reason]) }
    }

    private func count(_ event: WebhookEvent, _ result: String) {
        self.metrics.counter(
            "tollgate_webhooks_total", "Attempts to tell an endpoint, by event and by what came of it.",
            ["event": event.rawValue, "result": result]
        ).increment()
    }

    /// Nil when there is nothing to tell: a notice of a newer version of this program.
    private func message(_ notice: Notice) async throws(StoreError) -> WebhookMessage? {
        switch notice.subject {
        case .other(let detail): return WebhookMessage(notice, detail: detail)
        case .event(let payment, let sequence):
            guard let record = try await self.payments.record(payment) else { throw .corrupt("no payment \(payment)") }
            let events = try await self.payments.events(payment)
            guard (1...Int64(events.count)).contains(sequence) else {
                throw .corrupt("payment \(payment) has no event \(sequence)")
            }
            return WebhookMessage(notice, record, events[Int(sequence) - 1].event)
        }
    }

    private struct Failure {
        let reason: String
        /// The endpoint is gone for good.
        var isFinal = false
    }

    /// Nil when it was heard: a status from 200 to 299. A redirection is not followed.
    private func send(_ message: WebhookMessage, to endpoint: WebhookEndpoint) async -> Failure? {
        let request = message.request(to: endpoint, at: Int64(self.environment.now()), deadline: Self.deadline)
        do throws(HTTPError) {
            let answer = try await self.client.send(request)
            let status = answer.head.status
            return (200..<300).contains(status) ? nil : Failure(reason: "answered \(status)", isFinal: status == 410)
        } catch { return Failure(reason: error.description) }
    }
}
