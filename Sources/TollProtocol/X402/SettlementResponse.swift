// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// What became of a settlement: the receipt in `PAYMENT-RESPONSE` (v2) and `X-PAYMENT-RESPONSE` (v1), and a facilitator's
/// answer to `/settle`. Source: x402 core specification, "SettlementResponse".
public struct SettlementResponse: WireObject {
    /// The object, verbatim.
    public let json: JSONObject
    /// Whether the money moved (or, under deferred settlement, is certain to).
    public let success: Bool
    /// Why not; present on failure.
    public let errorReason: ErrorReason?
    /// The same in words.
    public let errorMessage: String?
    /// Who paid, as the chain writes addresses.
    public let payer: String?
    /// The transaction; empty when there is none, and never under `settlement_pending`.
    public let transaction: String
    /// CAIP-2 in v2, the legacy name in v1.
    public let network: String
    /// The amount really settled, in the smallest unit, where a scheme lets it differ from the one asked for.
    public let amount: String?
    /// By extension.
    public let extensions: JSONObject?
    /// By scheme.
    public let extra: JSONObject?

    /// Builds one; what is nil is left out.
    public init(
        success: Bool,
        errorReason: ErrorReason? = nil,
        errorMessage: String? = nil,
        payer: String? = nil,
        transaction: String,
        network: String,
        amount: String? = nil,
        extensions: JSONObject? = nil,
        extra: JSONObject? = nil
    ) {
        var json: JSONObject = ["success": .bool(success)]
        json["errorReason"] = errorReason.map { .string($0.rawValue) }
        json["errorMessage"] = errorMessage.map(JSON.string)
        json["payer"] = payer.map(JSON.string)
        json["transaction"] = .string(transaction)
        json["network"] = .string(network)
        json["amount"] = amount.map(JSON.string)
        json["extensions"] = extensions.map(JSON.object)
        json["extra"] = extra.map(JSON.object)
        self.json = json
        self.success = success
        self.errorReason = errorReason
        self.errorMessage = errorMessage
        self.payer = payer
        self.transaction = transaction
        self.network = network
        self.amount = amount
        self.extensions = extensions
        self.extra = extra
    }

    /// Reads one. A failure may leave out transaction and network, which are then empty.
    public init(_ json: JSONObject, at path: String) throws(WireError) {
        let reader = WireReader(json, at: path)
        self.json = json
        self.success = try reader.required("success", "true or false", \.bool)
        self.errorReason = try reader.optionalString("errorReason").map(ErrorReason.init(rawValue:))
        self.errorMessage = try reader.optionalString("errorMessage")
        self.payer = try reader.optionalString("payer")
        self.transaction = self.success ? try reader.string("transaction") : try reader.optionalString("transaction") ?? ""
        self.network = self.success ? try reader.string("network") : try reader.optionalString("network") ?? ""
        self.amount = try reader.optionalString("amount")
        self.extensions = try reader.optionalObject("extensions")
        self.extra = try reader.optionalObject("extra")
    }
}
