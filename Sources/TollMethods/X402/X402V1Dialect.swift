// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
public import TollPayments
public import TollPrimitives
internal import TollProtocol

/// x402 version 1: the challenge in the body of the 402, the credential in `X-PAYMENT`, the receipt in `X-PAYMENT-RESPONSE`.
///
/// Has no place for a secret, so nobody can prove to be the one who claimed: a credential is good for one answer, once.
public struct X402V1Dialect: Dialect {
    private static let credentialField: FieldName = "x-payment"

    public let id: DialectID = "x402-v1"
    public let credentialFields: [FieldName] = [Self.credentialField]
    public let responseFields: [FieldName] = ["x-payment-response"]
    private let legacyName: @Sendable (ChainID) -> String?

    /// The dialect.
    ///
    /// - Parameter legacyName: What version 1 calls a chain: `base-sepolia`; nil when it has no name, and then an option on it is
    ///   not offered here.
    public init(legacyName: @escaping @Sendable (ChainID) -> String?) {
        self.legacyName = legacyName
    }

    public func challenge(for offer: Offer, error: String?) -> Challenge {
        let required = X402V1.PaymentRequired(
            error: error ?? X402V1.PaymentRequired.noPaymentError, accepts: self.requirements(of: offer))
        return Challenge(body: required.json)
    }

    public func listing(of offer: Offer) -> JSONObject? {
        let accepts = self.requirements(of: offer).map { JSON.object($0.json) }
        return accepts.isEmpty ? nil : ["x402Version": .integer(X402Version.v1.rawValue), "accepts": .array(accepts)]
    }

    private func requirements(of offer: Offer) -> [X402V1.PaymentRequirements] {
        offer.options.compactMap { option in
            self.legacyName(option.network).map { Self.requirements(option, offer: offer, network: $0) }
        }
    }

    /// An option as the wire writes it.
    static func requirements(_ option: PaymentOption, offer: Offer, network: String) -> X402V1.PaymentRequirements {
        X402V1.PaymentRequirements(
            scheme: option.scheme, network: network, maxAmountRequired: option.amount, resource: offer.resource,
            description: offer.description, mimeType: offer.mimeType ?? "",
            outputSchema: offer.bazaar?.legacySchema ?? .null, payTo: option.payTo,
            maxTimeoutSeconds: option.maxTimeoutSeconds, asset: option.asset.address,
            extra: ["name": .string(option.asset.domainName), "version": .string(option.asset.domainVersion)])
    }

    public func read(_ head: RequestHead, offers: [Offer]) -> CredentialReading {
        guard let value = head.fields.firstText(Self.credentialField) else { return .none }
        let payload: X402V1.PaymentPayload
        let exact: ExactEVMPayload?
        do {
            payload = try X402V1.PaymentPayload(headerValue: value)
            exact = payload.scheme == "exact" ? try payload.exactEVM() : nil
        } catch  where error.fault == .wrongVersion {
            return .mismatched(PaymentRefusal(ErrorReason.invalidX402Version.rawValue, detail: error.description))
        } catch {
            return .malformed(field: PaymentHeader.payment, reason: error.description)
        }
        let options = offers.flatMap(\.options)
        let sameScheme = options.filter { $0.scheme == payload.scheme }
        guard !sameScheme.isEmpty else {
            return .mismatched(
                PaymentRefusal(ErrorReason.unsupportedScheme.rawValue, detail: "scheme \(payload.scheme) is not offered"))
        }
        let candidates = sameScheme.filter { self.legacyName($0.network) == payload.network }
        // The payload does not name its option. Of several on one network, the one it pays is the one of its amount and payee.
        let paid = candidates.first { option in
            option.amount == exact?.authorization.value && option.payTo.lowercased() == exact?.authorization.to.lowercased()
        }
        guard let option = paid ?? candidates.first else {
            return .mismatched(
                PaymentRefusal(ErrorReason.invalidNetwork.rawValue, detail: "network \(payload.network) is not offered"))
        }
        return .credential(Credential(dialect: self.id, option: option, payload: payload.payload, challengeHash: nil))
    }

    public func receipt(_ receipt: Receipt) -> [(name: String, value: String)] {
        let network = self.legacyName(receipt.network) ?? receipt.network.description
        return [(PaymentHeader.legacyPaymentResponse, receipt.wire(network: network).headerValue)]
    }
}
