// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollHTTP
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// One question to one facilitator, and a strict reading of the answer.
///
/// A verdict is a JSON object with a boolean, on 200 and also on 400, 412 and 500, where some facilitators put it. Everything
/// else is no word about the payment.
struct FacilitatorExchange: Sendable {
    /// Whether the facilitator does its work, whatever it says of the payment.
    enum Health: Hashable, Sendable {
        case working
        /// Not to be asked for a while.
        case failing
        /// It answered something that a hostile payment may have caused: no reason to leave it alone.
        case doubtful
    }

    /// What `/verify` came to.
    enum VerifyVerdict: Hashable, Sendable {
        case valid
        case invalid(PaymentRefusal)
        /// Nothing is known about the payment.
        case none(reason: String)
    }

    /// What `/settle` came to.
    enum SettleVerdict: Hashable, Sendable {
        /// The money moved.
        case success(transaction: String)
        /// Sent; empty when the facilitator does not say under which hash.
        case pending(transaction: String)
        /// It says that the money did not move.
        case failure(PaymentRefusal, transaction: String)
        /// The request did not reach it, or was turned away at the door: nothing was settled.
        case notTaken(reason: String)
        /// It may have settled.
        case unknown(reason: String)
    }

    /// The most bytes of an answer that are read. The largest, `/supported` of a facilitator of many chains, takes a few KiB.
    private static let bodySizeMax = 256 * 1024
    /// Where verdicts are found.
    private static let verdictStatuses: Set<Int> = [200, 400, 412, 500]
    /// Turned away before any work was done (RFC 9110 §15.5, RFC 6585 §4).
    private static let doorStatuses: Set<Int> = [401, 403, 404, 405, 413, 415, 429]
    /// Statuses that say the facilitator is unable for now, or will not serve us.
    private static let failingStatuses: Set<Int> = [401, 403, 429, 502, 503, 504]

    let client: any HTTPClient

    /// What came over the wire.
    private enum Reply {
        case answer(status: Int, JSONObject?)
        case error(HTTPError)

        var health: Health {
            switch self {
            case .answer(let status, _) where failingStatuses.contains(status): .failing
            case .answer(let status, .some) where verdictStatuses.contains(status): .working
            case .answer: .doubtful
            case .error(let error): error.code == .cancelled || error.code == .invalidMessage ? .doubtful : .failing
            }
        }

        /// For the log.
        var reason: String {
            switch self {
            case .answer(let status, _): "answered \(status) without a verdict"
            case .error(let error): error.description
            }
        }
    }

    private func send(_ request: ClientRequest) async -> Reply {
        do throws(HTTPError) {
            let response = try await self.client.send(request)
            let status = response.head.status
            do throws(HTTPError) {
                let body = try await response.body.collect(upTo: Self.bodySizeMax)
                return .answer(status: status, (try? JSON(parsing: body))?.object)
            } catch {
                // The head was here, so the request was too.
                return .error(HTTPError(error.code, error.reason, isBeforeSend: false))
            }
        } catch {
            return .error(error)
        }
    }

    private func post(
        _ body: [UInt8],
        _ call: String,
        at endpoint: FacilitatorEndpoint,
        within deadline: Duration,
        fields: Fields = [:]
    ) async -> Reply {
        var all: Fields = ["Content-Type": "application/json"]
        all.append(contentsOf: fields)
        return await self.send(endpoint.request(.post, call, fields: all, body: .bytes(body), deadline: deadline))
    }

    // MARK: - Calls

    /// Asks `/verify`.
    ///
    /// - Parameter payer: Who pays by the payload; an answer about someone else is none.
    func verify(
        _ body: [UInt8],
        at endpoint: FacilitatorEndpoint,
        within deadline: Duration,
        payer: Address
    ) async -> (verdict: VerifyVerdict, health: Health) {
        let reply = await self.post(body, "/verify", at: endpoint, within: deadline)
        return (Self.verifyVerdict(reply, payer), reply.health)
    }

