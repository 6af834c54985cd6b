// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// A proof as the credential carries it: without the reference, which is a secret, and with the routes that it was shown on.
struct ShownProof {
    let proof: TransferProof.Proof
    let routes: [String]

    /// What a claim keeps of it.
    static func payload(_ proof: TransferProof.Proof, routes: [String]) -> JSONObject {
        var payload = proof.json
        payload["reference"] = nil
        payload["routes"] = .array(routes.map(JSON.string))
        return payload
    }

    init?(_ credential: Credential) {
        var json = credential.payload
        json["reference"] = credential.challenge.map { .string($0.text) }
        guard let proof = try? TransferProof.Proof(json) else { return nil }
        self.proof = proof
        self.routes = json["routes"]?.array?.compactMap(\.string) ?? []
    }
}
