// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments
public import TollPrimitives
public import TollProtocol

/// Decides the course of one transfer that is signed and on disk, until the seller has answered its proof. No I/O, no clock, no
/// keys: the time comes with every event, in seconds since 1970.
///
/// It never asks for a second transfer. What is sent in the place of one that is stuck has the same number, so that the chain
/// takes one of them at most, and the proof names the one it took.
public struct TransferMachine: Sendable {
    /// What to do next.
    public enum Action: Hashable, Sendable {
        /// Hand it to the chain; then ``TransferMachine/sent(_:at:)``.
        case send(SignedTransfer)
        /// See where they are; then ``TransferMachine/looked(_:at:)``.
        case look([SignedTransfer])
        /// Sign a dearer one in the place of this, or one that moves nothing, and write it down; then
        /// ``TransferMachine/replaced(_:at:)``.
        case replace(SignedTransfer, isVoid: Bool)
        /// Show this transaction to the seller; then ``TransferMachine/answered(_:at:)``.
        case prove(Bytes32)
        /// Ask the seller how far the reference is; then ``TransferMachine/told(_:)``.
        case askStatus
        /// Wait so many seconds, telling why; then ``TransferMachine/waited()``.
        case wait(UInt64, String)
        /// It ends here.
        case finish(Ending)
    }

    /// How it ends.
    public enum Ending: Hashable, Sendable {
        /// The answer is delivered.
        case delivered
        /// The transfer has ended and the answer is this.
        case failed(PurchaseFailure)
        /// Not known yet: the same again takes it up.
        case open(reason: String)
        /// Nothing moved, and nothing ever will.
        case nothingMoved(reason: String)
        /// It is in a block, and nobody asked for the answer that it buys.
        case arrived(Bytes32, TransferProof.Status?)
    }

    /// What the seller answered to the proof.
    public enum Answer: Hashable, Sendable {
        /// With what was bought.
        case delivered
        /// With something that ends the purchase.
        case failed(PurchaseFailure)
        /// It waits, for this reason, for so many seconds.
        case processing(reason: String, retryAfter: UInt64?)
        /// The transfer buys nothing, for this reason.
        case refused(reason: String)
        /// Not at all, or that it cannot say.
        case trouble(reason: String, retryAfter: UInt64?)
    }

    /// What is known of a transfer when its course begins, or is taken up.
    public struct Start: Sendable {
        /// As the journal has it.
        public let transfer: JournaledTransfer
        /// `0.01 USDC`, for people.
        public let display: String
        /// Whether it was signed just now: then nobody has it yet.
        public let isFirst: Bool
        /// Whether to show it to the seller, or only to see what became of it.
        public let proves: Bool
        /// How long to stay at it, in seconds.
        public let patience: UInt64
        /// Seconds since 1970.
        public let time: UInt64

        /// A start by all its fields.
        public init(
            transfer: JournaledTransfer, display: String, isFirst: Bool, proves: Bool = true, patience: UInt64, time: UInt64
        ) {
            self.transfer = transfer
            self.display = display
            self.isFirst = isFirst
            self.proves = proves
            self.patience = patience
            self.time = time
        }
    }

    /// Seconds that a block may be later than `expires` and count all the same (docs/transfer-proof.md).
    public static let lateSeconds: UInt64 = 60
    /// After so many seconds in no block, a dearer one is sent.
    public static let inclusionSeconds: UInt64 = 60
    /// After so many seconds the same is handed to the chain again: nodes forget.
    public static let resendSeconds: UInt64 = 20
    /// Most transactions under one number; each offers an eighth more than the one before.
    public static let transactionCountMax = 8
    /// A transaction that moved nothing has ended the matter when so many blocks are on it: the chain might still take another
    /// of the same number in its place.
    public static let settledDepth: UInt64 = 12
    /// How often in a row the seller may fail to answer.
    public static let troubleCountMax = 5

    private let start: Start
    private var transactions: [SignedTransfer]
    private let expires: UInt64
    private let deadline: UInt64
    private var lastSent: UInt64?
    private var lastSigned: UInt64
    private var lastRecall: UInt64?
    private var polls: UInt64 = 0
    private var troubles = 0
    private var trouble: String?
    private var mined: TransferSighting.Mined?
    private var refusal: String?

    /// The course of a transfer.
    public init(_ start: Start) {
        self.start = start
        self.transactions = start.transfer.transactions
        self.expires = UInt64(max(0, start.transfer.instructions.expires))
        self.deadline = start.time.addingReportingOverflow(start.patience).partialValue
        self.lastSigned = start.time
    }

    private var newest: SignedTransfer { self.transactions[self.transactions.count - 1] }

    /// The transaction that is in a block, as far as is known.
    public var transaction: Bytes32? { self.mined?.hash }

    /// The first thing to do. What is taken up may be in a block already.
    public func begin() -> Action { self.start.isFirst ? .send(self.newest) : .look(self.transactions) }

    /// The chain was handed the newest.
    public mutating func sent(_ result: TransferSending, at time: UInt64) -> Action {
        self.lastSent = time
        switch result {
        case .accepted, .numberUsed: self.trouble = nil
        case .underpriced(let reason):
            self.trouble = reason
            if self.canReplace { return .replace(self.newest, isVoid: self.newest.isVoid) }
        case .refused(let reason), .unknown(let reason): self.trouble = reason
        }
        return .look(self.transactions)
    }

