// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives

/// Why a debt is not paid back, or not yet: a sentence that says what to do.
public struct RefundError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The sentence.
    public let description: String

    /// An error that prints as `description`.
    public init(_ description: String) {
        self.description = description
    }
}

extension PaymentRecord {
    /// The debt of this payment, when it is open and nobody may buy with it before anybody else.
    func openDebt(at time: Int64) throws(RefundError) -> Debt {
        guard !self.awaitsCall(at: time) else {
            throw RefundError(
                "payment \(self.id): it was sent for a reference, and can buy its call until "
                    + "\(CalendarTime.rfc3339(seconds: self.claim.validBefore)); pay it back after that")
        }
        return try self.openDebt()
    }

    /// The debt of this payment, when it is open.
    func openDebt() throws(RefundError) -> Debt {
        guard let debt = self.debt else { throw RefundError("payment \(self.id): nothing is owed for it") }
        if let refunded = debt.refunded {
            throw RefundError("payment \(self.id): it was paid back in \(refunded.transaction)")
        }
        if let transaction = debt.refund?.transaction {
            throw RefundError("payment \(self.id): its refund is signed, \(transaction.hash); run `tollgate ledger refund`")
        }
        guard debt.units > .zero else { throw RefundError("payment \(self.id): the debt was spent as credit") }
        return debt
    }
}
