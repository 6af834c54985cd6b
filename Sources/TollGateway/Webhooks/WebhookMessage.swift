// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollPrimitives

/// What an endpoint is told, as Standard Webhooks writes it (specification 1.0.0, "Webhook payload structure" and "Signature
/// scheme").
struct WebhookMessage {
    let id: String
    let body: [UInt8]

    /// An event of a payment.
    init?(_ notice: Notice, _ record: PaymentRecord, _ event: PaymentEvent) {
        guard let kind = WebhookEvent(kind: notice.kind) else { return nil }
        let (claim, option) = (record.claim, record.claim.option)
        var data: JSONObject = [
            "payment": .string(record.id.description), "route": .string(claim.route), "payer": .string(claim.payer),
            "payTo": .string(option.payTo), "amount": .string(option.amount.description), "display": .string(option.display),
            "asset": .string(option.asset.address), "symbol": .string(option.asset.symbol),
            "network": .string(option.network.description), "dialect": .string(claim.dialect.name),
            "settle": .string(claim.policy.rawValue),
        ]
        switch event {
        case .settled(let settlement):
            data["transaction"] = .string(settlement.transaction)
            data["isCredit"] = .bool(settlement.isCredit)
            if !settlement.isCredit { data["block"] = .integer(settlement.block) }
        case .failed(let refusal):
            data["reason"] = .string(refusal.reason)
            data["detail"] = .string(refusal.detail)
        case .owed(let reason):
            data["reason"] = .string(reason)
        default: return nil
        }
        self.init(notice, kind, .object(data))
    }

    /// Something else.
    init?(_ notice: Notice, detail: String) {
        guard let kind = WebhookEvent(kind: notice.kind), let data = try? JSON(parsing: detail) else { return nil }
        self.init(notice, kind, data)
    }

    private init(_ notice: Notice, _ kind: WebhookEvent, _ data: JSON) {
        self.id = notice.name
        self.body =
            JSON.object([
                "type": .string(kind.rawValue), "timestamp": .string(CalendarTime.rfc3339(seconds: notice.time)), "data": data,
            ]).utf8
    }

    /// The request that tells it, signed at `time` in seconds since 1970.
    func request(to endpoint: WebhookEndpoint, at time: Int64, deadline: Duration) -> ClientRequest {
        let signed = Array("\(self.id).\(time).".utf8) + self.body
        let signatures = endpoint.authenticate(signed).map { "v1,\(Base64.encode($0))" }
        let fields: Fields = [
            "Content-Type": "application/json", "User-Agent": "tollgate", "webhook-id": self.id, "webhook-timestamp": "\(time)",
            "webhook-signature": signatures.joined(separator: " "),
        ]
        var request = ClientRequest(.post, endpoint.url, fields: fields, body: .bytes(self.body))
        request.deadline = deadline
        request.bodyIdle = deadline
        return request
    }
}

/// When an endpoint that did not hear is told again: the schedule that Standard Webhooks proposes, about three days in all.
enum WebhookSchedule {
    /// Seconds from one attempt to the next.
    private static let pauses: [Int64] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]

    /// How long to wait after attempt number `attempts`, in seconds; nil when it is given up.
    ///
    /// - Parameter jitter: From 0 to 100: how much of a fifth is added, so that not all are told again at the same moment.
    static func pause(afterAttempt attempts: Int, jitter: Int64) -> Int64? {
        guard attempts >= 1, attempts <= self.pauses.count else { return nil }
        let pause = self.pauses[attempts - 1]
        return pause + pause * min(max(jitter, 0), 100) / 500
    }
}