    /// The chain was asked where they are.
    public mutating func looked(_ sighting: TransferSighting, at time: UInt64) -> Action {
        switch sighting {
        case .mined(let mined):
            self.mined = mined
            return self.isMined(mined, at: time)
        case .displaced:
            let number = self.newest.number
            return .finish(.nothingMoved(reason: "another transaction of the account has the number \(number)"))
        case .unknown(let reason): return self.wait("the chain does not answer: \(reason)", at: time)
        case .waiting:
            self.mined = nil
            return self.isWaiting(at: time)
        }
    }

    private mutating func isMined(_ mined: TransferSighting.Mined, at time: UInt64) -> Action {
        let isVoid = self.transactions.first { $0.hash == mined.hash }?.isVoid ?? false
        if mined.succeeded, !isVoid { return self.start.proves ? .prove(mined.hash) : .askStatus }
        let what = isVoid ? "the transfer was called back in time" : "the transfer \(mined.hash) reverted, and cost its gas"
        guard mined.depth < Self.settledDepth else { return .finish(.nothingMoved(reason: what)) }
        return self.wait("\(what); waiting for \(Self.settledDepth - mined.depth) more blocks", at: time)
    }

    private mutating func isWaiting(at time: UInt64) -> Action {
        let isOver = time > self.expires.addingReportingOverflow(Self.lateSeconds).partialValue
        if isOver, !self.newest.isVoid, Self.isDue(self.lastRecall, Self.inclusionSeconds, at: time) {
            // A transfer that came now would buy nothing.
            self.lastRecall = time
            return .replace(self.newest, isVoid: true)
        }
        guard time < self.deadline else { return .finish(.open(reason: self.words(isOver: isOver))) }
        if !isOver || self.newest.isVoid {
            if Self.isDue(self.lastSigned, Self.inclusionSeconds, at: time), self.canReplace {
                return .replace(self.newest, isVoid: self.newest.isVoid)
            }
            if Self.isDue(self.lastSent, Self.resendSeconds, at: time) { return .send(self.newest) }
        }
        return self.wait(self.words(isOver: isOver), at: time)
    }

    private static func isDue(_ last: UInt64?, _ seconds: UInt64, at time: UInt64) -> Bool {
        guard let last else { return true }
        return time >= last.addingReportingOverflow(seconds).partialValue
    }

    private func words(isOver: Bool) -> String {
        let transfer = "the transfer \(self.newest.hash) is in no block yet"
        let state = isOver ? "the instructions have expired, and \(transfer)" : transfer
        return self.trouble.map { "\(state) (\($0))" } ?? state
    }

    private var canReplace: Bool { self.transactions.count < Self.transactionCountMax }

    /// Another one was signed in the place of the newest, or could not be.
    public mutating func replaced(_ result: TransferReplacement, at time: UInt64) -> Action {
        self.lastSigned = time
        switch result {
        case .signed(let transfer):
            self.transactions.append(transfer)
            return .send(transfer)
        case .impossible(let reason):
            self.trouble = reason
            return self.wait(self.words(isOver: self.lastRecall != nil), at: time)
        }
    }

    /// The seller answered the proof.
    public mutating func answered(_ answer: Answer, at time: UInt64) -> Action {
        if case .trouble = answer { self.troubles += 1 } else { self.troubles = 0 }
        switch answer {
        case .delivered: return .finish(.delivered)
        case .failed(let failure): return .finish(.failed(failure))
        case .processing(let reason, let retryAfter):
            return self.wait("the seller waits for the transfer (\(reason))", at: time, retryAfter)
        case .refused(let reason):
            self.refusal = reason
            return .askStatus
        case .trouble(let reason, let retryAfter):
            guard self.troubles <= Self.troubleCountMax else { return .finish(.open(reason: reason)) }
            return self.wait(reason, at: time, retryAfter ?? 1 << min(UInt64(self.troubles), 5))
        }
    }

    /// The seller told how far the reference is; nil when it did not.
    public mutating func told(_ status: TransferProof.Status?) -> Action {
        guard let mined = self.mined else { return .finish(.open(reason: "the transfer is in no block")) }
        guard let refusal = self.refusal else { return .finish(.arrived(mined.hash, status)) }
        let said =
            status.map { "asked, it says: \($0.state.rawValue), \($0.received) of \($0.amount) units received" }
            ?? "asked how far it is, it says nothing"
        return .finish(
            .failed(
                PurchaseFailure(
                    .paymentRefused,
                    "the transfer \(mined.hash) of \(self.start.display) was made and buys nothing (\(refusal)): what arrived is a "
                        + "debt of the seller's, and nothing is paid a second time; \(said)")))
    }

    /// The time is over that was waited.
    public func waited() -> Action { .look(self.transactions) }

    private mutating func wait(_ why: String, at time: UInt64, _ seconds: UInt64? = nil) -> Action {
        guard time < self.deadline else { return .finish(.open(reason: why)) }
        self.polls += 1
        return .wait(min(max(seconds ?? 1 + self.polls / 10, 1), 30), why)
    }
}
