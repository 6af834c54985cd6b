// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Why a purchase did not come to its end.
public struct PurchaseFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What went wrong, in one word. The raw value is stable: programs read it.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// The price is over the limit for one call.
        case overLimit = "over_limit"
        /// The day's budget has no room for it.
        case overBudget = "over_budget"
        /// The answer would come from, and the payment go to, someone who can be impersonated.
        case insecureTransport = "insecure_transport"
        /// The server points to another origin.
        case redirectedElsewhere = "redirected_elsewhere"
        /// The journal cannot be used, so that no budget can be kept.
        case journalUnusable = "journal_unusable"
        /// The idempotency key was used for another request of the same URL.
        case keyReused = "idempotency_key_reused"
        /// A transfer of the same account waits, and one after it would wait for it.
        case earlierTransfer = "earlier_transfer"
        /// The server asks for nothing that can be paid.
        case noAcceptableOffer = "no_acceptable_offer"
        /// The account has too little.
        case insufficientFunds = "insufficient_funds"
        /// The server did not take the payment.
        case paymentRefused = "payment_refused"
        /// Whether the payment was taken is not known. The same request again takes it up and pays nothing new.
        case outcomeUnknown = "outcome_unknown"
        /// The server could not be reached, or did not answer, before anything was paid.
        case network = "network"
        /// The server answered an error after the payment was sent.
        case serverError = "server_error"
    }

    /// What went wrong.
    public let code: Code
    /// What happened and what to do, for a person.
    public let message: String

    /// A failure of this code.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Whether the same call later may well succeed, and cannot cost twice.
    public var isRetryable: Bool {
        switch self.code {
        case .outcomeUnknown, .network: true
        default: false
        }
    }

    /// The status a program ends with.
    public var exitStatus: Int32 {
        switch self.code {
        case .overLimit, .overBudget, .insecureTransport, .redirectedElsewhere, .journalUnusable, .keyReused,
            .earlierTransfer: 20
        case .noAcceptableOffer, .insufficientFunds: 21
        case .paymentRefused: 22
        case .outcomeUnknown: 23
        case .network: 30
        case .serverError: 40
        }
    }

    /// The message.
    public var description: String { self.message }
}
