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

    /// A request.
    public init(_ url: URLParts, method: Method = .get, fields: Fields = Fields(), body: [UInt8]? = nil) {
        self.method = method
        self.url = url
        self.fields = fields
        self.body = body
    }

    /// What makes two calls one purchase: method, URL and body.
    public var digest: Bytes32 {
        let parts = [Array(self.method.token.utf8), Array(self.url.description.utf8), self.body ?? []]
        return RequestIdentity(parts: parts, isRepeatable: false).digest ?? .zero
    }

    /// The same request to another place, with one more field.
    func request(to url: URLParts, adding field: (name: String, value: String)? = nil) -> ClientRequest? {
        var fields = self.fields
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

    /// A policy; by default of the default limits, over TLS, for real.
    public init(
        limit: Dollars? = nil,
        budget: Budget = Budget(),
        network: ChainID? = nil,
        asset: String? = nil,
        allowsPlainHTTP: Bool = false,
        isDryRun: Bool = false,
        spendsCredit: Bool = true
    ) {
        self.limit = limit
        self.budget = budget
        self.network = network
        self.asset = asset
        self.allowsPlainHTTP = allowsPlainHTTP
        self.isDryRun = isDryRun
        self.spendsCredit = spendsCredit
    }
}
