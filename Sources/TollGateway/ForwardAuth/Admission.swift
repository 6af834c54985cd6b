// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

extension Upstream {
    /// What stands behind the gateway where another proxy asks it: leave to pass. Calling it is giving that leave, and needs no
    /// network.
    public static let admission = {
        var upstream = Upstream(name: "admission", origin: Origin(scheme: .http, host: "localhost"), timeout: .seconds(1))
        upstream.isAdmission = true
        return upstream
    }()
}

/// Answers every call with leave to pass: 200, and what the proxy in front copies into the request that it lets pass.
struct AdmissionClient: HTTPClient {
    /// Stands in every leave to pass and in no other answer: `free`, `paid`, or `pass` for who has paid before.
    static let field: FieldName = "tollgate-admit"

    func send(_ request: ClientRequest) async throws(HTTPError) -> ClientResponse {
        let isPaid = request.fields.contains("tollgate-amount")
        let isPass = !isPaid && request.fields.contains("tollgate-payment-id")
        var fields = Fields()
        fields.append(Self.field, (isPaid ? "paid" : isPass ? "pass" : "free").utf8)
        fields.append("Cache-Control", "no-store")
        for (name, value) in request.fields
        where isPaid && Self.isForUpstream(name) || isPass && Forwarding.isOurs(name.span) {
            fields.append(name, value)
        }
        return ClientResponse(head: ResponseHead(status: 200, fields: fields), length: 0)
    }

    /// Whether a field is one of those that only we write on a paid request.
    private static func isForUpstream(_ name: ArraySlice<UInt8>) -> Bool {
        Forwarding.isOurs(name.span) || FieldName.idempotencyKey.bytes.elementsEqual(name.lazy.map(ByteGrammar.lowercased))
    }
}
