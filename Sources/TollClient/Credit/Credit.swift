// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
internal import TollPayments
public import TollPrimitives
internal import TollProtocol

/// What a server owes an account by the journal: payments it took and delivered nothing for, less what was bought with them.
public struct Credit: Hashable, Sendable {
    /// The server.
    public let origin: Origin
    /// The account it owes.
    public let account: String
    /// The chain of the token.
    public let network: ChainID
    /// The token's address.
    public let asset: String
    /// How much is left, in the token's smallest unit; never zero.
    public internal(set) var units: UInt256

    /// The name of the way in which credit is spent, as the journal and reports have it in the place of a dialect.
    public static let dialect = X402V2.SignIn.name

    /// Every credit that is left, from payments in the order of their reservations.
    public static func all(in payments: [JournaledPayment]) -> [Credit] {
        var credits: [Credit] = []
        for payment in payments {
            let option = payment.terms.option
            let index = credits.firstIndex { $0.belongs(to: payment.terms) }
            if payment.isCreditPurchase, let index {
                switch payment.state {
                case .sent, .paid: credits[index].units = credits[index].units.subtracting(option.amount) ?? .zero
                // The server's ledger knows of less. It is the one that counts.
                case .refused: credits[index].units = .zero
                case .reserved, .signed, .released: break
                }
            }
            guard payment.debt != nil else { continue }
            if let index {
                credits[index].units = credits[index].units.adding(option.amount) ?? .max
            } else {
                credits.append(
                    Credit(
                        origin: payment.terms.url.origin, account: payment.terms.account, network: option.network,
                        asset: option.asset.address, units: option.amount))
            }
        }
        return credits.filter { $0.units != .zero }
    }

    /// Whether it buys what `candidate` is asked to pay at `origin`.
    func buys(_ candidate: Candidate, at origin: Origin) -> Bool {
        let option = candidate.option
        return self.origin == origin && self.account == candidate.signer.account && self.network == option.network
            && self.asset == option.asset.address && self.units >= option.amount
    }

    /// Whether a payment of these terms makes it or spends it.
    func belongs(to terms: JournaledPayment.Terms) -> Bool {
        self.origin == terms.url.origin && self.account == terms.account && self.network == terms.option.network
            && self.asset == terms.option.asset.address
    }
}

extension JournaledPayment {
    /// Whether it is bought with credit: no money moves, and no chain knows of it.
    public var isCreditPurchase: Bool { self.terms.dialect == Credit.dialect }
}
