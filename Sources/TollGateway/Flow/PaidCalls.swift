// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollRuntime

/// Serves requests that present a credential: carries out what ``PaidRequest`` decides.
struct PaidCalls: Sendable {
    let methods: [any PaymentMethod]
    let store: any PaymentStore
    let answers: StoredAnswers
    let holding: AnswerHolding
    let proxy: Proxy
    let settleWait: Duration
    let deferral: DeferralLimits
    let ledgerUse: LedgerUse
    let backlog: SettlementBacklog
    let environment: Environment
    let log: Logger
    let locks = PaymentLocks()
    let active = ActiveCalls()

    /// - Parameter signedIn: Whose key the client has proven to hold; nil for nobody's.
    func serve(
        _ credential: Credential, signedIn: SignedInAccount?, _ route: PricedRoute, _ upstream: UpstreamPool, _ request: Request,
        _ responder: consuming Responder
    ) async {
        self.active.begin()
        defer { self.active.end() }
        guard let method = self.methods.first(where: { $0.takes(credential.option) }) else {
            self.log.error("no method takes the option", ["route": route.pattern, "option": credential.option.display])
            await self.proxy.refuse(.unavailable, request.head, responder)
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
        await call.deliver(ending, responder)
        call.leave(ending)
    }

    /// Since when a claim without an end is nobody's any more: who claimed it would have had it answered and settled by now.
    private func interruptedBefore(_ now: Int64, _ upstream: UpstreamPool) -> Int64 {
        switch self.ledgerUse {
        case .alone: .max
        case .shared: now - (upstream.settings.timeout + self.settleWait).components.seconds - LedgerUse.graceSeconds
        }
    }

    /// The driver of a request that presents `credential`.
    func call(
        _ credential: Credential, by method: any PaymentMethod, signedIn: SignedInAccount?, _ route: PricedRoute,
        _ upstream: UpstreamPool, _ request: Request, _ body: HeldBody, rule: SettleRule
    ) -> PaidCall {
        let identity = RequestParts.identity(request.head, body: body, isIdempotent: route.terms.isIdempotent)
        let now = Int64(self.environment.now())
        let machine = PaidRequest(
            credential: credential, key: method.key(of: credential), signedIn: signedIn, rule: rule, limits: self.deferral,
            route: route.pattern.description, request: identity, interruptedBefore: self.interruptedBefore(now, upstream),
            at: now)
        return PaidCall(
            shared: self, method: method, route: route, upstream: upstream, request: request, body: body, machine: machine,
            credential: credential, signedIn: signedIn)
    }
}

/// The driver of one paid request.
struct PaidCall {
    /// How often it is looked how far another request, of this process or another, has come.
    private static let pollInterval = Duration.milliseconds(20)

    let shared: PaidCalls
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
    /// Until when another request is waited for.
    private let deadline: Duration

    init(
        shared: PaidCalls, method: any PaymentMethod, route: PricedRoute, upstream: UpstreamPool, request: Request,
        body: HeldBody,
        machine: PaidRequest, credential: Credential, signedIn: SignedInAccount?
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
            return self.machine.verified(await self.method.verify(self.credential, at: self.now, freshness: freshness))
        case .lookUp(let payment):
            guard await self.acquire(payment) else { return self.machine.waitedTooLong(try await store.record(payment)) }
            return self.machine.known(try await store.record(payment))
        case .countSettled(let payer, let limit):
            var query = PaymentQuery(in: [.settled], limit: limit)
            query.payer = payer
            return self.machine.counted(try await store.records(query).count)
        case .claim(let claim, let terms):
            return try await self.claim(claim, terms)
        case .spendCredit(let claim):
            guard await self.acquire(claim.id) else { return self.machine.waitedTooLong(try await store.record(claim.id)) }
            return self.machine.credited(try await store.spendCredit(claim, at: self.now))
        case .lookAgain(let payment):
            guard await self.pause() else { return self.machine.waitedTooLong(try await store.record(payment)) }
            return self.machine.lookedAgain(try await store.record(payment))
        case .settle(let record, let keepsAnswer):
            let kept = keepsAnswer ? self.storableAnswer.map { [PaymentEvent.answered($0)] } ?? [] : []
            let outcome = await self.method.settle(record, keeping: kept, patience: self.shared.settleWait)
            return self.machine.settled(outcome, try await self.record(after: outcome, record, keeping: kept))
        case .callUpstream(let record):
            return self.machine.upstreamAnswered(await self.callUpstream(record))
        case .record(let events, let keepsAnswer):
            return self.machine.recorded(try await self.write(events, keepsAnswer: keepsAnswer))
        case .finish:
            preconditionFailure("A finished request has nothing left to do.")
        }
    }

    private mutating func claim(_ claim: Claim, _ terms: DeferralTerms?) async throws(StoreError) -> PaidRequest.Action {
        let store = self.shared.store
        guard await self.acquire(claim.id) else { return self.machine.waitedTooLong(try await store.record(claim.id)) }
        // No money is taken for a call that cannot be made; what was called before may still be had.
        if !self.upstream.isReachable, try await store.record(claim.id)?.isClaimable ?? true {
            return self.machine.upstreamIsOut()
        }
        // What is deferred waits for no settlement, and is bounded by what the seller is willing to lose.
        if terms == nil, !self.isInBacklog {
            guard await self.shared.backlog.enter() else { return self.machine.tooManyWait() }
            self.isInBacklog = true
        }
        let outcome = try await store.claim(claim, deferral: terms, at: self.now)
        if case .notDeferrable(let reason) = outcome {
            self.shared.log.info("not deferred", ["payment": claim.id, "payer": claim.payer, "reason": reason])
        }
        return self.machine.claimed(outcome)
    }

    private func write(_ events: [PaymentEvent], keepsAnswer: Bool) async throws(StoreError) -> PaymentRecord {
        guard let payment = self.locked else { throw .defect("a payment is written that was never taken") }
        let all = (keepsAnswer ? self.storableAnswer.map { [.answered($0)] } ?? [] : []) + events
        guard all.isEmpty else { return try await self.shared.store.append(all, to: payment, at: self.now) }
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

    /// Waits for another request of this process that works on the payment, as long as for a settlement.
    private mutating func acquire(_ payment: PaymentID) async -> Bool {
        guard self.locked != payment else { return true }
        while !self.shared.locks.tryAcquire(payment) { guard await self.pause() else { return false } }
        self.locked = payment
        return true
    }

    /// Lets others go on; false when it has been waited long enough.
    private func pause() async -> Bool {
        guard self.shared.environment.monotonic() < self.deadline else { return false }
        return (try? await self.shared.environment.sleep(for: Self.pollInterval)) != nil
    }

    /// Lets others work on the payment.
    func leave(_ ending: PaidRequest.Ending) {
        self.audience.finish()
        if let payment = self.locked { self.shared.locks.release(payment) }
        guard self.isInBacklog else { return }
        self.shared.backlog.leave(isSettling: ending.isPending)
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