    private static func verifyVerdict(_ reply: Reply, _ payer: Address) -> VerifyVerdict {
        guard case .answer(let status, let json?) = reply, verdictStatuses.contains(status),
            let response = try? VerifyResponse(json)
        else { return .none(reason: reply.reason) }
        guard !response.isValid else {
            guard status == 200 else { return .none(reason: "says valid with status \(status)") }
            guard self.isSame(response.payer, payer) else { return .none(reason: "verified a payment of someone else") }
            return .valid
        }
        let reason = response.invalidReason ?? .invalidPayload
        guard reason != .unexpectedVerifyError else { return .none(reason: "says \(reason): \(response.invalidMessage ?? "")") }
        return .invalid(PaymentRefusal(reason.rawValue, detail: response.invalidMessage ?? ""))
    }

    /// Asks `/settle`.
    func settle(
        _ body: [UInt8],
        at endpoint: FacilitatorEndpoint,
        within deadline: Duration,
        for payment: PaymentRecord,
        payer: Address
    ) async -> (verdict: SettleVerdict, health: Health) {
        // One payment, one key: who keeps answers by it can give a lost one again.
        let reply = await self.post(
            body,
            "/settle",
            at: endpoint,
            within: deadline,
            fields: ["Idempotency-Key": payment.id.description]
        )
        return (Self.settleVerdict(reply, payment.claim.option, payer), reply.health)
    }

    private static func settleVerdict(_ reply: Reply, _ option: PaymentOption, _ payer: Address) -> SettleVerdict {
        switch reply {
        case .error(let error):
            return error.isBeforeSend ? .notTaken(reason: error.description) : .unknown(reason: error.description)
        case .answer(let status, _) where doorStatuses.contains(status): return .notTaken(reason: "answered \(status)")
        case .answer(let status, let json):
            guard verdictStatuses.contains(status), let json, let response = try? SettlementResponse(json) else {
                // A request that could not be parsed was not settled; any other status says nothing.
                return status == 400 ? .notTaken(reason: reply.reason) : .unknown(reason: reply.reason)
            }
            return self.verdict(response, status: status, option, payer)
        }
    }

    private static func verdict(_ response: SettlementResponse, status: Int, _ option: PaymentOption, _ payer: Address)
        -> SettleVerdict
    {
        let hash = Bytes32(hex: response.transaction).map(\.description)
        guard response.success else {
            switch response.errorReason {
            case .settlementPending: return .pending(transaction: hash ?? "")
            case .unexpectedSettleError: return .unknown(reason: "says unexpected_settle_error: \(response.errorMessage ?? "")")
            case let reason:
                let refusal = PaymentRefusal((reason ?? .transactionFailed).rawValue, detail: response.errorMessage ?? "")
                return .failure(refusal, transaction: hash ?? "")
            }
        }
        guard status == 200 else { return .unknown(reason: "says success with status \(status)") }
        guard response.network == option.network.description else {
            return .unknown(reason: "says success on another network than \(option.network)")
        }
        guard let hash else { return .unknown(reason: "says success without a transaction") }
        guard self.isSame(response.payer, payer) else { return .unknown(reason: "says success for another payer") }
        return .success(transaction: hash)
    }

    /// Whether `text` names `payer`; it may also name nobody.
    private static func isSame(_ text: String?, _ payer: Address) -> Bool {
        guard let text, !text.isEmpty else { return true }
        return Address(hex: text) == payer
    }

    /// Asks `/supported`; nil, with the reason, when there is no answer.
    func supported(_ endpoint: FacilitatorEndpoint, within deadline: Duration) async -> (
        response: SupportedResponse?, reason: String, health: Health
    ) {
        let reply = await self.send(endpoint.request(.get, "/supported", deadline: deadline))
        guard case .answer(200, let json?) = reply, let response = try? SupportedResponse(json) else {
            return (nil, "/supported: \(reply.reason)", reply.health == .working ? .doubtful : reply.health)
        }
        return (response, "", .working)
    }
}
