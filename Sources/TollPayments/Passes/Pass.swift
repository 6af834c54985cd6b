// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// Access that was bought: one payment opens one route to whoever brings the pass, until it ends.
public struct Pass: Hashable, Sendable {
    /// The longest text of a payer, in bytes: accounts of the chains have up to 64.
    static let payerByteCountMax = 128

    /// The route it opens, see ``tag(ofRoute:)``.
    public let route: UInt64
    /// When it ends, in seconds since 1970.
    public let expires: Int64
    /// The payment that bought it.
    public let payment: PaymentID
    /// The chain on which was paid, as CAIP-2 writes it. Text: a pass is read at every request, and only passed on.
    public let network: String
    /// Who paid.
    public let payer: String

    /// Nil where a token has no room for it: a payer without a text or with a very long one, an end that no clock comes to.
    public init?(route: UInt64, expires: Int64, payment: PaymentID, network: ChainID, payer: String) {
        self.init(route: route, expires: expires, payment: payment, networkText: network.description, payer: payer)
    }

    /// Of what a token of ours says.
    init?(route: UInt64, expires: Int64, payment: PaymentID, networkText: String, payer: String) {
        guard (1...Self.payerByteCountMax).contains(payer.utf8.count), (0..<1 << 40).contains(expires) else { return nil }
        self.route = route
        self.expires = expires
        self.payment = payment
        self.network = networkText
        self.payer = payer
    }

    /// What a pass says of a route by its pattern, `GET /weather/*`: a route that is called otherwise is another one.
    public static func tag(ofRoute pattern: String) -> UInt64 {
        Keccak256.hash(text: pattern).bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
