// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// An error of the gateway as RFC 9457 wants it, with a stable `code`. Never carries a key, an inner address or a stack.
struct GatewayProblem: Error {
    let status: Int
    let code: String
    let title: String
    let detail: String
    var retryAfterSeconds: Int?
    /// The settlement's, where there is one.
    var transaction: String?

    var body: [UInt8] {
        let members: JSONObject = self.transaction.map { ["transaction": .string($0)] } ?? [:]
        return JSON.object(
            Problem(title: self.title, status: self.status, detail: self.detail, code: self.code, members: members).json
        ).utf8
    }

    /// The head, without the fields that depend on the request.
    var head: ResponseHead {
        var fields = Fields()
        fields.append("Content-Type", Problem.mediaType)
        fields.append("Cache-Control", "no-store")
        if let seconds = self.retryAfterSeconds { fields.append("Retry-After", String(seconds)) }
        return ResponseHead(status: self.status, fields: fields)
    }

    static let notFound = GatewayProblem(
        status: 404,
        code: "not_found",
        title: "Not Found",
        detail: "No route matches this path."
    )

    /// The fault of whoever configured the proxy in front, or of somebody who is none.
    static let untrustedProxy = GatewayProblem(
        status: 403,
        code: "untrusted_proxy",
        title: "Forbidden",
        detail: "Only the proxies in `auth.trusted_proxies` are answered here."
    )

    static func malformedForward(_ reason: String) -> GatewayProblem {
        GatewayProblem(
            status: 400,
            code: "malformed_forward",
            title: "Bad Request",
            detail: "The proxy in front does not say what it asks about: \(reason)."
        )
    }

    static let notRelayed = GatewayProblem(
        status: 404,
        code: "not_relayed",
        title: "Not Found",
        detail: "This is answered by the proxy in front, or not at all: to it, an answer of success would be leave to pass."
    )

    static let challengeGone = GatewayProblem(
        status: 503,
        code: "challenge_gone",
        title: "Service Unavailable",
        detail: "No answer is kept under this identifier any more. Send the request again.",
        retryAfterSeconds: 1
    )

    static func methodNotAllowed(_ allow: [String]) -> GatewayProblem {
        GatewayProblem(
            status: 405,
            code: "method_not_allowed",
            title: "Method Not Allowed",
            detail: "This path takes \(allow.joined(separator: ", "))."
        )
    }

    static let ambiguousPath = GatewayProblem(
        status: 400,
        code: "ambiguous_path",
        title: "Bad Request",
        detail: "The path can be read in more than one way, and one of them has a price. Send it in its plain form."
    )

    static let malformedPath = GatewayProblem(
        status: 400,
        code: "malformed_path",
        title: "Bad Request",
        detail: "The path has a percent sign without two hexadecimal digits, or a control character."
    )

    static func malformedCredential(field: String, reason: String) -> GatewayProblem {
        GatewayProblem(status: 400, code: "malformed_credential", title: "Bad Request", detail: "\(field): \(reason)")
    }

    static func malformedSignIn(field: String, reason: String) -> GatewayProblem {
        GatewayProblem(status: 400, code: "malformed_sign_in", title: "Bad Request", detail: "\(field): \(reason)")
    }

    /// With the SDKs' name for what is wrong as its code.
    static func signInRefused(_ refusal: SignInRefusal) -> GatewayProblem {
        GatewayProblem(
            status: 401, code: refusal.reason.rawValue, title: "Unauthorized",
            detail: "The sign-in was refused: \(refusal.detail).")
    }

    /// RFC 6750 §3.1: no pass, or one for something else. What was one and is over is asked for money again.
    static func invalidPass(_ reason: String) -> GatewayProblem {
        GatewayProblem(
            status: 401, code: "invalid_token", title: "Unauthorized",
            detail: "The pass \(reason). Ask without it to see what to pay. Nothing was charged.")
    }

    static let payerDenied = GatewayProblem(
        status: 403, code: "payer_denied", title: "Forbidden", detail: "This payer is not served here. Nothing was charged.")

    static let paused = GatewayProblem(
        status: 503, code: "paused", title: "Service Unavailable",
        detail: "This resource is not sold for the moment. Nothing was charged.", retryAfterSeconds: 60)

    static let identifierConflict = GatewayProblem(
        status: 409,
        code: "payment_identifier_conflict",
        title: "Conflict",
        detail: "This payment identifier names another payment of the same payer. Give each payment its own. Nothing was charged."
    )

