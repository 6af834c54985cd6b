// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollRuntime

/// Serves requests that present a credential: carries out what ``PaidRequest`` decides.
@dynamicMemberLookup
struct PaidCalls: Sendable {
    /// What it works with, the same for every request.
    struct Means: Sendable {
        let methods: [any PaymentMethod]
        let store: any PaymentStore
        let answers: StoredAnswers
        let holding: AnswerHolding
        let settleWait: Duration
        let deferral: DeferralLimits
        let settlingCountMax: Int
        let lease: WorkerLease
        let memory: GatewayMemory
        let screening: Screening
        let metrics: GatewayMetrics
        let environment: Environment
        let log: Logger
    }

    private let means: Shared<Means>
    var proxy: Proxy
    /// How often a payer may ask on the route of this request.
    var payerLimits = PayerLimits.none

    init(_ means: Means, _ proxy: Proxy) {
        self.means = Shared(means)
        self.proxy = proxy
    }

    subscript<Value>(dynamicMember member: KeyPath<Means, Value>) -> Value { self.means.value[keyPath: member] }

    /// - Parameter signedIn: Whose key the client has proven to hold; nil for nobody's.
    func serve(
        _ credential: Credential, signedIn: SignedInAccount?, _ route: PricedRoute, _ upstream: UpstreamPool, _ request: Request,
        _ responder: consuming Responder
    ) async {
        self.memory.active.begin()
        defer { self.memory.active.end() }
        guard let method = self.methods.first(where: { $0.takes(credential.option) }) else {
            self.log.error("no method takes the option", ["route": route.pattern, "option": credential.option.display])
            await self.proxy.refuse(.unavailable, request.head, responder)
            return
        }
        if self.screening.hasList, let payer = method.key(of: credential)?.payer, self.screening.isDenied(payer) {
            self.log.info("payer denied", ["route": route.pattern, "payer": payer])
            await self.proxy.refuse(.payerDenied, request.head, responder)
            return
        }
        let body: HeldBody
        do throws(HTTPError) { body = try await HeldBody(request) } catch {
            await self.proxy.refuse(.body(error), request.head, responder)
            return
        }
        var call = self.call(
            credential, by: method, signedIn: signedIn, route, upstream, request, body, rule: route.terms.settle)
        let ending = await call.run()
        self.metrics.ended(ending)
        await call.deliver(ending, responder)
        call.leave(ending)
    }

    /// Whether the ledger knows what `credential` pays: then it is presented again.
    func isKnown(_ credential: Credential) async -> Bool {
        guard let method = self.methods.first(where: { $0.takes(credential.option) }), let key = method.key(of: credential) else {
            return false
        }
        return (try? await self.store.record(key.id)) != nil
    }

    /// Whether `credential` would settle now.
    func verify(_ credential: Credential, by method: any PaymentMethod, freshness: Freshness) async -> Verification {
        let start = self.environment.monotonic()
        let verification = await method.verify(credential, at: Int64(self.environment.now()), freshness: freshness)
        self.metrics.verified(verification, took: self.environment.monotonic() - start)
        return verification
    }

    /// The driver of a request that presents `credential`.
    ///
    /// - Parameter alternatives: What else credit may pay with.
    func call(
        _ credential: Credential, by method: any PaymentMethod, signedIn: SignedInAccount?, _ route: PricedRoute,
        _ upstream: UpstreamPool, _ request: Request, _ body: HeldBody, rule: SettleRule, alternatives: [PaymentOption] = []
    ) -> PaidCall {
        let identity = RequestParts.identity(request.head, body: body, isIdempotent: route.terms.isIdempotent)
        let machine = PaidRequest(
            // Asked for by name it is looked up before it is verified; otherwise verifying says what it would take.
            credential: credential, key: credential.identifier == nil ? nil : method.key(of: credential), signedIn: signedIn,
            rule: rule, limits: self.deferral, isPaidAhead: method.isPaidAhead, alternatives: alternatives,
            route: route.pattern.description, request: identity, admits: upstream.settings.isAdmission,
            worker: self.lease.worker, at: Int64(self.environment.now()))
        return PaidCall(
            shared: self, method: method, route: route, upstream: upstream, request: request, body: body, machine: machine,
            credential: credential, signedIn: signedIn)
    }
}

