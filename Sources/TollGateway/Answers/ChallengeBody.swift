// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// The JSON body of a 402: the members of every dialect that speaks there and those of RFC 9457 in one object, so that an old
/// client, a new one and a person all find what they look for.
enum ChallengeBody {
    /// What a dialect says in a media type that the client asks for by name; nil where it asks for none, or for JSON or anything
    /// before it.
    static func document(of challenges: [Challenge], for head: RequestHead) -> ChallengeDocument? {
        let documents = challenges.flatMap(\.documents)
        guard !documents.isEmpty, let accept = head.fields.firstText("accept") else { return nil }
        for range in accept.split(separator: ",") {
            let name = range.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }.lowercased()
            if name == "application/json" || name == "*/*" { return nil }
            if let document = documents.first(where: { $0.mediaType == name }) { return document }
        }
        return nil
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
