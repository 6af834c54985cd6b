// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// The name of a dialect: `x402`, `x402-v1`.
public struct DialectID: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    /// The name as configuration writes it.
    public let name: String

    /// From the name as configuration writes it.
    public init(_ name: String) {
        self.name = name
    }

    /// Not a dialect of payments: a signed-in payer buys with what it is owed. Source: x402 specs/extensions/sign-in-with-x.md.
    public static let credit = DialectID("sign-in-with-x")

    /// From a literal name.
    public init(stringLiteral value: String) {
        self.name = value
    }

    /// The name.
    public var description: String { self.name }
}

/// What a client presents to be served: well formed, matched to an option of the offer, not yet verified.
public struct Credential: Hashable, Sendable {
    /// How it travelled.
    public let dialect: DialectID
    /// The option it pays.
    public let option: PaymentOption
    /// The scheme's own part, verbatim.
    public let payload: JSONObject
    /// SHA-256 of the challenge it echoes; nil when it echoes none (x402 v1 has no place for one). Missing never equals missing.
    public let challengeHash: Bytes32?
    /// That challenge itself, for methods that look it up; nil where nothing but its digest is needed.
    public let challenge: PresentedChallenge?
    /// The `payment-identifier` it brings; nil when it brings none.
    public let identifier: String?

    /// A credential by all its fields.
    public init(
        dialect: DialectID, option: PaymentOption, payload: JSONObject, challengeHash: Bytes32?,
        challenge: PresentedChallenge? = nil, identifier: String? = nil
    ) {
        self.challenge = challenge
        self.dialect = dialect
        self.option = option
        self.payload = payload
        self.challengeHash = challengeHash
        self.identifier = identifier
    }
}