/// The driver of one paid request.
struct PaidCall {
    /// How often it is looked how far another request, of this process or another, has come.
    private static let pollInterval = Duration.milliseconds(20)
    /// How often it is asked whether money has arrived: a chain is asked.
    private static let arrivalInterval = Duration.milliseconds(500)
    /// So many requests wait for money at once; further ones are told at once how far it is.
    private static let arrivalsMax = 256

    var shared: PaidCalls
    let method: any PaymentMethod
    let route: PricedRoute
    let upstream: UpstreamPool
    let request: Request
    let body: HeldBody
    var machine: PaidRequest
    let credential: Credential
    let signedIn: SignedInAccount?
    var answer: HeldAnswer?
    /// Tells the call of the upstream that nobody is there any more for whom its answer streams.
    let audience = ClientSignal()
    private var locked: PaymentID?
    private var isInBacklog = false
    private var isCounted = false
    /// Until when another request is waited for.
    private let deadline: Duration
    /// The lease under which it began.
    private let term: Int?

    init(
        shared: PaidCalls, method: any PaymentMethod, route: PricedRoute, upstream: UpstreamPool, request: Request,
        body: HeldBody, machine: PaidRequest, credential: Credential, signedIn: SignedInAccount?
    ) {
        self.shared = shared
        self.method = method
        self.route = route
        self.upstream = upstream
        self.request = request
        self.body = body
        self.machine = machine
        self.credential = credential
        self.deadline = shared.environment.monotonic() + shared.settleWait
        self.term = shared.lease.term
        self.signedIn = signedIn
    }

    var now: Int64 { Int64(self.shared.environment.now()) }

    /// Until the end.
    mutating func run() async -> PaidRequest.Ending {
        var action = self.machine.start()
        while true {
            if case .finish(let ending) = action { return ending }
            do throws(StoreError) { action = try await self.carryOut(action) } catch {
                self.shared.log.error("the ledger does not answer", ["reason": error.reason])
                action = self.machine.storeFailed(error)
            }
        }
    }

    private mutating func carryOut(_ action: PaidRequest.Action) async throws(StoreError) -> PaidRequest.Action {
        let store = self.shared.store
        switch action {
        case .lookUpIdentifier(let hash):
            return self.machine.identified(try await store.payment(identifiedBy: hash))
        case .verify(let freshness):
            return self.machine.verified(await self.verify(freshness))
        case .lookUp(let payment):
            guard await self.acquire(payment) else { return self.machine.waitedTooLong(try await store.record(payment)) }
            return self.machine.known(try await store.record(payment))
        case .countSettled(let payer, let limit):
            var query = PaymentQuery(in: [.settled], limit: limit)
            query.payer = payer
            return self.machine.counted(try await store.records(query).count)
        case .claim(let claim, let terms):
            if let refused = await self.screen(claim) { return refused }
            return try await self.claim(claim, terms)
        case .spendCredit(let claims):
            if let refused = await self.screen(claims[0]) { return refused }
            guard await self.mayAsk(claims[0].payer) else { return self.machine.rateLimited() }
            let payment = claims[0].id
            guard await self.acquire(payment) else { return self.machine.waitedTooLong(try await store.record(payment)) }
            return self.machine.credited(try await store.spendCredit(claims, at: self.now))
        case .takeOver(let payment):
            return self.machine.tookOver(try await store.takeOver(payment, by: self.shared.lease.worker, at: self.now))
        case .lookAgain(let payment):
            guard await self.pause() else { return self.machine.waitedTooLong(try await store.record(payment)) }
            return self.machine.lookedAgain(try await store.record(payment))
        case .settle(let record, let keepsAnswer):
            let kept = keepsAnswer ? self.storableAnswer.map { [PaymentEvent.answered($0)] } ?? [] : []
            let outcome = await self.method.settle(record, keeping: kept, patience: self.shared.settleWait)
            return self.machine.settled(outcome, try await self.record(after: outcome, record, keeping: kept))
        case .callUpstream(let record):
            // Another process may have taken the payment over, and be calling.
            guard let term = self.term, self.shared.lease.term == term else {
                throw .unavailable("this process could not renew its lease on its claims")
            }
            return self.machine.upstreamAnswered(await self.callUpstream(record))
        case .record(let events, let keepsAnswer):
            return try await self.record(events, keepsAnswer: keepsAnswer)
        case .finish:
            preconditionFailure("A finished request has nothing left to do.")
        }
    }

