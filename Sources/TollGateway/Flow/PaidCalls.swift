// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollRuntime

/// Serves requests that present a credential: carries out what ``PaidRequest`` decides.
struct PaidCalls: Sendable {
    let methods: [any PaymentMethod]
    let store: any PaymentStore
    let proxy: Proxy
    let settleWait: Duration
    let environment: Environment
    let log: Logger
    let locks = PaymentLocks()

    /// - Parameter signedIn: Whose key the client has proven to hold; nil for nobody's.
    func serve(
        _ credential: Credential, signedIn: SignedInAccount?, _ route: PricedRoute, _ upstream: Upstream, _ request: Request,
        _ responder: consuming Responder
    ) async {
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
            credential, by: method, signedIn: signedIn, route, upstream, request, body, policy: route.terms.policy)
        let ending = await call.run()
        await call.deliver(ending, responder)
        call.releaseLock()
    }

    /// The driver of a request that presents `credential`.
    func call(
        _ credential: Credential, by method: any PaymentMethod, signedIn: SignedInAccount?, _ route: PricedRoute,
        _ upstream: Upstream, _ request: Request, _ body: HeldBody, policy: SettlePolicy
    ) -> PaidCall {
        let identity = RequestParts.identity(request.head, body: body, isIdempotent: route.terms.isIdempotent)
        let machine = PaidRequest(
            credential: credential, key: method.key(of: credential), signedIn: signedIn, policy: policy,
            route: route.pattern.description, request: identity, at: Int64(self.environment.now()))
        return PaidCall(
            shared: self, method: method, route: route, upstream: upstream, request: request, body: body, machine: machine,
            credential: credential, signedIn: signedIn)
    }
}

/// The driver of one paid request.
struct PaidCall {
    let shared: PaidCalls
    let method: any PaymentMethod
    let route: PricedRoute
    let upstream: Upstream
    let request: Request
    let body: HeldBody
    var machine: PaidRequest
    let credential: Credential
    let signedIn: SignedInAccount?
    var answer: HeldAnswer?
    private var locked: PaymentID?

    init(
        shared: PaidCalls, method: any PaymentMethod, route: PricedRoute, upstream: Upstream, request: Request, body: HeldBody,
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
        case .verify:
            return self.machine.verified(await self.method.verify(self.credential, at: self.now))
        case .lookUp(let payment):
            guard await self.acquire(payment) else { return self.machine.waitedTooLong(for: payment) }
            return self.machine.known(try await store.record(payment))
        case .claim(let claim):
            guard await self.acquire(claim.id) else { return self.machine.waitedTooLong(for: claim.id) }
            return self.machine.claimed(try await store.claim(claim, at: self.now))
        case .spendCredit(let claim):
            guard await self.acquire(claim.id) else { return self.machine.waitedTooLong(for: claim.id) }
            return self.machine.credited(try await store.spendCredit(claim, at: self.now))
        case .settle(let record):
            let outcome = await self.method.settle(record, patience: self.shared.settleWait)
            return self.machine.settled(outcome, try await self.record(after: outcome, record))
        case .callUpstream(let record):
            return self.machine.upstreamAnswered(await self.callUpstream(record))
        case .record(let events, let keepsAnswer):
            guard let payment = self.locked else { throw .defect("a payment is written that was never taken") }
            let answer = keepsAnswer ? self.storableAnswer : nil
            let all = (answer.map { [.answered($0)] } ?? []) + events
            guard !all.isEmpty, let record = try await self.append(all, to: payment) else {
                guard let record = try await store.record(payment) else { throw .defect("payment \(payment) is gone") }
                return self.machine.recorded(record)
            }
            return self.machine.recorded(record)
        case .finish:
            preconditionFailure("A finished request has nothing left to do.")
        }
    }

    /// The payment after its settlement. A success says all there is to know; anything else is read from the ledger.
    private func record(after outcome: SettlementOutcome, _ record: PaymentRecord) async throws(StoreError) -> PaymentRecord {
        var after = record
        if case .settled(let settlement) = outcome, (try? after.apply(.settled(settlement), at: self.now)) != nil { return after }
        return try await self.shared.store.record(record.id) ?? record
    }

    private func append(_ events: [PaymentEvent], to payment: PaymentID) async throws(StoreError) -> PaymentRecord? {
        try await self.shared.store.append(events, to: payment, at: self.now)
    }

    /// Waits for another request that holds the payment, as long as for a settlement.
    private mutating func acquire(_ payment: PaymentID) async -> Bool {
        guard self.locked != payment else { return true }
        let deadline = self.shared.environment.monotonic() + self.shared.settleWait
        while !self.shared.locks.tryAcquire(payment) {
            guard self.shared.environment.monotonic() < deadline else { return false }
            do { try await self.shared.environment.sleep(for: .milliseconds(20)) } catch { return false }
        }
        self.locked = payment
        return true
    }

    func releaseLock() {
        if let payment = self.locked { self.shared.locks.release(payment) }
    }

    private mutating func callUpstream(_ record: PaymentRecord) async -> PaidRequest.UpstreamOutcome {
        let proxy = self.shared.proxy
        let outgoing = proxy.forwarding.request(self.request.head, to: self.upstream, body: self.body.forClient, payment: record)
        do throws(HTTPError) {
            let response = try await proxy.client.send(outgoing)
            let answer = try await HeldAnswer(
                response, isHeldWhole: record.phase != .settled, requestMethod: self.request.head.method)
            self.answer = answer
            return .answer(status: answer.head.status)
        } catch {
            self.shared.log.warning(
                "upstream failed", ["upstream": self.upstream.name, "payment": record.id, "reason": error.description])
            let kind: PaidRequest.UpstreamFailure.Kind =
                error.code == .timedOut ? .timedOut : error.code == .tooLarge ? .tooLarge : .failed
            return .failed(PaidRequest.UpstreamFailure(kind, reason: error.description))
        }
    }

    /// What the ledger keeps of the upstream's answer; nil when the route keeps none or it is too large.
    private var storableAnswer: StoredAnswer? {
        guard self.route.terms.storesAnswers, let answer = self.answer else { return nil }
        return answer.stored(self.shared.proxy.forwarding.response(answer.head, from: self.upstream))
    }
}
