// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// When the money moves relative to the answer.
public enum SettlePolicy: String, Hashable, Sendable {
    /// Before the upstream is called: for what is dear or streamed. On the wire `extra.paymentFlow: "upfront"`.
    case before
    /// After the upstream has answered and before the answer leaves: nothing is charged for a failed call. The x402 default.
    case after
}

/// What a route asks for one call: the resource and every way to pay for it.
public struct Offer: Hashable, Sendable {
    /// The resource's URL as clients see it: the public origin and the raw path, without a query.
    public var resource: String
    /// For people; empty when the seller gave none.
    public let description: String
    /// The answer's media type, when the seller said.
    public let mimeType: String?
    /// At least one, the seller's preference first.
    public let options: [PaymentOption]
    /// When the money moves.
    public let policy: SettlePolicy

    /// An offer by all its fields.
    public init(resource: String, description: String, mimeType: String?, options: [PaymentOption], policy: SettlePolicy) {
        self.resource = resource
        self.description = description
        self.mimeType = mimeType
        self.options = options
        self.policy = policy
    }
}
