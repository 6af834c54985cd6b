// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

extension X402V2 {
    /// One way to pay: an element of `accepts`, and `accepted` in a payload.
    /// Source: x402 specification v2, "PaymentRequirements".
    public struct PaymentRequirements: WireObject {
        /// The object, verbatim.
        public internal(set) var json: JSONObject
        /// `exact` …
        public let scheme: String
        /// Where the money moves.
        public let network: ChainID
        /// The token's address, mint or currency code.
        public let asset: String
        /// Smallest units of the asset.
        public let amount: UInt256
        /// Who is paid: an address or a role's name.
        public let payTo: String
        /// How long a payment may take.
        public let maxTimeoutSeconds: Int
        /// By scheme: `name` and `version` of the token's EIP-712 domain, `paymentFlow`, `assetTransferMethod` …
        public internal(set) var extra: JSONObject?

        /// Builds one.
        public init(
            scheme: String,
            network: ChainID,
            asset: String,
            amount: UInt256,
            payTo: String,
            maxTimeoutSeconds: Int,
            extra: JSONObject? = nil
        ) {
            var json: JSONObject = [
                "scheme": .string(scheme), "network": .string(network.description), "asset": .string(asset),
                "amount": .string(amount.description), "payTo": .string(payTo),
                "maxTimeoutSeconds": .integer(maxTimeoutSeconds),
            ]
            json["extra"] = extra.map(JSON.object)
            self.json = json
            self.scheme = scheme
            self.network = network
            self.asset = asset
            self.amount = amount
            self.payTo = payTo
            self.maxTimeoutSeconds = maxTimeoutSeconds
            self.extra = extra
        }

        /// Reads one.
        public init(_ json: JSONObject, at path: String) throws(WireError) {
            let reader = WireReader(json, at: path)
            self.json = json
            self.scheme = try reader.string("scheme")
            self.network = try reader.text("network", "a CAIP-2 chain such as eip155:8453", ChainID.init)
            self.asset = try reader.string("asset")
            self.amount = try reader.amount("amount")
            self.payTo = try reader.string("payTo")
            self.maxTimeoutSeconds = try reader.count("maxTimeoutSeconds")
            self.extra = try reader.optionalObject("extra")
        }
    }
}
