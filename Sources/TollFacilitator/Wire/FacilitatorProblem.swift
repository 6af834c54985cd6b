// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPrimitives
internal import TollProtocol

/// What is answered when there is nothing to say about a payment: RFC 9457, with `error` beside for clients that look there.
struct FacilitatorProblem: Error {
    let status: Int
    let code: String
    let detail: String
    /// The member of the body that is wrong.
    var field: String?
    /// Fields that only this problem has.
    var fields: Fields = [:]

    var reply: Reply {
        var members: JSONObject = ["error": .string(self.detail)]
        members["field"] = self.field.map(JSON.string)
        let problem = Problem(
            title: ResponseHead.reason(of: self.status),
            status: self.status,
            detail: self.detail,
            code: self.code,
            members: members
        )
        return Reply(status: self.status, json: problem.json, mediaType: Problem.mediaType, fields: self.fields)
    }

    static let notFound = FacilitatorProblem(
        status: 404,
        code: "not_found",
        detail: "There are POST /verify, POST /settle, GET /supported and GET /health."
    )

    static func methodNotAllowed(_ allow: String) -> FacilitatorProblem {
        FacilitatorProblem(status: 405, code: "method_not_allowed", detail: "This path takes \(allow).", fields: ["Allow": allow])
    }

    static let unauthorized = FacilitatorProblem(
        status: 401,
        code: "invalid_token",
        detail: "Send Authorization: Bearer with a token of this facilitator.",
        fields: ["WWW-Authenticate": "Bearer"]
    )

    static func malformed(_ error: WireError) -> FacilitatorProblem {
        FacilitatorProblem(
            status: 400,
            code: error.fault == .wrongVersion ? ErrorReason.invalidX402Version.rawValue : "malformed_request",
            detail: error.description,
            field: error.path.isEmpty ? nil : error.path
        )
    }

    static let malformedBody = FacilitatorProblem(
        status: 400,
        code: "malformed_body",
        detail: "The request's body could not be read."
    )

    static func bodyTooLarge(_ limit: Int) -> FacilitatorProblem {
        FacilitatorProblem(status: 413, code: "body_too_large", detail: "A body has at most \(limit) bytes.")
    }

    static func outOfGas(_ wait: Duration) -> FacilitatorProblem {
        FacilitatorProblem(
            status: 429,
            code: "out_of_gas",
            detail: "This facilitator has spent its gas of this hour.",
            fields: ["Retry-After": String(max(1, wait.components.seconds + 1))]
        )
    }

    /// The reason stays in the log: it may name an inner address.
    static let unavailable = FacilitatorProblem(
        status: 503,
        code: "unavailable",
        detail: "The ledger or the chain does not answer. Ask again with the same payment.",
        fields: ["Retry-After": "5"]
    )
}

/// A whole answer.
struct Reply: Sendable {
    let head: ResponseHead
    let body: [UInt8]

    init(status: Int = 200, json: JSONObject, mediaType: String = "application/json", fields: Fields = [:]) {
        var all: Fields = ["Content-Type": mediaType, "Cache-Control": "no-store"]
        all.append(contentsOf: fields)
        self.head = ResponseHead(status: status, fields: all)
        self.body = JSON.object(json).utf8
    }
}
