// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

extension X402V1 {
    /// The payment: what `X-PAYMENT` carries. Source: x402 specification v1, "PaymentPayload".
    public struct PaymentPayload: WireObject {
        /// The object, verbatim.
        public let json: JSONObject
        /// `exact` …
        public let scheme: String
        /// A legacy name: `base`, `base-sepolia` …
        public let network: String
        /// By scheme; see ``exactEVM()``.
        public let payload: JSONObject

        /// Builds one.
        public init(scheme: String, network: String, payload: JSONObject) {
            self.json = [
                "x402Version": X402Version.v1.json, "scheme": .string(scheme), "network": .string(network),
                "payload": .object(payload),
            ]
            self.scheme = scheme
            self.network = network
            self.payload = payload
        }

        /// Reads one.
        public init(_ json: JSONObject, at path: String) throws(WireError) {
            let reader = WireReader(json, at: path)
            try reader.version(.v1)
            self.json = json
            self.scheme = try reader.string("scheme")
            self.network = try reader.string("network")
            self.payload = try reader.required("payload", "an object", \.object)
        }

        /// The payload of scheme `exact` on EVM chains by EIP-3009.
        public func exactEVM() throws(WireError) -> ExactEVMPayload {
            try ExactEVMPayload(self.payload, at: "payload")
        }
    }
}
