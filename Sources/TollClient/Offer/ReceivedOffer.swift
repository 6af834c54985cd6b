// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
public import TollPrimitives
public import TollProtocol

/// What a 402 asks for, in the dialect it speaks.
public enum ReceivedOffer: Sendable {
    /// x402 version 2: from `PAYMENT-REQUIRED`.
    case v2(X402V2.PaymentRequired)
    /// x402 version 1: from the body.
    case v1(X402V1.PaymentRequired)

    private static let headerField: FieldName = "payment-required"

    /// Reads a 402. The header wins over the body (x402 transports-v2/http.md); one that cannot be read is an error and not
    /// a reason to believe the body.
    ///
    /// - Throws: Why it offers nothing, in words.
    public init(_ head: ResponseHead, body: [UInt8]) throws(PurchaseFailure) {
        if let version2 = try Self.version2(head) {
            self = version2
            return
        }
        do throws(WireError) { self = try Self.version1(body) } catch {
            throw PurchaseFailure(
                .noAcceptableOffer,
                "the 402 has no PAYMENT-REQUIRED, and its body is no offer of x402 version 1: \(error)"
            )
        }
    }

    /// The offer in the header; nil when there is no such header.
    static func version2(_ head: ResponseHead) throws(PurchaseFailure) -> ReceivedOffer? {
        guard let value = head.fields.firstText(self.headerField) else { return nil }
        guard head.fields.count(of: self.headerField) == 1 else {
            throw PurchaseFailure(.noAcceptableOffer, "PAYMENT-REQUIRED is there more than once: which one counts is unknown")
        }
        do throws(WireError) { return .v2(try X402V2.PaymentRequired(headerValue: value)) } catch {
            throw PurchaseFailure(.noAcceptableOffer, "PAYMENT-REQUIRED cannot be read: \(error)")
        }
    }

    /// The offer in the body.
    static func version1(_ body: [UInt8]) throws(WireError) -> ReceivedOffer {
        .v1(try X402V1.PaymentRequired(body: body))
    }

    /// Why options of it cannot be read.
    public var unreadable: [WireError] {
        switch self {
        case .v2(let required): required.unreadable
        case .v1(let required): required.unreadable
        }
    }

    /// What the server says is wrong, for a person: the standard reason after a payment.
    public var error: String? {
        switch self {
        case .v2(let required): required.error
        case .v1(let required): required.error.isEmpty ? nil : required.error
        }
    }

    /// The name of the dialect.
    public var dialect: String {
        switch self {
        case .v2: "x402"
        case .v1: "x402-v1"
        }
    }

    /// The options that can be read, in the server's order, with what both versions say.
    public var options: [OfferedOption] {
        switch self {
        case .v2(let required): required.accepts.map { OfferedOption($0) }
        case .v1(let required): required.accepts.map { OfferedOption($0) }
        }
    }
}

/// One element of `accepts`, the same for both versions. Nothing in it is checked.
public struct OfferedOption: Sendable {
    /// The element as it came, which a payment in version 2 gives back.
    public enum Wire: Sendable {
        /// Of version 2.
        case v2(X402V2.PaymentRequirements)
        /// Of version 1.
        case v1(X402V1.PaymentRequirements)
    }

    /// As it came.
    public let wire: Wire
    /// `exact` …
    public let scheme: String
    /// CAIP-2, or a legacy name.
    public let network: String
    /// The token's address.
    public let asset: String
    /// In the token's smallest unit.
    public let amount: UInt256
    /// Who is paid.
    public let payTo: String
    /// How long a payment may take, in seconds.
    public let maxTimeoutSeconds: Int
    /// By scheme.
    public let extra: JSONObject?

    init(_ requirements: X402V2.PaymentRequirements) {
        self.wire = .v2(requirements)
        self.scheme = requirements.scheme
        self.network = requirements.network.description
        self.asset = requirements.asset
        self.amount = requirements.amount
        self.payTo = requirements.payTo
        self.maxTimeoutSeconds = requirements.maxTimeoutSeconds
        self.extra = requirements.extra
    }

    init(_ requirements: X402V1.PaymentRequirements) {
        self.wire = .v1(requirements)
        self.scheme = requirements.scheme
        self.network = requirements.network
        self.asset = requirements.asset
        self.amount = requirements.maxAmountRequired
        self.payTo = requirements.payTo
        self.maxTimeoutSeconds = requirements.maxTimeoutSeconds
        self.extra = requirements.extra
    }
}
