// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
public import TollPrimitives

/// How a challenge, a credential and a receipt travel in HTTP. Knows nothing of chains; a ``PaymentMethod`` knows nothing of
/// HTTP.
public protocol Dialect: Sendable {
    /// The name, as configuration and the ledger write it.
    var id: DialectID { get }

    /// Request fields that carry a credential: never sent upstream, allowed across origins, named in `Vary`.
    var credentialFields: [FieldName] { get }

    /// Response fields that carry a challenge or a receipt: shown to scripts of other origins.
    var responseFields: [FieldName] { get }

    /// What the dialect says in a 402 for `offer`.
    ///
    /// - Parameter error: The standard reason a presented credential was refused for; nil when there was none.
    func challenge(for offer: Offer, error: String?) -> Challenge

    /// What `head` presents, matched to one of `offers`: the route's own first, then those that were made before a reload.
    func read(_ head: RequestHead, offers: [Offer]) -> CredentialReading

    /// The fields that tell a client what became of its payment.
    func receipt(_ receipt: Receipt) -> [(name: String, value: String)]
}

/// One dialect's part of a 402.
public struct Challenge: Sendable {
    /// Fields of the response, in order.
    public let fields: [ChallengeField]
    /// Members of the response's JSON body, for dialects that speak there.
    public let body: JSONObject

    /// A dialect's part.
    public init(fields: [ChallengeField] = [], body: JSONObject = [:]) {
        self.fields = fields
        self.body = body
    }
}

/// A field of a 402, with a place for the challenge's sixteen random bytes where the dialect has one.
public struct ChallengeField: Sendable {
    /// The field's name.
    public let name: String
    /// The value, slots holding any valid filling.
    public let value: [UInt8]
    /// Overwrites the slots of a value that stands in a buffer at an offset. Nil when the field has none.
    public let fill: (@Sendable (_ random: (UInt64, UInt64), _ buffer: inout [UInt8], _ offset: Int) -> Void)?

    /// A field of a 402.
    public init(
        name: String, value: [UInt8],
        fill: (@Sendable (_ random: (UInt64, UInt64), _ buffer: inout [UInt8], _ offset: Int) -> Void)? = nil
    ) {
        self.name = name
        self.value = value
        self.fill = fill
    }
}

/// What a dialect found in a request.
public enum CredentialReading: Sendable {
    /// Nothing of this dialect.
    case none
    /// Something that cannot be parsed: 400.
    case malformed(field: String, reason: String)
    /// Well formed, and for no offer of this route: 402 with this reason.
    case mismatched(PaymentRefusal)
    /// A credential for one of the offers.
    case credential(Credential)
}
