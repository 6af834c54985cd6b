// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
public import TollPayments
public import TollPrimitives

/// A payment as the lines of the journal tell it.
public struct JournaledPayment: Hashable, Sendable {
    /// What was decided before anything was signed.
    public struct Terms: Hashable, Sendable {
        /// Digest of the request as the caller made it.
        public let request: Bytes32
        /// The request's method.
        public let method: String
        /// Where the payment goes: the request's URL, after redirects within its origin.
        public let url: URLParts
        /// How the payment travels: `x402` or `x402-v1`; ``Credit/dialect`` when it is bought with what the server owes.
        public let dialect: String
        /// Who pays.
        public let account: String
        /// What is paid, to whom.
        public let option: PaymentOption
        /// What it costs the budget.
        public let cost: Dollars
        /// When the authorization ends, in seconds since 1970.
        public let validBefore: UInt64

        /// Terms by all their fields.
        public init(
            request: Bytes32,
            method: String,
            url: URLParts,
            dialect: String,
            account: String,
            option: PaymentOption,
            cost: Dollars,
            validBefore: UInt64
        ) {
            self.request = request
            self.method = method
            self.url = url
            self.dialect = dialect
            self.account = account
            self.option = option
            self.cost = cost
            self.validBefore = validBefore
        }
    }

    /// How far it has come.
    public enum State: Hashable, Sendable {
        /// Counted, not yet sent: the process is at it, or died at it.
        case reserved
        /// Sent in this field. Until the answer is known the same command sends the same again.
        case sent(field: String, value: String)
        /// Taken; the transaction is empty when the server named none.
        case paid(status: Int, transaction: String)
        /// Not taken, as the server says.
        case refused(status: Int, reason: String)
        /// Proven not to have cost anything.
        case released(reason: String)
    }

    /// The authorization's nonce.
    public let id: Bytes32
    /// When it was reserved, in seconds since 1970: the day it counts to.
    public let time: UInt64
    /// What was decided.
    public let terms: Terms
    /// How far it has come.
    public internal(set) var state: State
    /// The server's name for what it owes for this payment; nil when it never said that it does.
    public internal(set) var debt: String?

    /// A payment that is owed nothing.
    init(id: Bytes32, time: UInt64, terms: Terms, state: State) {
        self.id = id
        self.time = time
        self.terms = terms
        self.state = state
        self.debt = nil
    }

    /// How long after its reservation the same command takes a payment up again: servers that settled keep the answer for a
    /// while, also after the authorization itself has ended.
    public static let resumableSeconds: UInt64 = 24 * 60 * 60

    /// Whether it counts against budgets at `time`. What was reserved and never sent cannot cost anything once the
    /// authorization would have ended. What was sent counts until it is proven that it did not.
    func isCounted(at time: UInt64) -> Bool {
        switch self.state {
        case .reserved: time <= self.terms.validBefore
        case .sent, .paid, .refused: true
        case .released: false
        }
    }

    /// Whether the outcome is open and the same command should send the same payment again.
    public func isPending(at time: UInt64) -> Bool {
        guard case .sent = self.state else { return false }
        return time < self.time.addingReportingOverflow(Self.resumableSeconds).partialValue
    }

    /// How far behind a chain's clock, or a node's newest block, may be.
    private static let chainLagSeconds: UInt64 = 120

    /// Whether a chain could tell more than the journal: sent, not known to be paid, and past its end, so that an unused
    /// authorization stays unused.
    func isSettledByChain(at time: UInt64) -> Bool {
        guard !self.isCreditPurchase,
            time > self.terms.validBefore.addingReportingOverflow(Self.chainLagSeconds).partialValue
        else { return false }
        return switch self.state {
        case .sent, .refused: true
        case .reserved, .paid, .released: false
        }
    }

    /// Takes in what happened next. False when it cannot have happened: lines may repeat or come late, but nothing follows a
    /// release but another one.
    mutating func apply(_ kind: JournalEvent.Kind) -> Bool {
        switch (kind, self.state) {
        case (.reserved, _): return false
        case (.released(let reason), _): self.state = .released(reason: reason)
        case (_, .released): return false
        case (.sent, .paid): break
        case (.sent(let field, let value), _): self.state = .sent(field: field, value: value)
        case (.owed(let debt), _): self.debt = debt
        case (.refused, .paid): break
        case (.refused(let status, let reason), _): self.state = .refused(status: status, reason: reason)
        case (.paid(let status, let transaction), _): self.state = .paid(status: status, transaction: transaction)
        }
        return true
    }
}
