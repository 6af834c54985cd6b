// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
public import TollPayments
internal import TollPrimitives
internal import TollProtocol
public import TollRuntime

/// Verifies and settles payments for others' servers: `POST /verify`, `POST /settle`, `GET /supported`, `GET /health`.
///
/// An answer about a payment has status 200, whether the payment is good or not; any other status says nothing about it.
public struct Facilitator: RequestHandler {
    /// Longer keys are not remembered. Keys in use are UUIDs.
    private static let idempotencyKeyLengthMax = 255

    private let configuration: FacilitatorConfiguration
    private let tokens: BearerTokens
    private let gas: GasBudget?
    private let methods: [any PaymentMethod]
    private let store: any PaymentStore
    private let settleCalls: SettleCalls
    private let environment: Environment
    private let log: Logger
    private let metrics: FacilitatorMetrics
    private let access: Logger?

    /// A facilitator.
    ///
    /// - Parameters:
    ///   - methods: How money moves; the first that takes an option is used.
    ///   - store: The ledger. A gateway may use it too: neither answers for the other's claims.
    ///   - metrics: Where it counts.
    ///   - access: Gets a line for each request, without its query; nil for none.
    public init(
        _ configuration: FacilitatorConfiguration,
        methods: [any PaymentMethod],
        store: any PaymentStore,
        environment: Environment,
        log: Logger,
        metrics: FacilitatorMetrics = FacilitatorMetrics(MetricsRegistry()),
        access: Logger? = nil
    ) {
        self.configuration = configuration
        self.tokens = BearerTokens(configuration.tokens)
        self.gas = configuration.gasPerHour.map(GasBudget.init)
        self.methods = methods
        self.store = store
        self.settleCalls = SettleCalls(store: store, patience: configuration.patience, environment: environment, log: log)
        self.environment = environment
        self.log = log
        self.metrics = metrics
        self.access = access
    }

    /// Answers one request.
    public func handle(_ request: Request, _ responder: consuming Responder) async {
        let call = ServedCall(at: self.environment.monotonic())
        responder.observe(by: call)
        await self.answer(request, call, responder)
        call.end(request, at: self.environment.monotonic(), self.metrics, self.access)
    }

    private func answer(_ request: Request, _ call: ServedCall, _ responder: consuming Responder) async {
        let reply: Reply
        do throws(FacilitatorProblem) {
            let endpoint = try Endpoint(request.head)
            call.asks(endpoint)
            let token = endpoint == .health ? nil : try self.tokens.caller(request.head)
            call.came(to: .ok)
            switch endpoint {
            case .health: reply = Reply(json: ["status": "ok"])
            case .supported: reply = Reply(json: self.configuration.supported.json)
            case .verify: reply = try await self.verify(try await self.read(request), request, call)
            case .settle:
                await self.settle(request, token: token, call, responder)
                return
            }
        } catch {
            call.came(to: .problem(error))
            reply = error.reply
        }
        await self.send(reply, responder)
    }

    /// Says whether the whole answer was written.
    @discardableResult
    private func send(_ reply: Reply, _ responder: consuming Responder) async -> Bool {
        do throws(HTTPError) {
            try await responder.send(reply.head, body: reply.body)
            return true
        } catch {
            self.log.debug("answer not delivered", ["reason": error.description])
            return false
        }
    }

    private func read(_ request: Request) async throws(FacilitatorProblem) -> AskedPayment {
        let limit = self.configuration.bodyBytes
        if case .length(let length) = request.head.framing, length > UInt64(limit) { throw .bodyTooLarge(limit) }
        let body: [UInt8]
        do throws(HTTPError) { body = try await request.body.collect(upTo: limit) } catch {
            throw error.code == .tooLarge ? .bodyTooLarge(limit) : .malformedBody
        }
        do throws(WireError) { return try AskedPayment(body: body, for: self.configuration) } catch {
            self.log.info("request not understood", ["peer": request.peer, "reason": error.description])
            throw .malformed(error)
        }
    }

    private func method(for option: PaymentOption) throws(FacilitatorProblem) -> any PaymentMethod {
        guard let method = self.methods.first(where: { $0.takes(option) }) else {
            self.log.error("no method takes the option", ["option": option.display, "network": option.network])
            throw .unavailable
        }
        return method
    }

    // MARK: - Verify

