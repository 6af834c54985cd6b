// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollCrypto
public import TollHTTP
public import TollPayments
public import TollPrimitives
internal import TollProtocol

/// x402 version 2: the challenge in `PAYMENT-REQUIRED`, the credential in `PAYMENT-SIGNATURE`, the receipt in `PAYMENT-RESPONSE`.
public struct X402V2Dialect: Dialect {
    private static let credentialField: FieldName = "payment-signature"
    private static let signInField: FieldName = "sign-in-with-x"

    public let id: DialectID = "x402"
    public let credentialFields: [FieldName] = [Self.credentialField]
    public let signInFields: [FieldName] = [Self.signInField]
    public let responseFields: [FieldName] = ["payment-required", "payment-response"]

    /// The dialect.
    public init() {}

    public func challenge(for offer: Offer, error: String?) -> Challenge {
        let required = X402V2.PaymentRequired(
            error: error ?? X402V2.PaymentRequired.noPaymentError,
            resource: X402V2.ResourceInfo(
                url: offer.resource, description: offer.description.isEmpty ? nil : offer.description, mimeType: offer.mimeType,
                serviceName: offer.service.name, tags: offer.service.tags.isEmpty ? nil : offer.service.tags,
                iconURL: offer.service.iconURL),
            accepts: offer.options.map { Self.requirements($0, policy: offer.policy) }, extensions: Self.extensions(offer),
            members: offer.additions.members)
        let template = X402V2.ChallengeTemplate(required)
        return Challenge(fields: [
            ChallengeField(name: PaymentHeader.paymentRequired, value: template.base64) { filling, buffer, offset in
                template.fill(high: filling.secret.0, low: filling.secret.1, into: &buffer, at: offset)
                template.fillSignIn(
                    high: filling.nonce.0, low: filling.nonce.1, time: filling.time, into: &buffer, at: offset)
            }
        ])
    }

    /// What the offer takes besides payments; nil when that is nothing.
    private static func extensions(_ offer: Offer) -> JSONObject? {
        var extensions: JSONObject = [:]
        if offer.identifiers != .off {
            extensions[X402V2.PaymentIdentifier.name] = X402V2.PaymentIdentifier.declaration(
                required: offer.identifiers == .required)
        }
        if let domain = offer.signInDomain {
            // Nonce and time stand for the slots of the template.
            let info = X402V2.SignIn.Info(domain: domain, uri: offer.resource, nonce: "", issuedAt: "")
            var chains: [X402V2.SignIn.SupportedChain] = []
            for network in offer.options.map(\.network) where network.namespace == "eip155" {
                let chain = X402V2.SignIn.SupportedChain(network, .eip191)
                if !chains.contains(chain) { chains.append(chain) }
            }
            extensions[X402V2.SignIn.name] = X402V2.SignIn.Challenge(info, chains: chains).json
        }
        for (name, entry) in offer.additions.extensions.members { extensions[name] = entry }
        if let bazaar = offer.bazaar { extensions[X402V2.Bazaar.name] = bazaar.entry(forPath: offer.path) }
        return extensions.isEmpty ? nil : extensions
    }

    public func listing(of offer: Offer) -> JSONObject? {
        let accepts = offer.options.map { JSON.object(Self.requirements($0, policy: offer.policy).json) }
        return ["x402Version": .integer(X402Version.v2.rawValue), "accepts": .array(accepts)]
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
                    return self.credential(payload, option, of: offer)
                }
                mismatches.append("\(option.display) on \(option.network): \(member) differs")
            }
        }
        return .mismatched(Self.refusal(payload.accepted, offers: offers, mismatches: mismatches))
    }

    private func credential(
        _ payload: X402V2.PaymentPayload, _ option: PaymentOption, of offer: Offer
    ) -> CredentialReading {
        let rule = offer.identifiers
        let identifier: String?
        do throws(WireError) {
            identifier = rule == .off ? nil : try X402V2.PaymentIdentifier(extensions: payload.extensions)?.id
        } catch {
            return .malformed(field: PaymentHeader.paymentSignature, reason: error.description)
        }
        guard rule != .required || identifier != nil else {
            return .malformed(
                field: PaymentHeader.paymentSignature,
                reason: "extensions.\(X402V2.PaymentIdentifier.name).info.id is missing; this resource is only sold with one")
        }
        if let lost = X402V2.ExtensionEcho.mismatch(payload.extensions, of: Self.extensions(offer)) {
            return .mismatched(
                PaymentRefusal(
                    ErrorReason.extensionEchoMismatch.rawValue,
                    detail: "\(lost) is not as it was offered; extensions are given back with additions only"))
        }
        return .credential(
            Credential(
                dialect: self.id, option: option, payload: payload.payload,
                challengeHash: payload.accepted.challenge.map(SHA256.hash), identifier: identifier))
    }

    public func signIn(_ head: RequestHead) -> SignInReading {
        guard let value = head.fields.firstText(Self.signInField) else { return .none }
        guard head.fields.count(of: Self.signInField) == 1 else {
            return .malformed(field: X402V2.SignIn.header, reason: "stands more than once; send one")
        }
        do throws(WireError) { return .proof(try X402V2.SignIn.Proof(headerValue: value)) } catch {
            return .malformed(field: X402V2.SignIn.header, reason: error.description)
        }
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
