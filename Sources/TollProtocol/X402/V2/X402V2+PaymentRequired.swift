// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

extension X402V2 {
    /// The challenge: what `PAYMENT-REQUIRED` carries. Source: x402 specification v2, "PaymentRequired".
    public struct PaymentRequired: WireObject {
        /// The `error` of a challenge to a request that brought no payment. After a payment that was refused it is the
        /// ``ErrorReason``.
        public static let noPaymentError = "Payment required"

        /// The object, verbatim.
        public let json: JSONObject
        /// ``noPaymentError``, or what was wrong with the payment.
        public let error: String?
        /// What is for sale; some servers leave it out.
        public let resource: ResourceInfo?
        /// The ways to pay that can be read.
        public let accepts: [PaymentRequirements]
        /// Why others of `accepts` cannot be read.
        public let unreadable: [WireError]
        /// By extension: `{info, schema}`.
        public let extensions: JSONObject?

        /// Builds one; what is nil is left out.
        ///
        /// - Parameter members: Further ones, which readers of this version pass over.
        public init(
            error: String? = Self.noPaymentError,
            resource: ResourceInfo?,
            accepts: [PaymentRequirements],
            extensions: JSONObject? = nil,
            members: JSONObject = [:]
        ) {
            var json: JSONObject = ["x402Version": X402Version.v2.json]
            json["error"] = error.map(JSON.string)
            json["resource"] = resource.map { .object($0.json) }
            json["accepts"] = .array(accepts.map { .object($0.json) })
            json["extensions"] = extensions.map(JSON.object)
            for (name, value) in members.members where json[name] == nil { json[name] = value }
            self.json = json
            self.error = error
            self.resource = resource
            self.accepts = accepts
            self.unreadable = []
            self.extensions = extensions
        }

        /// Reads one. An option that cannot be read does not hide the others.
        public init(_ json: JSONObject, at path: String) throws(WireError) {
            let reader = WireReader(json, at: path)
            try reader.version(.v2)
            self.json = json
            self.error = try reader.optionalString("error")
            self.resource = try reader.optionalObject("resource")
            (self.accepts, self.unreadable) = try reader.readableObjects("accepts")
            self.extensions = try reader.optionalObject("extensions")
        }
    }
}
