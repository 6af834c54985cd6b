// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
public import TollPayments
public import TollPrimitives
internal import TollProtocol

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
        /// How the payment travels: `x402` or `x402-v1`; ``TransferOffer/dialect`` for a transfer of the payer's own;
        /// ``Credit/dialect`` when it is bought with what the server owes.
        public let dialect: String
        /// Who pays.
        public let account: String
        /// What is paid, to whom.
        public let option: PaymentOption
        /// What it costs the budget.
        public let cost: Dollars
        /// When the authorization ends, in seconds since 1970.
        public let validBefore: UInt64
        /// Digest of the caller's idempotency key and the URL it was given for; nil without one.
        public let key: Bytes32?

        /// Terms by all their fields.
        public init(
            request: Bytes32,
            method: String,
            url: URLParts,
            dialect: String,
            account: String,
            option: PaymentOption,
            cost: Dollars,
            validBefore: UInt64,
            key: Bytes32? = nil
        ) {
            self.request = request
            self.method = method
            self.url = url
            self.dialect = dialect
            self.account = account
            self.option = option
            self.cost = cost
            self.validBefore = validBefore
            self.key = key
        }
    }

    /// How far it has come.
    public enum State: Hashable, Sendable {
        /// Counted, not yet sent: the process is at it, or died at it.
        case reserved
        /// A transfer is signed, and may have been sent.
        case signed
        /// Sent in this field. Until the answer is known the same command sends the same again.
        case sent(field: String, value: String)
        /// Taken; the transaction is empty when the server named none.
        case paid(status: Int, transaction: String)
        /// Not taken, as the server says.
        case refused(status: Int, reason: String)
        /// Proven not to have cost anything.
        case released(reason: String)
    }

    /// The authorization's nonce; of a transfer, a digest of its reference.
    public let id: Bytes32
    /// When it was reserved, in seconds since 1970: the day it counts to.
    public let time: UInt64
    /// What was decided.
    public let terms: Terms
    /// How far it has come.
    public internal(set) var state: State
    /// The server's name for what it owes for this payment; nil when it never said that it does.
    public internal(set) var debt: String?
    /// The field that it was sent in, and its value; nil before that, and for a transfer.
    var envelope: (name: String, value: String)? { self.sentIn.map { ($0.field, $0.value) } }
    private var sentIn: Envelope?
    /// What is known of a transfer once it is signed.
    public private(set) var transfer: JournaledTransfer?

    private struct Envelope: Hashable, Sendable {
        let field: String
        let value: String
    }

    /// A payment that is owed nothing.
    init(id: Bytes32, time: UInt64, terms: Terms, state: State) {
        self.id = id
        self.time = time
        self.terms = terms
        self.state = state
        self.debt = nil
        self.sentIn = nil
        self.transfer = nil
        if case .sent(let field, let value) = state { self.sentIn = Envelope(field: field, value: value) }
    }

    /// How long after its reservation the same command takes a payment up again: servers that settled keep the answer for a
    /// while, also after the authorization itself has ended.
    public static let resumableSeconds: UInt64 = 24 * 60 * 60

    /// Whether it counts against budgets at `time`. What was reserved and never sent cannot cost anything once the
    /// authorization would have ended. What was sent counts until it is proven that it did not.
    func isCounted(at time: UInt64) -> Bool {
        switch self.state {
        case .reserved: time <= self.terms.validBefore
        case .signed, .sent, .paid, .refused: true
        case .released: false
        }
    }

    /// Whether the outcome is open and the same command should send the same payment again.
    public func isPending(at time: UInt64) -> Bool {
        switch self.state {
        case .signed: true
        case .sent: time < self.time.addingReportingOverflow(Self.resumableSeconds).partialValue
        case .reserved, .paid, .refused, .released: false
        }
    }

    /// Whether a call under the same idempotency key sends it again: it was sent, and whatever the server said of it, nothing
    /// else is paid under that key.
    func isRepeatable(at time: UInt64) -> Bool {
        switch self.state {
        case .signed: true
        case .sent, .paid, .refused: time < self.time.addingReportingOverflow(Self.resumableSeconds).partialValue
        case .reserved, .released: false
        }
    }

    /// How far behind a chain's clock, or a node's newest block, may be.
    private static let chainLagSeconds: UInt64 = 120

    /// Whether a chain could tell more than the journal: sent, not known to be paid, and past its end, so that an unused
    /// authorization stays unused.
    func isSettledByChain(at time: UInt64) -> Bool {
        guard !self.isCreditPurchase, !self.isTransfer,
            time > self.terms.validBefore.addingReportingOverflow(Self.chainLagSeconds).partialValue
        else { return false }
        return switch self.state {
        case .sent, .refused: true
        case .reserved, .signed, .paid, .released: false
        }
    }

    /// Takes in what happened next. False when it cannot have happened: lines may repeat or come late, but nothing follows a
    /// release but another one.
    mutating func apply(_ kind: JournalEvent.Kind) -> Bool {
        switch (kind, self.state) {
        case (.reserved, _): return false
        case (.released(let reason), _): self.state = .released(reason: reason)
        case (_, .released): return false
        case (.signed(let instructions, let signed), _): return self.sign(signed, for: instructions)
        case (.sent, .paid): break
        case (.sent(let field, let value), _):
            self.state = .sent(field: field, value: value)
            self.sentIn = Envelope(field: field, value: value)
        case (.owed(let debt), _): self.debt = debt
        case (.refused, .paid): break
        case (.refused(let status, let reason), _): self.state = .refused(status: status, reason: reason)
        case (.paid(let status, let transaction), _): self.state = .paid(status: status, transaction: transaction)
        }
        return true
    }

    /// One more transaction for the same transfer. It must have the number of those before, or two could be mined.
    private mutating func sign(_ signed: SignedTransfer, for instructions: TransferProof.Instructions?) -> Bool {
        if let first = self.transfer?.newest, first.number != signed.number || instructions != nil { return false }
        if let instructions, self.state == .reserved {
            self.transfer = JournaledTransfer(instructions: instructions, transactions: [signed])
            self.state = .signed
            return true
        }
        guard self.transfer != nil else { return false }
        self.transfer?.transactions.append(signed)
        return true
    }
}
