// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// What a claim came to.
public enum ClaimOutcome: Hashable, Sendable {
    /// Nobody held the payment; now this claim does.
    case first(PaymentRecord)
    /// The payment was held already, by this caller or another. Nothing has changed.
    case held(PaymentRecord)
    /// The payer used its `payment-identifier` for another payment, this one. Nothing has changed.
    case identifierTaken(PaymentRecord)
    /// The payer may not be served before it has paid, for this reason. Nothing has changed.
    case notDeferrable(reason: String)
}

/// What a payer must be, and what the seller is willing to lose, for an answer to be served before it is paid.
public struct DeferralTerms: Hashable, Sendable {
    /// The most that one payer may owe, in millionths of a dollar.
    public let perPayer: Int64
    /// The most that all payers together may owe, in millionths of a dollar.
    public let total: Int64
    /// What the payer holds of the asset on chain, in the asset's smallest unit.
    public let spendable: UInt256
    /// Settled payments that must lie behind the payer.
    public let settledPaymentsMin: Int

    /// Terms by all their fields.
    public init(perPayer: Int64, total: Int64, spendable: UInt256, settledPaymentsMin: Int = 1) {
        self.perPayer = perPayer
        self.total = total
        self.spendable = spendable
        self.settledPaymentsMin = settledPaymentsMin
    }
}

/// How a payer stands in the ledger: what deferral depends on.
public struct PayerStanding: Hashable, Sendable {
    /// Settled payments, on any network and in any asset.
    public var settledPayments: Int
    /// Whether something was served that the payer did not pay, and has not made up for: see ``PaymentRecord/makesUp(for:)``.
    public var hasUnpaid: Bool
    /// What the payer has been served and not paid, in millionths of a dollar.
    public var exposure: Int64
    /// The same of one asset, in its smallest unit.
    public var owed: UInt256

    /// A standing by all its fields.
    public init(settledPayments: Int = 0, hasUnpaid: Bool = false, exposure: Int64 = 0, owed: UInt256 = .zero) {
        self.settledPayments = settledPayments
        self.hasUnpaid = hasUnpaid
        self.exposure = exposure
        self.owed = owed
    }

    /// Why `claim` may not be served before it is paid, when all payers together owe `total` millionths of a dollar already;
    /// nil when it may. Every store decides by this.
    public func objection(to claim: Claim, under terms: DeferralTerms, total: Int64) -> String? {
        guard self.settledPayments >= terms.settledPaymentsMin else {
            return "the payer has \(self.settledPayments) settled payments, \(terms.settledPaymentsMin) are asked for"
        }
        guard !self.hasUnpaid else { return "the payer has not paid for something it was served" }
        guard let due = self.owed.adding(claim.option.amount), due <= terms.spendable else {
            return "the payer holds \(terms.spendable) units, owes \(self.owed), and the price is \(claim.option.amount)"
        }
        guard Self.fits(self.exposure, claim.exposure, in: terms.perPayer) else {
            return "the payer's exposure is \(self.exposure) of \(terms.perPayer) millionths of a dollar"
        }
        guard Self.fits(total, claim.exposure, in: terms.total) else {
            return "the exposure to all payers is \(total) of \(terms.total) millionths of a dollar"
        }
        return nil
    }

    private static func fits(_ open: Int64, _ more: Int64, in limit: Int64) -> Bool {
        let (sum, overflow) = open.addingReportingOverflow(more)
        return !overflow && sum <= limit
    }
}

/// What spending a payer's credit came to.
public enum CreditOutcome: Hashable, Sendable {
    /// The payment is made, out of credit.
    case first(PaymentRecord)
    /// The same sign-in has bought something already. Nothing has changed.
    case held(PaymentRecord)
    /// The payer's open debts are less than the price, in every way to pay it. Nothing has changed.
    case insufficient
}
