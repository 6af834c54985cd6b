// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
internal import TollPayments
public import TollPrimitives

/// What to get.
public struct PurchaseRequest: Sendable {
    /// The method.
    public var method: Method
    /// Where from.
    public var url: URLParts
    /// Fields of the request; none that carries a payment.
    public var fields: Fields
    /// The body; nil for none.
    public var body: [UInt8]?
    /// The caller's name for the purchase, sent as `Idempotency-Key`: under it one payment is made at this URL, and no second.
    public var idempotencyKey: String?

    /// A request.
    public init(
        _ url: URLParts, method: Method = .get, fields: Fields = Fields(), body: [UInt8]? = nil, idempotencyKey: String? = nil
    ) {
        self.method = method
        self.url = url
        self.fields = fields
        self.body = body
        self.idempotencyKey = idempotencyKey
    }

    /// Bytes of an idempotency key: what servers take that keep it in a column.
    public static let keySizeMax = 255

    /// Whether `key` can be sent as it is: visible ASCII, and not more than ``keySizeMax`` of it.
    public static func isKey(_ key: String) -> Bool {
        (1...self.keySizeMax).contains(key.utf8.count) && key.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    /// What the key is in the journal: a digest with the URL it is for; nil without one.
    public var keyDigest: Bytes32? {
        guard let key = self.idempotencyKey else { return nil }
        return RequestIdentity(parts: [Array(self.url.description.utf8), Array(key.utf8)], isRepeatable: false).digest
    }

    /// What makes two calls one purchase: method, URL and body.
    public var digest: Bytes32 {
        let parts = [Array(self.method.token.utf8), Array(self.url.description.utf8), self.body ?? []]
        return RequestIdentity(parts: parts, isRepeatable: false).digest ?? .zero
    }

    /// The same request to another place, with one more field.
    func request(to url: URLParts, adding field: (name: String, value: String)? = nil) -> ClientRequest? {
        var fields = self.fields
        if let key = self.idempotencyKey {
            guard fields.set(.idempotencyKey, key) else { return nil }
        }
        if let field {
            guard let name = FieldName(field.name) else { return nil }
            fields.remove(name)
            guard fields.append(field.name, field.value) else { return nil }
        }
        return ClientRequest(self.method, url, fields: fields, body: self.body.map { .bytes($0) } ?? .none)
    }
}

/// What may be paid for one call.
public struct PurchasePolicy: Sendable {
    /// The limit for a call unless the caller gives one: $1.
    public static let defaultLimit = Dollars(1)

    /// The most this call may cost; nil for ``defaultLimit``.
    public var limit: Dollars?
    /// The most a day may cost.
    public var budget: Budget
    /// The only network to pay on; nil for any.
    public var network: ChainID?
    /// The only token to pay with, by symbol or address; nil for any that is worth a dollar.
    public var asset: String?
    /// Whether to pay a server on another machine without TLS.
    public var allowsPlainHTTP: Bool
    /// Whether to stop before anything is paid.
    public var isDryRun: Bool
    /// Whether to buy with what the server owes before paying anew.
    public var spendsCredit: Bool
    /// Whether to pay by a transfer of one's own where nothing better is offered: it costs gas, and cannot be taken back.
    public var allowsTransfers: Bool
    /// Whether to pay by a transfer whose instructions nobody has signed who may.
    public var allowsUnsignedInstructions: Bool
    /// How long to stay at a transfer in one call, in seconds.
    public var transferPatience: UInt64

    /// Ten minutes: most chains take a transfer in one, and are deep enough in some more.
    public static let defaultPatience: UInt64 = 600

    /// A policy; by default of the default limits, over TLS, for real.
    public init(
        limit: Dollars? = nil,
        budget: Budget = Budget(),
        network: ChainID? = nil,
        asset: String? = nil,
        allowsPlainHTTP: Bool = false,
        isDryRun: Bool = false,
        spendsCredit: Bool = true,
        allowsTransfers: Bool = true,
        allowsUnsignedInstructions: Bool = false,
        transferPatience: UInt64 = Self.defaultPatience
    ) {
        self.limit = limit
        self.budget = budget
        self.network = network
        self.asset = asset
        self.allowsPlainHTTP = allowsPlainHTTP
        self.isDryRun = isDryRun
        self.spendsCredit = spendsCredit
        self.allowsTransfers = allowsTransfers
        self.allowsUnsignedInstructions = allowsUnsignedInstructions
        self.transferPatience = transferPatience
    }
}
