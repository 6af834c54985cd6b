// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
public import TollPayments

/// What came of a purchase.
public struct PurchaseReport: Sendable {
    /// A payment, or what would be one.
    public struct Payment: Hashable, Sendable {
        /// What is paid, to whom.
        public var option: PaymentOption
        /// Who pays.
        public var account: String
        /// How it travels: `x402` or `x402-v1`; ``Credit/dialect`` for what the server owed.
        public var dialect: String
        /// The transaction; empty when none is known.
        public var transaction: String
    }

    /// The status of the last answer; nil when there was none.
    public var status: Int?
    /// The fields of the last answer.
    public var fields = Fields()
    /// What was paid in this call, or by an earlier one that this call took up.
    public var payment: Payment?
    /// In a dry run, what would be paid.
    public var preview: Payment?
    /// Why it did not come to its end; nil when it did.
    public var failure: PurchaseFailure?
    /// What else a person should know.
    public var notices: [String] = []

    /// The status a program ends with.
    public var exitStatus: Int32 {
        self.failure?.exitStatus ?? (self.preview == nil ? 0 : 10)
    }
}
