// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollHTTP
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol
internal import TollRuntime

/// Has claimed payments settled by facilitators, and pursues each to its end: carries out what ``RemotePursuit`` decides.
struct RemoteSettler: Sendable {
    /// Nobody waits, but the outcome is still asked for this long after the authorization has ended, in seconds.
    private static let pursuitAfterEnd: Int64 = 3600
    /// The shortest time that a facilitator is given to settle.
    private static let shortestDeadline = Duration.seconds(1)
    /// The longest: the reference SDKs wait as long.
    private static let longestDeadline = Duration.seconds(90)

    let pool: FacilitatorPool
    let exchange: FacilitatorExchange
    let witness: ChainWitness
    let store: any PaymentStore
    let background: BackgroundPursuits
    let environment: Environment
    let log: Logger

    private var now: Int64 { Int64(self.environment.now()) }

    private struct Job {
        let record: PaymentRecord
        let request: RemoteRequest
        /// When the client has waited long enough; nil when nobody waits.
        let deadline: Duration?
    }

    func settle(_ record: PaymentRecord, keeping events: [PaymentEvent], patience: Duration) async -> SettlementOutcome {
        switch record.phase {
        case .settled:
            guard let settlement = record.settlement else {
                return .unavailable(reason: "a settled payment without a settlement")
            }
            return .settled(settlement)
        case .failed: return .failed(record.failure ?? PaymentRefusal(ErrorReason.transactionFailed.rawValue), transaction: nil)
        case .released: return .unavailable(reason: "payment \(record.id) was released")
        case .signed, .broadcast:
            return .unavailable(reason: "payment \(record.id) was signed here, and is for this program's signers")
        case .queued: return .unavailable(reason: "payment \(record.id) waits for a batch, which only this program's signers make")
        case .claimed, .unknown: break
        }
        let request: RemoteRequest
        do throws(PaymentRefusal) { request = try RemoteRequest(record.claim.payload, option: record.claim.option) } catch {
            return .unavailable(reason: "payment \(record.id) cannot be read: \(error.detail)")
        }
        let job = Job(record: record, request: request, deadline: self.environment.monotonic() + patience)
        do throws(StoreError) {
            if !events.isEmpty { try await self.store.append(events, to: record.id, at: self.now) }
            if record.phase == .claimed || record.failure?.detail == RemoteSubmission.nobody { return try await self.submit(job) }
            guard record.transaction == nil, let submission = RemoteSubmission(reason: record.failure?.detail ?? "") else {
                return .unavailable(reason: "payment \(record.id) was not given to a facilitator")
            }
            return try await self.takeUp(job, submission)
        } catch {
            return .unavailable(reason: "the ledger: \(error.reason)")
        }
    }

    func resume() async throws(StoreError) {
        let records = try await self.store.records(PaymentQuery(in: [.unknown], limit: .max))
        let ours = records.filter { $0.transaction == nil && RemoteSubmission(reason: $0.failure?.detail ?? "") != nil }
        for record in ours { self.pursueInBackground(record.id) }
        if !ours.isEmpty { self.log.info("settlements at facilitators taken up", ["count": ours.count]) }
    }

    // MARK: - One facilitator after the other

    /// What a pursuit came to.
    private enum Result {
        case outcome(SettlementOutcome)
        case elsewhere(reason: String)
    }

    /// Asks in turn until one has taken it. Whom is in the ledger before it is asked.
    private func submit(_ job: Job) async throws(StoreError) -> SettlementOutcome {
        var reasons: [String] = []
        for endpoint in self.pool.awake {
            let extra: JSONObject
            do throws(FacilitatorPool.Unfit) {
                extra = try await self.pool.requiredExtra(of: endpoint, for: job.record.claim.option)
            } catch {
                reasons.append("\(endpoint.url): \(error.reason)")
                continue
            }
            let submission = RemoteSubmission(facilitator: endpoint.url.description)
            try await self.write(.unknown(reason: submission.reason), job)
            switch try await self.pursue(job, RemotePursuit(submission, isRepeat: false), at: endpoint, adding: extra) {
            case .outcome(let outcome): return outcome
            case .elsewhere(let reason): reasons.append("\(endpoint.url): \(reason)")
            }
            try await self.write(.unknown(reason: RemoteSubmission.nobody), job)
        }
        return .unavailable(reason: reasons.isEmpty ? "every facilitator failed a moment ago" : reasons.joined(separator: "; "))
    }

    /// Asks where it was asked before, and nowhere else.
    private func takeUp(_ job: Job, _ submission: RemoteSubmission) async throws(StoreError) -> SettlementOutcome {
        guard let endpoint = self.pool.endpoint(submission.facilitator) else {
            let state = await self.witness.authorization(job.request.payment, of: job.record.claim)
            var pursuit = RemotePursuit(submission, isRepeat: true)
            guard case .finish(let outcome) = pursuit.chainSays(state) else {
                self.log.error(
                    "a settlement is at a facilitator that is no longer configured",
                    ["payment": job.record.id, "facilitator": submission.facilitator]
                )
                return .pending(transaction: submission.transaction)
            }
            return try await self.conclude(outcome, job)
        }
        let extra = (try? await self.pool.requiredExtra(of: endpoint, for: job.record.claim.option)) ?? [:]
        switch try await self.pursue(job, RemotePursuit(submission, isRepeat: true), at: endpoint, adding: extra) {
        case .outcome(let outcome): return outcome
        case .elsewhere: return .pending(transaction: submission.transaction)
        }
    }

