// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives
internal import TollProtocol

/// The field that carries a signed payment.
enum PaymentEnvelope {
    /// Wraps a scheme's `payload` for the option it was signed for, giving back everything the server wants given back.
    ///
    /// - Parameter identifier: The payment's name, given where the server takes one. Random: whoever knows it can ask for the
    ///   answer, and all that the authorization holds is public once it is on chain.
    static func field(
        _ payload: JSONObject,
        for offered: OfferedOption,
        of offer: ReceivedOffer,
        identifier: String
    ) -> (name: String, value: String)? {
        switch (offered.wire, offer) {
        case (.v2(let requirements), .v2(let required)):
            let payment = X402V2.PaymentPayload(
                resource: required.resource,
                accepted: requirements,
                payload: payload,
                extensions: X402V2.PaymentIdentifier.adding(identifier, to: required.extensions)
            )
            return (PaymentHeader.paymentSignature, payment.headerValue)
        case (.v1(let requirements), .v1):
            let payment = X402V1.PaymentPayload(scheme: requirements.scheme, network: requirements.network, payload: payload)
            return (PaymentHeader.payment, payment.headerValue)
        case (.v1, .v2), (.v2, .v1): return nil
        }
    }
}
