// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

extension X402V2 {
    /// The payment: what `PAYMENT-SIGNATURE` carries. Source: x402 specification v2, "PaymentPayload".
    public struct PaymentPayload: WireObject {
        /// The object, verbatim.
        public internal(set) var json: JSONObject
        /// The server's, given back.
        public let resource: ResourceInfo?
        /// The chosen element of `accepts`, given back verbatim.
        public internal(set) var accepted: PaymentRequirements
        /// By scheme; see ``exactEVM()``.
        public let payload: JSONObject
        /// The server's, given back, with the client's additions.
        public internal(set) var extensions: JSONObject?

        /// Builds one; what is nil is left out.
        public init(
            resource: ResourceInfo? = nil,
            accepted: PaymentRequirements,
            payload: JSONObject,
            extensions: JSONObject? = nil
        ) {
            var json: JSONObject = ["x402Version": X402Version.v2.json]
            json["resource"] = resource.map { .object($0.json) }
            json["accepted"] = .object(accepted.json)
            json["payload"] = .object(payload)
            json["extensions"] = extensions.map(JSON.object)
            self.json = json
            self.resource = resource
            self.accepted = accepted
            self.payload = payload
            self.extensions = extensions
        }

        /// Reads one.
        public init(_ json: JSONObject, at path: String) throws(WireError) {
            let reader = WireReader(json, at: path)
            try reader.version(.v2)
            self.json = json
            self.resource = try reader.optionalObject("resource")
            self.accepted = try reader.object("accepted")
            self.payload = try reader.required("payload", "an object", \.object)
            self.extensions = try reader.optionalObject("extensions")
        }

        /// The payload of scheme `exact` on EVM chains by EIP-3009.
        public func exactEVM() throws(WireError) -> ExactEVMPayload {
            try ExactEVMPayload(self.payload, at: "payload")
        }
    }
}