    // MARK: - One facilitator

    private func pursue(
        _ job: Job,
        _ first: RemotePursuit,
        at endpoint: FacilitatorEndpoint,
        adding extra: JSONObject
    ) async throws(StoreError) -> Result {
        let body = job.request.body(adding: extra)
        var pursuit = first
        var action = pursuit.start()
        while true {
            switch action {
            case .ask: action = pursuit.answered(await self.ask(job, body, endpoint))
            case .note(let submission):
                try await self.write(.unknown(reason: submission.reason), job)
                action = pursuit.noted()
            case .confirm(let transaction):
                let receipt = await self.witness.receipt(of: transaction, job.request.payment, of: job.record.claim)
                if receipt?.contradicts == true {
                    self.log.error(
                        "a facilitator says success and the chain says otherwise",
                        ["payment": job.record.id, "facilitator": endpoint.url, "transaction": transaction]
                    )
                }
                action = pursuit.chainShows(receipt)
            case .readChain:
                action = pursuit.chainSays(await self.witness.authorization(job.request.payment, of: job.record.claim))
            case .wait(let delay):
                guard self.isWorthWaiting(job, delay) else { return .outcome(self.leave(job, pursuit.submission)) }
                do { try await self.environment.sleep(for: delay) } catch {
                    return .outcome(.pending(transaction: pursuit.submission.transaction))
                }
                action = pursuit.waited()
            case .elsewhere(let reason): return .elsewhere(reason: reason)
            case .finish(let outcome): return .outcome(try await self.conclude(outcome, job))
            }
        }
    }

    private func ask(_ job: Job, _ body: [UInt8], _ endpoint: FacilitatorEndpoint) async -> FacilitatorExchange.SettleVerdict {
        let rest = job.deadline.map { $0 - self.environment.monotonic() } ?? Self.longestDeadline
        let answer = await self.exchange.settle(
            body,
            at: endpoint,
            within: min(max(rest, Self.shortestDeadline), Self.longestDeadline),
            for: job.record,
            payer: job.request.payment.authorization.from
        )
        self.pool.note(answer.health, of: endpoint)
        if case .unknown(let reason) = answer.verdict {
            self.log.warning(
                "a facilitator may have settled",
                ["payment": job.record.id, "facilitator": endpoint.url, "reason": reason]
            )
        }
        return answer.verdict
    }

    private func isWorthWaiting(_ job: Job, _ delay: Duration) -> Bool {
        guard let deadline = job.deadline else {
            return self.now < job.record.claim.validBefore.saturatingAdd(Self.pursuitAfterEnd)
        }
        return self.environment.monotonic() + delay <= deadline
    }

    /// The client has waited long enough; the outcome is asked for on.
    private func leave(_ job: Job, _ submission: RemoteSubmission) -> SettlementOutcome {
        self.log.warning(
            "settlement takes long",
            ["payment": job.record.id, "facilitator": submission.facilitator, "transaction": submission.transaction]
        )
        if job.deadline != nil { self.pursueInBackground(job.record.id) }
        return .pending(transaction: submission.transaction)
    }

    private func pursueInBackground(_ payment: PaymentID) {
        let settler = self
        self.background.start(payment) {
            guard let record = try? await settler.store.record(payment), record.phase == .unknown,
                let submission = RemoteSubmission(reason: record.failure?.detail ?? ""),
                let request = try? RemoteRequest(record.claim.payload, option: record.claim.option)
            else { return }
            _ = try? await settler.takeUp(Job(record: record, request: request, deadline: nil), submission)
        }
    }

    // MARK: - The ledger

    /// Writes how it ended.
    private func conclude(_ outcome: SettlementOutcome, _ job: Job) async throws(StoreError) -> SettlementOutcome {
        switch outcome {
        case .settled(let settlement): try await self.write(.settled(settlement), job)
        case .failed(let refusal, _): try await self.write(.failed(refusal), job)
        case .pending, .unavailable: break
        }
        return outcome
    }

    /// Another pursuit of the same payment may have written the end already; then that stands.
    private func write(_ event: PaymentEvent, _ job: Job) async throws(StoreError) {
        do throws(StoreError) { try await self.store.append([event], to: job.record.id, at: self.now) } catch {
            guard error.isDefect, let record = try await self.store.record(job.record.id),
                record.phase == .settled || record.phase == .failed
            else { throw error }
        }
    }
}

extension SettlementPursuit.ReceiptResult {
    /// Whether the transaction is there, and is no settlement of this payment.
    fileprivate var contradicts: Bool {
        switch self {
        case .silent, .reverted: true
        case .none, .unknown, .transferred: false
        }
    }
}

extension Int64 {
    fileprivate func saturatingAdd(_ other: Int64) -> Int64 {
        let (sum, overflow) = self.addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
