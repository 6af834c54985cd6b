// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives

/// How payers stand, kept in memory beside the ledger: what deciding about a deferred claim needs, without reading.
///
/// Holds payers with something open or unpaid, and changes with every payment that is written. Whoever owns it drops it when a
/// write is undone or somebody else has written, and makes it anew from the open payments.
struct PayerBook {
    /// Payers of whom it is remembered that they have paid before; past this, all are forgotten and looked up again.
    private static let knownPayerCountMax = 100_000

    /// What one payment adds to its payer's account.
    struct Share: Hashable {
        let payer: String
        let network: String
        let asset: String
        let units: UInt256
        let exposure: Int64
        let isUnpaid: Bool

        /// Nil when the payment adds nothing.
        init?(_ record: PaymentRecord) {
            let claim = record.claim
            self.init(
                payer: claim.key.payer, network: claim.key.network.description, asset: claim.key.asset,
                units: claim.option.amount, exposure: record.openExposure,
                isUnpaid: record.isUnpaid && claim.policy == .deferred)
        }

        /// Nil when the payment adds nothing.
        init?(payer: String, network: String, asset: String, units: UInt256, exposure: Int64, isUnpaid: Bool) {
            guard exposure > 0 || isUnpaid else { return nil }
            self.payer = payer
            self.network = network
            self.asset = asset
            self.units = units
            self.exposure = exposure
            self.isUnpaid = isUnpaid
        }

        fileprivate var token: Token { Token(network: self.network, address: self.asset) }
    }

    fileprivate struct Token: Hashable {
        let network: String
        let address: String
    }

    private struct Account {
        var exposure: Int128 = 0
        var unpaidCount = 0
        var owed: [Token: UInt256] = [:]
        var shareCount = 0
    }

    private var accounts: [String: Account] = [:]
    private var exposure: Int128 = 0
    /// Settled payments that a payer is known to have; it may have more.
    private var settledPayments: [String: Int] = [:]

    /// What all payers together have been served and not paid, in millionths of a dollar.
    var total: Int64 { Int64(clamping: self.exposure) }

    /// How the payer of `claim` stands, with `settledPayments` behind it.
    func standing(for claim: Claim, settledPayments: Int) -> PayerStanding {
        let account = self.accounts[claim.key.payer]
        let token = Token(network: claim.key.network.description, address: claim.key.asset)
        return PayerStanding(
            settledPayments: settledPayments, hasUnpaid: account.map { $0.unpaidCount > 0 } ?? false,
            exposure: Int64(clamping: account?.exposure ?? 0), owed: account?.owed[token] ?? .zero)
    }

    /// Settled payments that the payer is known to have; nil when it was not asked for.
    func settledPayments(of payer: String) -> Int? { self.settledPayments[payer] }

    /// Notes settled payments that were counted.
    mutating func note(settledPayments: Int, of payer: String) {
        if self.settledPayments.count >= Self.knownPayerCountMax { self.settledPayments = [:] }
        self.settledPayments[payer] = settledPayments
    }

    /// Follows a payment from one state to the next. False when the sums do not follow any more and the book must be made anew.
    mutating func follow(_ old: PaymentRecord?, _ new: PaymentRecord) -> Bool {
        if old?.phase == .settled, new.phase != .settled { self.settledPayments[new.claim.key.payer] = nil }
        let (before, after) = (old.flatMap(Share.init), Share(new))
        guard before != after else { return true }
        if let before, !self.remove(before) { return false }
        if let after { return self.add(after) }
        return true
    }

    /// Adds a payment. False when the sum is over what can be counted.
    mutating func add(_ share: Share) -> Bool {
        self.exposure += Int128(share.exposure)
        var account = self.accounts[share.payer] ?? Account()
        account.shareCount += 1
        account.exposure += Int128(share.exposure)
        if share.isUnpaid { account.unpaidCount += 1 }
        var isCounted = true
        if share.exposure > 0 {
            let sum = (account.owed[share.token] ?? .zero).adding(share.units)
            isCounted = sum != nil
            account.owed[share.token] = sum ?? .max
        }
        self.accounts[share.payer] = account
        return isCounted
    }

    private mutating func remove(_ share: Share) -> Bool {
        guard var account = self.accounts[share.payer] else { return false }
        self.exposure -= Int128(share.exposure)
        account.shareCount -= 1
        account.exposure -= Int128(share.exposure)
        if share.isUnpaid { account.unpaidCount -= 1 }
        if share.exposure > 0 {
            // A sum that reached its end no longer says what is left of it.
            guard let owed = account.owed[share.token], owed != .max, let left = owed.subtracting(share.units) else {
                return false
            }
            account.owed[share.token] = left == .zero ? nil : left
        }
        self.accounts[share.payer] = account.shareCount == 0 ? nil : account
        return true
    }
}
