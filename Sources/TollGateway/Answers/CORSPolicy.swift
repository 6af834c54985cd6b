// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments

/// Which origins' scripts may read our answers (the Fetch standard, §3.2).
public enum CORSPolicy: Hashable, Sendable {
    /// Every origin: an answer that is paid for by a header is no more private to one page than to another.
    case any
    /// These, as `Origin` writes them: `https://app.example`.
    case only(Set<String>)

    /// The value of `Access-Control-Allow-Origin` for a request's `Origin`; nil when there is none to send.
    func allowed(_ origin: String?) -> String? {
        switch self {
        case .any: "*"
        case .only(let origins): origin.flatMap { origins.contains($0) ? $0 : nil }
        }
    }
}

/// The cross-origin fields of answers and the answer to a preflight.
struct CrossOrigin: Sendable {
    private static let allowedOriginField: FieldName = "access-control-allow-origin"

    let policy: CORSPolicy
    /// `Access-Control-Expose-Headers`.
    let exposed: String
    /// What is added to an answer that every origin's scripts may read.
    private let open: Fields
    /// `Access-Control-Allow-Headers`: credentials, sign-ins, and a request field that widely used clients send by mistake.
    let accepted: String

    /// - Parameters:
    ///   - tellsLimits: Whether answers say how a client stands to its limits.
    ///   - givesPasses: Whether some come with passes.
    init(policy: CORSPolicy, dialects: [any Dialect], tellsLimits: Bool, givesPasses: Bool = false) {
        self.policy = policy
        let told =
            ["tollgate-debt", "retry-after"] + (tellsLimits ? RateVerdict.fieldNames : [])
            + (givesPasses ? [PassField.name, PassField.expires].map(\.description) : [])
        let exposed = (dialects.flatMap(\.responseFields).map(\.description) + told).joined(separator: ", ")
        self.exposed = exposed
        self.open = ["Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": exposed]
        self.accepted =
            (dialects.flatMap { $0.credentialFields + $0.signInFields }.map(\.description)
            + ["content-type", "access-control-expose-headers"]
            + (givesPasses ? ["authorization", PassField.name.description] : [])).joined(separator: ", ")
    }

    /// Sets who may read an answer, in place of what the upstream said, and adds what we send to what scripts may see of it.
    func apply(to fields: inout Fields, origin: @autoclosure () -> String?) {
        if case .any = self.policy {
            fields.remove(Self.allowedOriginField)
            fields.append(contentsOf: self.open)
            return
        }
        fields.append("Vary", "Origin")  // Also where this origin may not: another may.
        fields.remove(Self.allowedOriginField)
        guard let allowed = self.policy.allowed(origin()) else { return }
        fields.append("Access-Control-Allow-Origin", allowed)
        fields.append("Access-Control-Expose-Headers", self.exposed)
    }

    /// Whether a request is a preflight: the browser asks before it sends, and cannot pay.
    static func isPreflight(_ head: RequestHead) -> Bool {
        head.method == .options && head.fields.contains(.origin) && head.fields.contains("access-control-request-method")
    }

    /// The answer to a preflight.
    func preflight(_ head: RequestHead) -> ResponseHead {
        var fields = Fields()
        self.apply(to: &fields, origin: head.fields.firstText(.origin))
        fields.remove("access-control-expose-headers")
        if fields.contains("access-control-allow-origin"), let method = head.fields.firstText("access-control-request-method") {
            fields.append("Access-Control-Allow-Methods", method)
            fields.append("Access-Control-Allow-Headers", self.accepted)
            for asked in head.fields.values(of: "access-control-request-headers") where !asked.isEmpty {
                fields.append("access-control-allow-headers", asked)
            }
            fields.append("Access-Control-Max-Age", "600")
        }
        return ResponseHead(status: 204, fields: fields)
    }
}
