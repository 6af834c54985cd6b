// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

extension X402V1 {
    /// What a server asks of a facilitator: the body of `/verify` and of `/settle`.
    public struct FacilitatorRequest: WireObject {
        /// The object, verbatim.
        public let json: JSONObject
        /// What the client sent.
        public let paymentPayload: PaymentPayload
        /// What the server asked for.
        public let paymentRequirements: PaymentRequirements

        /// Builds one.
        public init(paymentPayload: PaymentPayload, paymentRequirements: PaymentRequirements) {
            self.json = [
                "x402Version": X402Version.v1.json, "paymentPayload": .object(paymentPayload.json),
                "paymentRequirements": .object(paymentRequirements.json),
            ]
            self.paymentPayload = paymentPayload
            self.paymentRequirements = paymentRequirements
        }

        /// Reads one. The oldest servers pass the header on as it came, as `paymentHeader` in place of `paymentPayload`.
        public init(_ json: JSONObject, at path: String) throws(WireError) {
            let reader = WireReader(json, at: path)
            try reader.version(.v1)
            self.json = json
            if reader.value("paymentPayload") == nil, let header = try reader.optionalString("paymentHeader") {
                do throws(WireError) {
                    self.paymentPayload = try PaymentPayload(headerValue: header)
                } catch {
                    throw error.under(path.isEmpty ? "paymentHeader" : path + ".paymentHeader")
                }
            } else {
                self.paymentPayload = try reader.object("paymentPayload")
            }
            self.paymentRequirements = try reader.object("paymentRequirements")
        }
    }
}
