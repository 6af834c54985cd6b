// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

extension X402V2 {
    /// When the money moves, seen from the handler. Source: x402 specification v2, §6.1.
    public enum PaymentFlow: String, Hashable, Sendable {
        /// Verified before the handler, settled after it: the default, which stands for itself by being left out.
        case authorization
        /// Settled before the handler.
        case upfront
    }
}

extension X402V2.PaymentRequirements {
    /// The flow that `extra.paymentFlow` names. A client must not pay under one it does not know, hence an error.
    public func paymentFlow(at path: String = "") throws(WireError) -> X402V2.PaymentFlow {
        guard let extra = self.extra else { return .authorization }
        let reader = WireReader(extra, at: path.isEmpty ? "extra" : path + ".extra")
        guard reader.value("paymentFlow") != nil else { return .authorization }
        return try reader.text("paymentFlow", "authorization or upfront", X402V2.PaymentFlow.init(rawValue:))
    }
}
