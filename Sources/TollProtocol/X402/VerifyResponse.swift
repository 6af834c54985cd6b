// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// A facilitator's answer to `/verify`. Source: x402 core specification, "VerifyResponse".
public struct VerifyResponse: WireObject {
    /// The object, verbatim.
    public let json: JSONObject
    /// Whether the payment would settle now.
    public let isValid: Bool
    /// Why not; present when it is not valid.
    public let invalidReason: ErrorReason?
    /// The same in words.
    public let invalidMessage: String?
    /// Who would pay, as the chain writes addresses.
    public let payer: String?
    /// By extension.
    public let extensions: JSONObject?
    /// By scheme.
    public let extra: JSONObject?

    /// Builds one; what is nil is left out.
    public init(
        isValid: Bool,
        invalidReason: ErrorReason? = nil,
        invalidMessage: String? = nil,
        payer: String? = nil,
        extensions: JSONObject? = nil,
        extra: JSONObject? = nil
    ) {
        var json: JSONObject = ["isValid": .bool(isValid)]
        json["invalidReason"] = invalidReason.map { .string($0.rawValue) }
        json["invalidMessage"] = invalidMessage.map(JSON.string)
        json["payer"] = payer.map(JSON.string)
        json["extensions"] = extensions.map(JSON.object)
        json["extra"] = extra.map(JSON.object)
        self.json = json
        self.isValid = isValid
        self.invalidReason = invalidReason
        self.invalidMessage = invalidMessage
        self.payer = payer
        self.extensions = extensions
        self.extra = extra
    }

    /// Reads one.
    public init(_ json: JSONObject, at path: String) throws(WireError) {
        let reader = WireReader(json, at: path)
        self.json = json
        self.isValid = try reader.required("isValid", "true or false", \.bool)
        self.invalidReason = try reader.optionalString("invalidReason").map(ErrorReason.init(rawValue:))
        self.invalidMessage = try reader.optionalString("invalidMessage")
        self.payer = try reader.optionalString("payer")
        self.extensions = try reader.optionalObject("extensions")
        self.extra = try reader.optionalObject("extra")
    }
}
