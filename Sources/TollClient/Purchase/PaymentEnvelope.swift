// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives
internal import TollProtocol

/// The field that carries a signed payment.
enum PaymentEnvelope {
    /// Wraps a scheme's `payload` for the option it was signed for, giving back everything the server wants given back.
    ///
    /// - Parameter nonce: The authorization's; the payment's own name is made of it where the server takes one.
    static func field(
        _ payload: JSONObject,
        for offered: OfferedOption,
        of offer: ReceivedOffer,
        nonce: Bytes32
    ) -> (name: String, value: String)? {
        switch (offered.wire, offer) {
        case (.v2(let requirements), .v2(let required)):
            let payment = X402V2.PaymentPayload(
                resource: required.resource,
                accepted: requirements,
                payload: payload,
                extensions: Self.extensions(required.extensions, nonce)
            )
            return (PaymentHeader.paymentSignature, payment.headerValue)
        case (.v1(let requirements), .v1):
            let payment = X402V1.PaymentPayload(scheme: requirements.scheme, network: requirements.network, payload: payload)
            return (PaymentHeader.payment, payment.headerValue)
        case (.v1, .v2), (.v2, .v1): return nil
        }
    }

    /// The server's extensions as they came; the one that asks for a name of the payment gets one.
    private static func extensions(_ offered: JSONObject?, _ nonce: Bytes32) -> JSONObject? {
        guard var extensions = offered, var entry = extensions[X402V2.PaymentIdentifier.name]?.object,
            var info = entry["info"]?.object
        else { return offered }
        // Of a hash, so that the name does not tell the nonce to whom the server shows it.
        info["id"] = .string("pay_" + Hex.encode(Keccak256.hash(nonce.bytes).bytes.prefix(16)))
        entry["info"] = .object(info)
        extensions[X402V2.PaymentIdentifier.name] = .object(entry)
        return extensions
    }
}
