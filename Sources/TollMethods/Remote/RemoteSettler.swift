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

    /// Between two looks at a payment that nobody waits for and no facilitator has, or while the ledger does not answer.
    private static let firstRest = Duration.seconds(1)
    /// Each rest is twice as long as the one before, up to this: shorter than anybody's patience with a payment that has settled.
    private static let longestRest = Duration.seconds(30)

    let pool: FacilitatorPool
    let exchange: FacilitatorExchange
    let witness: ChainWitness
    let store: any PaymentStore
    let background: BackgroundPursuits
    let environment: Environment
    let log: Logger
    /// Settles with our own signers what no facilitator took; nil without signers.
    let lastResort: ExactEVM?

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
        case .signed, .broadcast, .queued:
            guard let lastResort = self.lastResort else {
                return .unavailable(reason: "payment \(record.id) is for this program's signers, and none is configured")
            }
            return await lastResort.settle(record, keeping: events, patience: patience)
        case .unknown where record.isOurs:
            guard let lastResort = self.lastResort else { break }
            return await lastResort.settle(record, keeping: events, patience: patience)
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
            self.pursueInBackground(record.id)
            return .unavailable(reason: "the ledger: \(error.reason)")
        }
    }

    func resume() async throws(StoreError) {
        var query = PaymentQuery(in: [.unknown], limit: 500)
        var count = 0
        while true {
            let page = try await self.store.records(query)
            let ours = page.filter { record in
                let reason = record.failure?.detail ?? ""
                return record.transaction == nil
                    && (reason == RemoteSubmission.nobody || RemoteSubmission(reason: reason) != nil)
            }
            for record in ours { self.pursueInBackground(record.id) }
            count += ours.count
            guard page.count == query.limit, let last = page.last else { break }
            query.after = PaymentQuery.Cursor(last)
        }
        if count > 0 { self.log.info("settlements at facilitators taken up", ["count": count]) }
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
        let reason = reasons.isEmpty ? "every facilitator failed a moment ago" : reasons.joined(separator: "; ")
        if let outcome = try await self.settleHere(job, reason) { return outcome }
        self.pursueInBackground(job.record.id)
        return .unavailable(reason: reason)
    }

    /// What certainly no facilitator has is settled by our own signers, where there are any.
    private func settleHere(_ job: Job, _ reason: String) async throws(StoreError) -> SettlementOutcome? {
        guard let lastResort = self.lastResort, lastResort.takes(job.record.claim.option),
            var record = try await self.store.record(job.record.id)
        else { return nil }
        if record.phase == .unknown {
            guard record.failure?.detail == RemoteSubmission.nobody else { return nil }
            record = try await self.store.append(
                [.returned(reason: RemoteSubmission.nobody, transaction: "")], to: record.id, at: self.now)
        }
        self.log.warning("no facilitator settles; settled here", ["payment": record.id, "reason": reason])
        let rest = job.deadline.map { $0 - self.environment.monotonic() } ?? .zero
        return await lastResort.settle(record, keeping: [], patience: max(rest, .zero))
    }

    /// Asks where it was asked before, and nowhere else.
    private func takeUp(_ job: Job, _ submission: RemoteSubmission) async throws(StoreError) -> SettlementOutcome {
        guard let endpoint = self.pool.endpoint(submission.facilitator) else {
            let state = await self.witness.authorization(of: job.record)
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
                let receipt = await self.witness.receipt(of: transaction, for: job.record)
                if receipt?.contradicts == true {
                    self.log.error(
                        "a facilitator says success and the chain says otherwise",
                        ["payment": job.record.id, "facilitator": endpoint.url, "transaction": transaction]
                    )
                }
                action = pursuit.chainShows(receipt)
            case .readChain:
                action = pursuit.chainSays(await self.witness.authorization(of: job.record))
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

    /// Until the outcome is known, or nothing more can be learned. A ledger that does not answer is asked again: who has the
    /// payment stands there.
    private func pursueInBackground(_ payment: PaymentID) {
        let settler = self
        self.background.start(payment) {
            var rest = Self.firstRest
            while true {
                do throws(StoreError) {
                    guard try await settler.goOn(payment) else { return }
                } catch {
                    settler.log.error("a settlement waits for the ledger", ["payment": payment, "reason": error.reason])
                }
                do { try await settler.environment.sleep(for: rest) } catch { return }
                rest = min(rest * 2, Self.longestRest)
            }
        }
    }

    /// Brings a payment that nobody waits for as far as it gets; says whether it is worth going on.
    private func goOn(_ payment: PaymentID) async throws(StoreError) -> Bool {
        guard let record = try await self.store.record(payment), record.phase == .unknown, record.transaction == nil,
            let request = try? RemoteRequest(record.claim.payload, option: record.claim.option)
        else { return false }
        let job = Job(record: record, request: request, deadline: nil)
        guard record.failure?.detail == RemoteSubmission.nobody else {
            guard let submission = RemoteSubmission(reason: record.failure?.detail ?? "") else { return false }
            _ = try await self.takeUp(job, submission)
            return false
        }
        // Nobody took it, and nobody will but for whoever presents it again: what is left to see is how it ends on chain.
        var pursuit = RemotePursuit(RemoteSubmission(facilitator: ""), isRepeat: true)
        let state = await self.witness.authorization(of: record)
        guard case .finish(let outcome) = pursuit.chainSays(state) else { return self.isWorthWaiting(job, Self.longestRest) }
        _ = try await self.conclude(outcome, job)
        return false
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

extension Int64 {
    fileprivate func saturatingAdd(_ other: Int64) -> Int64 {
        let (sum, overflow) = self.addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
