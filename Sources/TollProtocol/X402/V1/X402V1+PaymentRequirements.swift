// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

extension X402V1 {
    /// One way to pay: an element of `accepts`. Source: x402 specification v1, "PaymentRequirements".
    public struct PaymentRequirements: WireObject {
        /// The object, verbatim.
        public let json: JSONObject
        /// `exact` …
        public let scheme: String
        /// A legacy name: `base`, `base-sepolia` …
        public let network: String
        /// Smallest units of the asset.
        public let maxAmountRequired: UInt256
        /// The URL of what is for sale.
        public let resource: String
        /// For people; empty when unknown.
        public let description: String
        /// Of the answer; empty when unknown.
        public let mimeType: String
        /// What the resource takes and gives: an object, null, or nil when left out.
        public let outputSchema: JSON?
        /// Who is paid.
        public let payTo: String
        /// How long a payment may take.
        public let maxTimeoutSeconds: Int
        /// The token's address or mint.
        public let asset: String
        /// By scheme: `name` and `version` of the token's EIP-712 domain.
        public let extra: JSONObject?

        /// Builds one; what is nil is left out.
        public init(
            scheme: String,
            network: String,
            maxAmountRequired: UInt256,
            resource: String,
            description: String = "",
            mimeType: String = "",
            outputSchema: JSON? = nil,
            payTo: String,
            maxTimeoutSeconds: Int,
            asset: String,
            extra: JSONObject? = nil
        ) {
            var json: JSONObject = [
                "scheme": .string(scheme), "network": .string(network),
                "maxAmountRequired": .string(maxAmountRequired.description), "resource": .string(resource),
                "description": .string(description), "mimeType": .string(mimeType),
            ]
            json["outputSchema"] = outputSchema
            json["payTo"] = .string(payTo)
            json["maxTimeoutSeconds"] = .integer(maxTimeoutSeconds)
            json["asset"] = .string(asset)
            json["extra"] = extra.map(JSON.object)
            self.json = json
            self.scheme = scheme
            self.network = network
            self.maxAmountRequired = maxAmountRequired
            self.resource = resource
            self.description = description
            self.mimeType = mimeType
            self.outputSchema = outputSchema
            self.payTo = payTo
            self.maxTimeoutSeconds = maxTimeoutSeconds
            self.asset = asset
            self.extra = extra
        }

        /// Reads one.
        public init(_ json: JSONObject, at path: String) throws(WireError) {
            let reader = WireReader(json, at: path)
            self.json = json
            self.scheme = try reader.string("scheme")
            self.network = try reader.string("network")
            self.maxAmountRequired = try reader.amount("maxAmountRequired")
            self.resource = try reader.string("resource")
            self.description = try reader.optionalString("description") ?? ""
            self.mimeType = try reader.optionalString("mimeType") ?? ""
            if let schema: JSONObject = try reader.optionalObject("outputSchema") {
                self.outputSchema = .object(schema)
            } else {
                self.outputSchema = json["outputSchema"]
            }
            self.payTo = try reader.string("payTo")
            self.maxTimeoutSeconds = try reader.count("maxTimeoutSeconds")
            self.asset = try reader.string("asset")
            self.extra = try reader.optionalObject("extra")
        }
    }
}
