// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPrimitives

/// Bodies of `/verify` and `/settle`. Shapes and the sample authorization: x402 core specification, v1 and v2, "POST /verify".
enum Bodies {
    static let payer = "0x857b06519E91e3A54538791bDbb0E22373e36b66"
    static let payTo = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
    static let usdc = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"

    static let payload = """
        {"signature":"0x2d6a7588d6acca505cbf0d9a4a227e0c52c6c34008c8e8986a1283259764173608a2ce\
        6496642e377d6da8dbbf5836e9bd15092f9ecab05ded3d6293af148b571c","authorization":{"from":"\(payer)",\
        "to":"\(payTo)","value":"10000","validAfter":"1740672089",\
        "validBefore":"1740672154","nonce":"0xf3746613c2d920b5fdabc0856f2aeb2d4f88ee6037b8cc5d04a71a4462f13480"}}
        """

    static let requirements2 = """
        {"scheme":"exact","network":"eip155:84532","asset":"\(usdc)","amount":"10000","payTo":"\(payTo)","maxTimeoutSeconds":60,\
        "extra":{"name":"USDC","version":"2"}}
        """

    static let v2 = """
        {"x402Version":2,"paymentPayload":{"x402Version":2,"resource":{"url":"https://api.example.com/premium-data"},\
        "accepted":\(requirements2),"payload":\(payload)},"paymentRequirements":\(requirements2)}
        """

    static let v1 = """
        {"x402Version":1,"paymentPayload":{"x402Version":1,"scheme":"exact","network":"base-sepolia","payload":\(payload)},\
        "paymentRequirements":{"scheme":"exact","network":"base-sepolia","maxAmountRequired":"10000",\
        "resource":"https://api.example.com/premium-data","description":"","mimeType":"application/json","outputSchema":null,\
        "payTo":"\(payTo)","maxTimeoutSeconds":60,"asset":"\(usdc)","extra":{"name":"USDC","version":"2"}}}
        """

    /// `body` with the member at `path` replaced, or removed (nil).
    static func changing(_ path: String, in body: String = v2, to value: JSON?) throws -> String {
        try self.changing(JSON(parsing: body), path.split(separator: ".").map(String.init)[...], to: value).text
    }

    private static func changing(_ json: JSON, _ path: ArraySlice<String>, to value: JSON?) -> JSON {
        guard let name = path.first else { return value ?? .null }
        var object = json.object ?? [:]
        object[name] = path.count == 1 ? value : self.changing(object[name] ?? .null, path.dropFirst(), to: value)
        return .object(object)
    }
}