    /// Whether the credential would settle now; of money that is on its way, as far as it has come when it has been waited for as
    /// long as for a settlement. Whoever shows what was never sent has a node asked for it, and so few wait at once.
    private func verify(_ freshness: Freshness) async -> Verification {
        let first = await self.shared.verify(self.credential, by: self.method, freshness: freshness)
        let arrivals = self.shared.memory.arrivals
        guard case .processing = first, arrivals.count < Self.arrivalsMax else { return first }
        arrivals.begin()
        defer { arrivals.end() }
        var verification = first
        while case .processing = verification, await self.pause(Self.arrivalInterval) {
            verification = await self.shared.verify(self.credential, by: self.method, freshness: freshness)
        }
        return verification
    }

    /// What follows when the payer may not buy; nil when it may.
    private mutating func screen(_ claim: Claim) async -> PaidRequest.Action? {
        switch await self.shared.screening.verdict(on: claim) {
        case .allowed: return nil
        case .denied(let reason):
            self.shared.log.info("payer denied", ["route": claim.route, "payer": claim.payer, "reason": reason])
            return self.machine.denied()
        case .unavailable(let reason): return self.machine.couldNotScreen(reason)
        }
    }

    private mutating func claim(_ claim: Claim, _ terms: DeferralTerms?) async throws(StoreError) -> PaidRequest.Action {
        let store = self.shared.store
        guard await self.mayAsk(claim.payer) else { return self.machine.rateLimited() }
        guard await self.acquire(claim.id) else { return self.machine.waitedTooLong(try await store.record(claim.id)) }
        // No money is taken for a call that cannot be made; what was called before may still be had.
        if !self.upstream.isReachable, try await store.record(claim.id)?.isClaimable ?? true {
            return self.machine.upstreamIsOut()
        }
        // What is deferred waits for no settlement, and is bounded by what the seller is willing to lose.
        if terms == nil, !self.isInBacklog {
            guard await self.shared.memory.backlog.enter(upTo: self.shared.settlingCountMax) else {
                return self.machine.tooManyWait()
            }
            self.isInBacklog = true
        }
        let outcome = try await store.claim(claim, deferral: terms, at: self.now)
        if case .notDeferrable(let reason) = outcome {
            self.shared.log.info("not deferred", ["payment": claim.id, "payer": claim.payer, "reason": reason])
        }
        return self.machine.claimed(outcome)
    }

    private mutating func record(
        _ events: [PaymentEvent], keepsAnswer: Bool
    ) async throws(StoreError) -> PaidRequest.Action {
        do throws(StoreError) {
            return self.machine.recorded(try await self.write(events, keepsAnswer: keepsAnswer))
        } catch {
            guard error.isDefect, keepsAnswer, let payment = self.locked,
                let record = try await self.shared.store.record(payment), record.phase == .settled, record.hasAnswer
            else { throw error }
            return self.machine.answeredElsewhere(record)
        }
    }

    private func write(_ events: [PaymentEvent], keepsAnswer: Bool) async throws(StoreError) -> PaymentRecord {
        guard let payment = self.locked else { throw .defect("a payment is written that was never taken") }
        let all = (keepsAnswer ? self.storableAnswer.map { [.answered($0)] } ?? [] : []) + events
        guard !all.isEmpty else { return try await self.held(payment) }
        do throws(StoreError) { return try await self.shared.store.append(all, to: payment, at: self.now) } catch {
            // Housekeeping may have noted the debt meanwhile: then it stands, and need not be noted again.
            guard error.isDefect, all.count == 1, case .owed = all[0] else { throw error }
            let record = try await self.held(payment)
            guard record.isOwed else { throw error }
            return record
        }
    }

    private func held(_ payment: PaymentID) async throws(StoreError) -> PaymentRecord {
        guard let record = try await self.shared.store.record(payment) else { throw .defect("payment \(payment) is gone") }
        return record
    }

