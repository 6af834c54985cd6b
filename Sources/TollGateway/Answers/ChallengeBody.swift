// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// The JSON body of a 402: the members of every dialect that speaks there and those of RFC 9457 in one object, so that an old
/// client, a new one and a person all find what they look for.
enum ChallengeBody {
    static func json(_ challenges: [Challenge], status: Int = 402, error: String?, detail: String?) -> [UInt8] {
        var object = JSONObject()
        for challenge in challenges {
            for (name, value) in challenge.body.members { object[name] = value }
        }
        let problem = Problem(
            title: status == 402 ? "Payment Required" : "Precondition Failed",
            status: status,
            detail: detail ?? "This resource is paid for per request. No account is needed: pay as offered and ask again.",
            code: error ?? "payment_required"
        )
        for (name, value) in problem.json.members { object[name] = value }
        return JSON.object(object).utf8
    }
}
