// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// The headers of x402 over HTTP, their names and their code: base64 of a JSON object.
///
/// Source: x402 transports-v2/http.md and transports-v1/http.md.
public enum PaymentHeader {
    /// v2, server to client on 402 and 412: a ``X402V2/PaymentRequired``.
    public static let paymentRequired = "PAYMENT-REQUIRED"
    /// v2, client to server: a ``X402V2/PaymentPayload``.
    public static let paymentSignature = "PAYMENT-SIGNATURE"
    /// v2, server to client after settlement, good or bad: a ``SettlementResponse``.
    public static let paymentResponse = "PAYMENT-RESPONSE"
    /// v1, client to server: a ``X402V1/PaymentPayload``.
    public static let payment = "X-PAYMENT"
    /// v1, server to client after settlement: a ``SettlementResponse``.
    public static let legacyPaymentResponse = "X-PAYMENT-RESPONSE"
    /// Facilitator to resource server only, never to a buyer: an object keyed by extension.
    public static let extensionResponses = "EXTENSION-RESPONSES"

    /// Decoded bytes of a header unless told otherwise: a signed payload with a wallet's deployment code stays well below,
    /// and servers commonly refuse longer header fields anyway.
    public static let sizeMax = 16 * 1024
    /// Bytes of a facilitator's request or response: a payload of ``sizeMax`` with its requirements and extensions.
    public static let bodySizeMax = 64 * 1024

    /// The object that a header's text stands for. Both base64 alphabets are read, padded or not.
    public static func decode(_ text: some StringProtocol, sizeMax: Int = Self.sizeMax) throws(WireError) -> JSONObject {
        guard text.utf8.count <= (sizeMax + 2) / 3 * 4 else { throw Self.tooLarge(sizeMax) }
        guard let bytes = Base64.decode(text) else {
            throw WireError(.notBase64, path: "", problem: "is not base64", expected: "base64 of a JSON object")
        }
        return try self.object(parsing: bytes, sizeMax: sizeMax)
    }

    /// The text of a header: compact JSON in padded standard base64.
    public static func encode(_ object: JSONObject) -> String {
        Base64.encode(JSON.object(object).utf8)
    }

    static func object(parsing bytes: [UInt8], sizeMax: Int) throws(WireError) -> JSONObject {
        guard bytes.count <= sizeMax else { throw self.tooLarge(sizeMax) }
        let value: JSON
        do {
            value = try JSON(parsing: bytes)
        } catch {
            throw WireError(.notJSON, path: "", problem: "is not JSON (\(error))", expected: "a JSON object")
        }
        guard let object = value.object else {
            throw WireError(.notObject, path: "", problem: "is \(value.typeName)", expected: "a JSON object")
        }
        return object
    }

    private static func tooLarge(_ sizeMax: Int) -> WireError {
        WireError(.tooLarge, path: "", problem: "is too large", expected: "at most \(sizeMax) bytes of JSON")
    }
}
