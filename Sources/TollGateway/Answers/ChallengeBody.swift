// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// The JSON body of a 402: the members of every dialect that speaks there and those of RFC 9457 in one object, so that an old
/// client, a new one and a person all find what they look for.
enum ChallengeBody {
    /// What a dialect says in a media type that the client would rather have than JSON; nil where there is none.
    static func document(of challenges: [Challenge], for head: RequestHead) -> ChallengeDocument? {
        let documents = challenges.flatMap(\.documents)
        guard !documents.isEmpty else { return nil }
        let accepted = AcceptedTypes(head)
        var best: (document: ChallengeDocument?, weight: Int) = (nil, accepted.weight(of: "application/json"))
        for document in documents {
            let weight = accepted.weight(of: document.mediaType)
            if weight > best.weight { best = (document, weight) }
        }
        return best.document
    }

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
