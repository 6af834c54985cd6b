// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollCrypto
public import TollHTTP
public import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// x402 version 2: the challenge in `PAYMENT-REQUIRED`, the credential in `PAYMENT-SIGNATURE`, the receipt in `PAYMENT-RESPONSE`.
public struct X402V2Dialect: Dialect {
    private static let credentialField: FieldName = "payment-signature"

    public let id: DialectID = "x402"
    public let credentialFields: [FieldName] = [Self.credentialField]
    public let responseFields: [FieldName] = ["payment-required", "payment-response"]

    /// The dialect.
    public init() {}

    public func challenge(for offer: Offer, error: String?) -> Challenge {
        let required = X402V2.PaymentRequired(
            error: error ?? X402V2.PaymentRequired.noPaymentError,
            resource: X402V2.ResourceInfo(
                url: offer.resource, description: offer.description.isEmpty ? nil : offer.description, mimeType: offer.mimeType),
            accepts: offer.options.map { Self.requirements($0, policy: offer.policy) })
        let template = X402V2.ChallengeTemplate(required)
        return Challenge(fields: [
            ChallengeField(name: PaymentHeader.paymentRequired, value: template.base64) { random, buffer, offset in
                template.fill(high: random.0, low: random.1, into: &buffer, at: offset)
            }
        ])
    }

    /// An option as the wire writes it, without the challenge.
    static func requirements(_ option: PaymentOption, policy: SettlePolicy) -> X402V2.PaymentRequirements {
        var extra: JSONObject = ["name": .string(option.asset.domainName), "version": .string(option.asset.domainVersion)]
        if policy == .before { extra["paymentFlow"] = .string(X402V2.PaymentFlow.upfront.rawValue) }
        return X402V2.PaymentRequirements(
            scheme: option.scheme, network: option.network, asset: option.asset.address, amount: option.amount,
            payTo: option.payTo,
            maxTimeoutSeconds: option.maxTimeoutSeconds, extra: extra)
    }

    public func read(_ head: RequestHead, offers: [Offer]) -> CredentialReading {
        guard let value = head.fields.firstText(Self.credentialField) else { return .none }
        let payload: X402V2.PaymentPayload
        do {
            payload = try X402V2.PaymentPayload(headerValue: value)
            if payload.accepted.scheme == "exact", payload.accepted.network.namespace == "eip155" { _ = try payload.exactEVM() }
        } catch  where error.fault == .wrongVersion {
            return .mismatched(PaymentRefusal(ErrorReason.invalidX402Version.rawValue, detail: error.description))
        } catch {
            return .malformed(field: PaymentHeader.paymentSignature, reason: error.description)
        }
        var mismatches: [String] = []
        for offer in offers {
            for option in offer.options {
                let own = Self.requirements(option, policy: offer.policy)
                guard let member = own.mismatch(accepted: payload.accepted) else {
                    return .credential(
                        Credential(
                            dialect: self.id, option: option, payload: payload.payload,
                            challengeHash: payload.accepted.challenge.map(SHA256.hash)))
                }
                mismatches.append("\(option.display) on \(option.network): \(member) differs")
            }
        }
        return .mismatched(Self.refusal(payload.accepted, offers: offers, mismatches: mismatches))
    }

    /// The standard reason for what does not match: the scheme, the network, or the terms.
    private static func refusal(
        _ accepted: X402V2.PaymentRequirements, offers: [Offer], mismatches: [String]
    ) -> PaymentRefusal {
        let options = offers.flatMap(\.options)
        let reason: ErrorReason =
            if !options.contains(where: { $0.scheme == accepted.scheme }) {
                .unsupportedScheme
            } else if !options.contains(where: { $0.network == accepted.network }) {
                .invalidNetwork
            } else {
                .invalidPaymentRequirements
            }
        return PaymentRefusal(
            reason.rawValue, detail: "accepted is none of the options offered here (\(mismatches.joined(separator: "; ")))")
    }

    public func receipt(_ receipt: Receipt) -> [(name: String, value: String)] {
        [(PaymentHeader.paymentResponse, receipt.wire(network: receipt.network.description).headerValue)]
    }
}

extension Receipt {
    /// As both versions write it; they differ in the network's name alone.
    func wire(network: String) -> SettlementResponse {
        SettlementResponse(
            success: self.isSuccess, errorReason: self.errorReason.map(ErrorReason.init(rawValue:)), payer: self.payer,
            transaction: self.transaction, network: network)
    }
}
