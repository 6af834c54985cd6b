// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
public import TollPrimitives
public import TollProtocol

/// How a challenge, a credential and a receipt travel in HTTP. Knows nothing of chains; a ``PaymentMethod`` knows nothing of
/// HTTP.
public protocol Dialect: Sendable {
    /// The name, as configuration and the ledger write it.
    var id: DialectID { get }

    /// Request fields that carry a credential: never sent upstream, allowed across origins, named in `Vary`.
    var credentialFields: [FieldName] { get }

    /// Whether credential fields have names that others give to fields of theirs: then they are ours only where a route takes the
    /// dialect.
    var usesCommonNames: Bool { get }

    /// Request fields in which a client proves who it is without paying: never sent upstream either, allowed across origins,
    /// named in `Vary`.
    var signInFields: [FieldName] { get }

    /// Response fields that carry a challenge or a receipt: shown to scripts of other origins.
    var responseFields: [FieldName] { get }

    /// What the dialect says in a 402 for `offer`.
    ///
    /// - Parameter error: The standard reason a presented credential was refused for; nil when there was none.
    func challenge(for offer: Offer, error: String?) -> Challenge

    /// What the dialect has to say in one 402 alone: made for it and kept before it is sent. Nil for a dialect whose challenges
    /// are all alike but for their filling, and where nothing more can be kept; then `challenge` says what is left.
    func additions(to offer: Offer, for occasion: ChallengeOccasion) async -> ChallengeAdditions?

    /// Whether it makes each challenge by itself, so that none can be prepared.
    var makesEachChallenge: Bool { get }

    /// What a directory says of `offer`: the members `x402Version` and `accepts` of an item of `GET /discovery/resources`
    /// (x402 specification v2, "Discovery API"); nil for a dialect that has no such directory.
    func listing(of offer: Offer) -> JSONObject?

    /// What `head` presents, matched to one of `offers`: the route's own first, then those that were made before a reload.
    func read(_ head: RequestHead, offers: [Offer]) -> CredentialReading

    /// The sign-in that `head` presents.
    func signIn(_ head: RequestHead) -> SignInReading

    /// The fields that tell a client what became of its payment.
    func receipt(_ receipt: Receipt) -> [(name: String, value: String)]
}

extension Dialect {
    /// They are its own.
    public var usesCommonNames: Bool { false }

    /// None.
    public var signInFields: [FieldName] { [] }

    /// Has nothing to add.
    public func additions(to offer: Offer, for occasion: ChallengeOccasion) async -> ChallengeAdditions? { nil }

    /// All are alike.
    public var makesEachChallenge: Bool { false }

    /// Is in no directory.
    public func listing(of offer: Offer) -> JSONObject? { nil }

    /// Has no place for one.
    public func signIn(_ head: RequestHead) -> SignInReading { .none }
}

/// What makes one 402 its own.
public struct ChallengeFilling: Sendable {
    /// The secret of the challenge: sixteen random bytes.
    public let secret: (UInt64, UInt64)
    /// The nonce of the sign-in that it invites to: sixteen others, for it is shown to whoever the client shows its sign-in.
    public let nonce: (UInt64, UInt64)
    /// When the 402 was made, in seconds since 1970.
    public let time: Int64

    /// For a challenge that invites to sign in.
    public init(secret: (UInt64, UInt64), nonce: (UInt64, UInt64), time: Int64) {
        self.secret = secret
        self.nonce = nonce
        self.time = time
    }

    /// For a challenge that does not invite to sign in.
    public init(secret: (UInt64, UInt64)) {
        self.init(secret: secret, nonce: (0, 0), time: 0)
    }
}

/// What a challenge is made for.
public struct ChallengeOccasion: Sendable {
    /// Whom, by its address: what is kept for challenges is kept for so many of one client.
    public let client: String
    /// What the client presented, and was refused with; nil when it presented nothing.
    public let refused: Credential?
    /// The reason it was refused for.
    public let refusal: PaymentRefusal?

    /// An occasion by all its fields.
    public init(client: String, refused: Credential? = nil, refusal: PaymentRefusal? = nil) {
        self.client = client
        self.refused = refused
        self.refusal = refusal
    }
}

/// What dialects add to the object of x402 version 2.
public struct ChallengeAdditions: Hashable, Sendable {
    /// Entries of `extensions`, by their names.
    public var extensions: JSONObject
    /// Members beside `accepts`.
    public var members: JSONObject

    /// Additions; none when both are empty.
    public init(extensions: JSONObject = [:], members: JSONObject = [:]) {
        self.extensions = extensions
        self.members = members
    }

    /// Takes in those of another dialect; of two with one name the later stands.
    public mutating func merge(_ other: ChallengeAdditions) {
        for (name, value) in other.extensions.members { self.extensions[name] = value }
        for (name, value) in other.members.members { self.members[name] = value }
    }
}

/// A body of a 402 for clients that ask for its media type.
public struct ChallengeDocument: Hashable, Sendable {
    /// The media type, without parameters.
    public let mediaType: String
    /// The body.
    public let body: [UInt8]

    /// A body by its media type.
    public init(mediaType: String, body: [UInt8]) {
        self.mediaType = mediaType
        self.body = body
    }
}

/// One dialect's part of a 402.
public struct Challenge: Sendable {
    /// Fields of the response, in order.
    public let fields: [ChallengeField]
    /// Members of the response's JSON body, for dialects that speak there.
    public let body: JSONObject
    /// The same in other media types.
    public let documents: [ChallengeDocument]

    /// A dialect's part.
    public init(fields: [ChallengeField] = [], body: JSONObject = [:], documents: [ChallengeDocument] = []) {
        self.fields = fields
        self.body = body
        self.documents = documents
    }
}

/// A field of a 402, with places for what makes the challenge its own where the dialect has them.
public struct ChallengeField: Sendable {
    /// Overwrites the slots of a value that stands in a buffer at an offset.
    public typealias Fill = @Sendable (_ filling: ChallengeFilling, _ buffer: inout [UInt8], _ offset: Int) -> Void

    /// The field's name.
    public let name: String
    /// The value, slots holding any valid filling.
    public let value: [UInt8]
    /// Overwrites the slots. Nil when the field has none.
    public let fill: Fill?

    /// A field of a 402.
    public init(name: String, value: [UInt8], fill: Fill? = nil) {
        self.name = name
        self.value = value
        self.fill = fill
    }
}

/// What a dialect found in a request of a sign-in.
public enum SignInReading: Sendable {
    /// Nothing.
    case none
    /// Something that cannot be parsed: 400.
    case malformed(field: String, reason: String)
    /// Well formed, not verified.
    case proof(X402V2.SignIn.Proof)
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
