// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// The body of `/verify` or `/settle`, read: a credential, or why none of ours could be made of it.
struct AskedPayment: Sendable {
    /// The dialect of every claim that a facilitator makes: what is told of such a claim is told by a facilitator, and a claim
    /// of a gateway in the same ledger is nobody else's business.
    static let dialect: DialectID = "facilitator"

    /// The network as the asker names it, and so the answer.
    let network: String
    /// What is verified and settled; a refusal when it is none of what this facilitator serves.
    let credential: Result<Credential, PaymentRefusal>

    /// Reads a body in either version.
    ///
    /// - Throws: What cannot be parsed, with the path of the member. What parses and is wrong is a refusal, not an error.
    init(body: [UInt8], for configuration: FacilitatorConfiguration) throws(WireError) {
        let json = try Self.object(body)
        let terms: Terms =
            switch try X402Version(of: json) {
            case .v1: try Terms(X402V1.FacilitatorRequest(json), configuration)
            case .v2: try Terms(X402V2.FacilitatorRequest(json))
            }
        self.network = terms.network
        do throws(PaymentRefusal) {
            self.credential = .success(try terms.credential(configuration))
        } catch {
            self.credential = .failure(error)
        }
    }

    /// The object, with the version that stands in the payload alone, as some servers write it, on top as well.
    private static func object(_ body: [UInt8]) throws(WireError) -> JSONObject {
        let json: JSON
        do { json = try JSON(parsing: body) } catch {
            throw WireError(.notJSON, path: "", problem: "is not JSON (\(error))", expected: "a JSON object")
        }
        guard var object = json.object else {
            throw WireError(.notObject, path: "", problem: "is no object", expected: "a JSON object")
        }
        if object["x402Version"] == nil { object["x402Version"] = object["paymentPayload"]?["x402Version"] }
        return object
    }
}

/// What both versions say, in one shape.
private struct Terms {
    /// The schemes of the payload and of the requirements.
    let schemes: [String]
    /// The network of the payload.
    let paidNetwork: String
    /// The network of the requirements.
    let network: String
    /// The chain that the requirements mean; nil when they name none of ours.
    let chain: ChainID?
    let asset: String
    let amount: UInt256
    let payTo: String
    let maxTimeoutSeconds: Int
    let extra: JSONObject
    let payload: JSONObject

    init(_ request: X402V2.FacilitatorRequest) throws(WireError) {
        let (accepted, asked) = (request.paymentPayload.accepted, request.paymentRequirements)
        self.schemes = [accepted.scheme, asked.scheme]
        self.paidNetwork = accepted.network.description
        self.network = asked.network.description
        self.chain = asked.network
        self.asset = asked.asset
        self.amount = asked.amount
        self.payTo = asked.payTo
        self.maxTimeoutSeconds = asked.maxTimeoutSeconds
        self.extra = asked.extra ?? [:]
        self.payload = request.paymentPayload.payload
        try self.parsePayload()
    }

    init(_ request: X402V1.FacilitatorRequest, _ configuration: FacilitatorConfiguration) throws(WireError) {
        let (paid, asked) = (request.paymentPayload, request.paymentRequirements)
        self.schemes = [paid.scheme, asked.scheme]
        self.paidNetwork = paid.network
        self.network = asked.network
        self.chain = configuration.kinds.first { $0.legacyName == asked.network }?.chain
        self.asset = asked.asset
        self.amount = asked.maxAmountRequired
        self.payTo = asked.payTo
        self.maxTimeoutSeconds = asked.maxTimeoutSeconds
        self.extra = asked.extra ?? [:]
        self.payload = paid.payload
        try self.parsePayload()
    }

    private var isExact: Bool { self.schemes.allSatisfy { $0 == "exact" } }

    /// `exact` on EVM chains has a payload for Permit2 too, which is well formed and not served.
    private var isPermit2: Bool { self.payload["authorization"] == nil && self.payload["permit2Authorization"] != nil }

    /// Only the scheme that is served can be held to its form.
    private func parsePayload() throws(WireError) {
        guard self.isExact, !self.isPermit2 else { return }
        _ = try ExactEVMPayload(self.payload, at: "paymentPayload.payload")
    }

    /// The checks that come before the method's own, in the order of the reference SDKs.
    func credential(_ configuration: FacilitatorConfiguration) throws(PaymentRefusal) -> Credential {
        guard self.isExact else {
            throw Self.refusal(.unsupportedScheme, "scheme \(self.schemes.joined(separator: ", ")) is not served, exact is")
        }
        guard self.paidNetwork == self.network else {
            throw Self.refusal(.networkMismatch, "paid on \(self.paidNetwork), required on \(self.network)")
        }
        guard let kind = configuration.kinds.first(where: { $0.chain == self.chain }) else {
            throw Self.refusal(.invalidNetwork, "network \(self.network) is not served")
        }
        guard !self.isPermit2 else { throw Self.refusal(.unsupportedPayloadType, "permit2Authorization is not served") }
        guard let name = self.extra["name"]?.string, let version = self.extra["version"]?.string, !name.isEmpty, !version.isEmpty
        else {
            throw Self.refusal(.missingEIP712Domain, "paymentRequirements.extra needs name and version of the token's domain")
        }
        guard let asset = kind.assets.first(where: { $0.address.lowercased() == self.asset.lowercased() }) else {
            throw Self.refusal(.assetInformation, "asset \(self.asset) is not served on \(self.network)")
        }
        guard configuration.payTo?.contains(where: { $0.lowercased() == self.payTo.lowercased() }) ?? true else {
            throw Self.refusal(.invalidPaymentRequirements, "payTo \(self.payTo) is not served")
        }
        let option = PaymentOption(
            asset: Asset(
                network: asset.network,
                address: asset.address,
                symbol: asset.symbol,
                decimals: asset.decimals,
                domainName: name,
                domainVersion: version
            ),
            amount: self.amount,
            payTo: self.payTo,
            maxTimeoutSeconds: self.maxTimeoutSeconds
        )
        return Credential(dialect: AskedPayment.dialect, option: option, payload: self.payload, challengeHash: nil)
    }

    private static func refusal(_ reason: ErrorReason, _ detail: String) -> PaymentRefusal {
        PaymentRefusal(reason.rawValue, detail: detail)
    }
}