    /// The payment after its settlement. A success says all there is to know; anything else is read from the ledger.
    private func record(
        after outcome: SettlementOutcome, _ record: PaymentRecord, keeping events: [PaymentEvent]
    ) async throws(StoreError) -> PaymentRecord {
        if case .settled(let settlement) = outcome {
            var after = record
            do {
                for event in events + [.settled(settlement)] { try after.apply(event, at: self.now) }
                return after
            } catch {}  // It was settled before, or meanwhile.
        }
        return try await self.shared.store.record(record.id) ?? record
    }

    /// Counts the request for who pays, once; false when it is one too many. Only now it is known that nobody else speaks for it.
    private mutating func mayAsk(_ payer: String) async -> Bool {
        guard !self.isCounted else { return true }
        self.isCounted = true
        let verdict = await self.shared.payerLimits.admit(payer)
        self.shared.proxy.rates = self.shared.proxy.rates.joined(verdict)
        return verdict.isAdmitted
    }

    /// Waits for another request of this process that works on the payment, as long as for a settlement.
    private mutating func acquire(_ payment: PaymentID) async -> Bool {
        guard self.locked != payment else { return true }
        while !self.shared.lease.locks.tryAcquire(payment) { guard await self.pause() else { return false } }
        self.locked = payment
        RequestContext.current?.note(payment: payment.description)
        return true
    }

    /// Lets others go on; false when it has been waited long enough.
    private func pause(_ interval: Duration = Self.pollInterval) async -> Bool {
        guard self.shared.environment.monotonic() < self.deadline else { return false }
        return (try? await self.shared.environment.sleep(for: interval)) != nil
    }

    /// Lets others work on the payment.
    func leave(_ ending: PaidRequest.Ending) {
        self.audience.finish()
        if let payment = self.locked { self.shared.lease.locks.release(payment) }
        guard self.isInBacklog else { return }
        self.shared.memory.backlog.leave(isSettling: ending.isPending)
    }

    private mutating func callUpstream(_ record: PaymentRecord) async -> PaidRequest.UpstreamOutcome {
        let proxy = self.shared.proxy
        var outgoing = proxy.forwarding.request(
            self.request, to: self.upstream.settings, body: self.body.forClient, payment: record)
        // Not the client's own: a call that is paid for, or may be, goes on without it, so that the answer can be had again.
        outgoing.caller = self.audience
        do throws(HTTPError) {
            let response = try await self.upstream.send(outgoing) { [watch = self.body.watch] in watch?.failure != nil }
            let isHeld = self.machine.holdsAnswer(to: record)
            if isHeld, Self.isEventStream(response.head) {
                self.shared.log.warning(
                    "events are held until they are paid for; settle the route before, or deferred",
                    ["route": self.route.pattern])
            }
            let answer = try await HeldAnswer(
                response, isHeldWhole: isHeld, requestMethod: self.request.head.method, holding: self.shared.holding)
            self.answer = answer
            return .answer(status: answer.head.status)
        } catch {
            if let fault = self.body.fault {
                self.shared.log.info("request broke off", ["payment": record.id, "reason": error.description])
                return .requestBroken(fault)
            }
            self.shared.log.warning(
                "upstream failed", ["upstream": self.upstream.name, "payment": record.id, "reason": error.description])
            let kind: PaidRequest.UpstreamFailure.Kind =
                switch error.code {
                case .timedOut: .timedOut
                case .tooLarge: .tooLarge
                case .unavailable where error.isBeforeSend: .unavailable
                default: .failed
                }
            return .failed(PaidRequest.UpstreamFailure(kind, reason: error.description))
        }
    }

    private static func isEventStream(_ head: ResponseHead) -> Bool {
        head.fields.firstText(.contentType)?.lowercased().hasPrefix("text/event-stream") ?? false
    }

    /// What the ledger keeps of the upstream's answer; nil when the route keeps none or it is too large.
    private var storableAnswer: StoredAnswer? {
        guard self.route.terms.storesAnswers, let answer = self.answer else { return nil }
        return answer.stored(
            self.shared.proxy.forwarding.response(answer.head, from: self.upstream.settings),
            requestMethod: self.request.head.method)
    }
}