    private func verify(
        _ asked: AskedPayment, _ request: Request, _ call: ServedCall
    ) async throws(FacilitatorProblem) -> Reply {
        switch try await self.verification(asked) {
        case .valid(let payment):
            call.came(to: .valid)
            return Reply(json: VerifyResponse(isValid: true, payer: payment.payer).json)
        case .processing(let state):
            call.came(to: .invalid(state))
            return Reply(json: self.refusal(state, payer: nil, request))
        case .invalid(let refusal, let payer, _):
            call.came(to: .invalid(refusal))
            return Reply(json: self.refusal(refusal, payer: payer, request))
        case .unavailable(let reason):
            self.log.error("payments unavailable", ["call": "verify", "reason": reason])
            throw .unavailable
        }
    }

    private func refusal(_ refusal: PaymentRefusal, payer: String?, _ request: Request) -> JSONObject {
        self.log.info(
            "payment refused",
            [
                "call": "verify", "peer": request.peer, "reason": refusal.reason, "detail": refusal.detail,
                "payer": payer ?? "",
            ]
        )
        return VerifyResponse(
            isValid: false,
            invalidReason: ErrorReason(rawValue: refusal.reason),
            invalidMessage: refusal.message,
            payer: payer
        ).json
    }

    /// What the method says, and the ledger: what is claimed there is as good as spent.
    private func verification(_ asked: AskedPayment) async throws(FacilitatorProblem) -> Verification {
        let credential: Credential
        switch asked.credential {
        case .failure(let refusal): return .invalid(refusal)
        case .success(let read): credential = read
        }
        let method = try self.method(for: credential.option)
        let verification = await method.verify(credential, at: self.settleCalls.now)
        guard case .valid(let payment) = verification else { return verification }
        do throws(StoreError) {
            guard let record = try await self.store.record(payment.key.id), !record.isClaimable else { return verification }
            let refusal = PaymentRefusal(
                ErrorReason.nonceAlreadyUsed.rawValue,
                detail: "the authorization was presented for settlement"
            )
            return .invalid(refusal, payer: payment.payer, key: payment.key)
        } catch {
            return .unavailable(reason: "the ledger: \(error.reason)")
        }
    }

    // MARK: - Settle

    private func settle(_ request: Request, token: Int?, _ call: ServedCall, _ responder: consuming Responder) async {
        let asked: AskedPayment
        let result: SettleCalls.Result
        let caller = Self.caller(request.head, token: token)
        do throws(FacilitatorProblem) {
            asked = try await self.read(request)
            switch asked.credential {
            case .failure(let refusal): result = .refused(refusal)
            case .success(let credential):
                if let wait = self.gas?.take(at: self.environment.monotonic()) { throw .outOfGas(wait) }
                result = await self.settleCalls.run(credential, by: try self.method(for: credential.option), for: caller)
            }
        } catch {
            call.came(to: .problem(error))
            await self.send(error.reply, responder)
            return
        }
        call.came(to: .ended(result.ending))
        if !result.ending.mayHaveSpentGas { self.gas?.giveBack() }
        self.logEnd(result.ending, request)
        let reply =
            result.ending.response(network: asked.network).map { Reply(json: $0.json) } ?? FacilitatorProblem.unavailable.reply
        let isDelivered = await self.send(reply, responder)
        await self.settleCalls.close(result, for: caller, isDelivered: isDelivered)
    }

    /// The caller that can be known again; nil without a token, a key, or with more than one key.
    private static func caller(_ head: RequestHead, token: Int?) -> Caller? {
        guard let token, head.fields.count(of: .idempotencyKey) == 1, let key = head.fields.firstText(.idempotencyKey),
            !key.isEmpty,
            key.utf8.count <= Self.idempotencyKeyLengthMax
        else { return nil }
        return Caller(token: token, idempotencyKey: key)
    }

    private func logEnd(_ ending: SettleCall.Ending, _ request: Request) {
        let log = self.log.with(["call": "settle", "peer": request.peer])
        switch ending {
        case .success(let record):
            log.info("settled", ["payment": record.id, "payer": record.claim.payer, "transaction": record.knownTransaction])
        case .toldBefore(let record), .taken(let record):
            log.info(
                "settled before",
                ["payment": record.id, "payer": record.claim.payer, "transaction": record.knownTransaction]
            )
        case .refused(let refusal, let payer):
            log.info("payment refused", ["reason": refusal.reason, "detail": refusal.detail, "payer": payer ?? ""])
        case .failed(let refusal, let transaction, let payer):
            log.warning(
                "settlement failed",
                ["reason": refusal.reason, "detail": refusal.detail, "transaction": transaction ?? "", "payer": payer]
            )
        case .pending(let transaction, let payer):
            log.warning("settlement pending", ["transaction": transaction, "payer": payer])
        case .unavailable(let reason): log.error("payments unavailable", ["reason": reason])
        }
    }
}
