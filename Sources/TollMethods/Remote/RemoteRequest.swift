// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// What a facilitator is asked about one payment, built anew from the payload and the option.
///
/// So `accepted` and `paymentRequirements` are equal, and neither the challenge nor the payment identifier, which prove who may
/// have the answer, ever leaves this machine.
struct RemoteRequest {
    let payment: ExactEVMPayment
    private let payload: JSONObject

    init(_ payload: JSONObject, option: PaymentOption) throws(PaymentRefusal) {
        self.payment = try ExactEVMPayment(payload, option: option)
        self.payload = payload
    }

    /// The payer as the chain's people write it.
    var payer: String { self.payment.authorization.from.description }

    /// What is asked for the goods is not left to others to compare.
    func checkTerms() throws(PaymentRefusal) {
        let (authorization, option) = (self.payment.authorization, self.payment.option)
        guard authorization.to == Address(hex: option.payTo) else {
            throw PaymentRefusal(
                ErrorReason.recipientMismatch.rawValue,
                detail: "the authorization pays \(authorization.to), the offer asks for \(option.payTo)"
            )
        }
        guard authorization.value == option.amount else {
            throw PaymentRefusal(
                ErrorReason.valueMismatch.rawValue,
                detail: "the authorization is for \(authorization.value) units, the offer for \(option.amount)"
            )
        }
    }

    /// The body of `/verify` and `/settle`, version 2.
    ///
    /// - Parameter required: Members of `extra` that the facilitator wants to see; the token's domain stays ours.
    func body(adding required: JSONObject) -> [UInt8] {
        let option = self.payment.option
        var extra: JSONObject = ["name": .string(option.asset.domainName), "version": .string(option.asset.domainVersion)]
        for (name, value) in required.members where extra[name] == nil { extra[name] = value }
        let requirements = X402V2.PaymentRequirements(
            scheme: option.scheme,
            network: option.network,
            asset: option.asset.address,
            amount: option.amount,
            payTo: option.payTo,
            maxTimeoutSeconds: option.maxTimeoutSeconds,
            extra: extra
        )
        let payload = X402V2.PaymentPayload(accepted: requirements, payload: self.payload)
        return X402V2.FacilitatorRequest(paymentPayload: payload, paymentRequirements: requirements).body
    }
}
