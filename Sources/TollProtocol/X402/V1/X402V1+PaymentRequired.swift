// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

extension X402V1 {
    /// The challenge: the body of a 402. Source: x402 specification v1, "PaymentRequirementsResponse".
    public struct PaymentRequired: WireObject {
        /// The `error` of a challenge to a request that brought no payment. After a payment that was refused it is the
        /// ``ErrorReason``.
        public static let noPaymentError = "X-PAYMENT header is required"

        /// The object, verbatim.
        public let json: JSONObject
        /// ``noPaymentError``, or what was wrong with the payment; empty when left out.
        public let error: String
        /// The ways to pay that can be read.
        public let accepts: [PaymentRequirements]
        /// Why others of `accepts` cannot be read.
        public let unreadable: [WireError]

        /// Builds one.
        public init(error: String = Self.noPaymentError, accepts: [PaymentRequirements]) {
            self.json = [
                "x402Version": X402Version.v1.json, "error": .string(error),
                "accepts": .array(accepts.map { .object($0.json) }),
            ]
            self.error = error
            self.accepts = accepts
            self.unreadable = []
        }

        /// Reads one. An option that cannot be read does not hide the others.
        public init(_ json: JSONObject, at path: String) throws(WireError) {
            let reader = WireReader(json, at: path)
            try reader.version(.v1)
            self.json = json
            self.error = try reader.optionalString("error") ?? ""
            (self.accepts, self.unreadable) = try reader.readableObjects("accepts")
        }
    }
}