    static func alreadyUsed(_ transaction: String?) -> GatewayProblem {
        GatewayProblem(
            status: 409,
            code: "already_used",
            title: "Conflict",
            detail: "This payment was used before. Sign a new authorization.",
            transaction: transaction
        )
    }

    static let usedUp = GatewayProblem(
        status: 409,
        code: "already_used",
        title: "Conflict",
        detail: "\(PaymentRecord.attemptsMax) calls failed under this authorization. Nothing was charged; sign a new one."
    )

    static let outcomeUnknown = GatewayProblem(
        status: 409,
        code: "outcome_unknown",
        title: "Conflict",
        detail: "The call under this payment was interrupted, and repeating it might do its work twice. Nothing was charged."
    )

    static let outcomeUnknownPaid = GatewayProblem(
        status: 409,
        code: "outcome_unknown",
        title: "Conflict",
        detail: "The call under this payment was interrupted after it was paid. The amount is owed to the payer."
    )

    static func settlementPending(_ payment: String) -> GatewayProblem {
        GatewayProblem(
            status: 503,
            code: "settlement_pending",
            title: "Service Unavailable",
            detail: "Payment \(payment) is being settled. Present the same credential again; do not pay twice.",
            retryAfterSeconds: 5
        )
    }

    static func settlementPendingWithoutSecret(_ payment: String) -> GatewayProblem {
        GatewayProblem(
            status: 409,
            code: "settlement_pending",
            title: "Conflict",
            detail: "Payment \(payment) is being settled, and this dialect has no secret to take it up with."
        )
    }

    static let unavailable = GatewayProblem(
        status: 503,
        code: "unavailable",
        title: "Service Unavailable",
        detail: "Payments cannot be taken at the moment. Nothing was charged.",
        retryAfterSeconds: 5
    )

    static func rateLimited(_ retryAfterSeconds: Int) -> GatewayProblem {
        GatewayProblem(
            status: 429,
            code: "rate_limited",
            title: "Too Many Requests",
            detail: "More requests than are allowed here. Nothing was charged; a payment that was sent along is still good.",
            retryAfterSeconds: retryAfterSeconds
        )
    }

    static let upstreamFailed = GatewayProblem(
        status: 502,
        code: "upstream_failed",
        title: "Bad Gateway",
        detail: "The API behind this gateway did not answer."
    )

    static let upstreamTimedOut = GatewayProblem(
        status: 504,
        code: "upstream_timeout",
        title: "Gateway Timeout",
        detail: "The API behind this gateway did not answer in time."
    )

    static func upstreamOut(retryAfter seconds: Int) -> GatewayProblem {
        GatewayProblem(
            status: 503,
            code: "upstream_unavailable",
            title: "Service Unavailable",
            detail: "The API behind this gateway is out, or has more requests than it takes. Nothing was charged.",
            retryAfterSeconds: seconds
        )
    }

    static let answerTooLarge = GatewayProblem(
        status: 502,
        code: "answer_too_large",
        title: "Bad Gateway",
        detail: "The answer is larger than this gateway holds until it is paid. Nothing was charged."
    )

    static func upstream(_ kind: PaidRequest.UpstreamFailure.Kind, retryAfter seconds: Int) -> GatewayProblem {
        switch kind {
        case .unavailable: .upstreamOut(retryAfter: seconds)
        case .failed: .upstreamFailed
        case .timedOut: .upstreamTimedOut
        case .tooLarge: .answerTooLarge
        }
    }

    static let bodyTooSlow = GatewayProblem(
        status: 408,
        code: "body_too_slow",
        title: "Request Timeout",
        detail: "The request's body did not come in time."
    )

    static func body(_ error: HTTPError) -> GatewayProblem {
        error.code == .timedOut ? .bodyTooSlow : .request(error.code == .tooLarge ? .tooLarge : .malformed)
    }

    static func request(_ fault: PaidRequest.RequestFault) -> GatewayProblem {
        switch fault {
        case .tooLarge:
            GatewayProblem(
                status: 413,
                code: "body_too_large",
                title: "Content Too Large",
                detail: "The request's body is too large."
            )
        case .malformed:
            GatewayProblem(
                status: 400,
                code: "malformed_body",
                title: "Bad Request",
                detail: "The request's body could not be read."
            )
        }
    }
}

extension PaymentRefusal {
    /// Not of a payment: the pass that a request came with is over, so that it is asked for one.
    static let passExpired = PaymentRefusal(
        "pass_expired", detail: "The access that was paid for is over. Pay as offered and ask again.")
}
