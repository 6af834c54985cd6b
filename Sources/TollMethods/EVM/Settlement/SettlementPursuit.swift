// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// Decides how one number of a signer is brought to its end: the transactions signed under it are sent, looked for and replaced
/// until the chain has used the number up and has said what became of every payment they settle. Events in, one action out; no
/// clock, no chain.
///
/// A payment ends "failed" only by what the chain says (invariant I4): in a state in which the number is used up, so that none of
/// the transactions can be mined any more, its authorization is unused. Whatever used the number moved nothing then.
struct SettlementPursuit {
    /// What the driver does next.
    enum Action: Hashable {
        /// Send the newest transaction, then ``sent(_:)``.
        case send
        /// Ask for the receipts of all transactions, then ``looked(_:)``.
        case look
        /// Ask for the signer's count and every open payment's authorization in a block at or above this one, then
        /// ``examined(_:)``.
        case examine(asOf: UInt64)
        /// Sign a dearer transaction under the same number, or one that moves nothing, then ``replaced(_:)``.
        case replace(isVoid: Bool)
        /// A lower number of the signer is not used, and nobody seems to be at it: use it up, then ``gapFilled()``.
        case fillGap(UInt64)
        /// These payments have ended: write it, then ``concluded()``.
        case conclude([Ending])
        /// Wait, then ``waited()``.
        case wait(Duration)
        /// The number is used up and every payment has ended.
        case finish
    }

    /// How a payment ended.
    struct Ending: Hashable {
        let payment: PaymentID
        let verdict: Verdict
    }

    enum Verdict: Hashable {
        case settled(Settlement)
        case failed(PaymentRefusal)
        /// None of the transactions can move it any more, and another may.
        case returned(reason: String)
    }

    /// What came of sending.
    enum SendResult: Hashable {
        /// A node took it, now or before.
        case accepted
        /// The number was used by another transaction, or by this one already mined.
        case nonceUsed
        /// It offers too little: less than the base fee, or than another transaction under the number.
        case underpriced(reason: String)
        /// The node understood and said no for now.
        case refused(reason: String)
        /// Nobody knows whether it arrived.
        case unknown(reason: String)
    }

    /// What the receipts say.
    enum Sighting: Hashable {
        /// There is none yet.
        case none
        /// There is one, not deep enough yet.
        case shallow
        /// The node did not answer.
        case unknown(reason: String)
        case mined(Mined)
    }

    /// One of the transactions, in a block that counts.
    struct Mined: Hashable {
        let block: UInt64
        let succeeded: Bool
        /// Whose Transfers are in it, and where.
        let settlements: [PaymentID: Settlement]
        /// The block's hash; empty where a receipt tells none.
        var blockHash = ""
    }

    /// What the chain says of the signer and of the payments.
    enum Examination: Hashable {
        /// The node did not answer.
        case unknown(reason: String)
        case known(Findings)
    }

    struct Findings: Hashable {
        /// Whether the number is used up in a block that counts.
        let isNumberUsed: Bool
        /// How many transactions of the signer are in blocks.
        let count: UInt64
        /// The newest block's, in wei per gas.
        let baseFee: UInt256?
        /// Of every open payment.
        let authorizations: [PaymentID: AuthorizationState]
        /// Whether this chain has the block of the receipt that was seen: it may have been another node's.
        var hasMinedBlock = true
    }

    /// What the chain says of an authorization.
    enum AuthorizationState: Hashable {
        /// Unused; `expired` when no later block can use it.
        case unused(isExpired: Bool)
        /// Used by a transfer, whoever sent it.
        case transferred(Settlement)
        /// Used or cancelled, and nothing was transferred.
        case used
        /// The node did not answer, or not in a way that counts.
        case unknown(reason: String)
    }

    /// What came of replacing.
    enum Replacement: Hashable {
        /// Signed and on disk.
        case signed(maxFeePerGas: UInt256, isVoid: Bool)
        /// Not possible for now: over the limit of what gas may cost, or the ledger or a node does not answer.
        case impossible(reason: String)
    }

    /// A payment of the pursuit.
    struct Payment: Hashable {
        let id: PaymentID
        /// Whether the answer was served already: then it is tried again as long as its authorization lives.
        let isDeferred: Bool
    }

    /// Waits grow from the first to the last: a chain that mines at once is not waited for, a slow one is not pestered.
    private static let waits: [Duration] = [
        .milliseconds(15), .milliseconds(30), .milliseconds(60), .milliseconds(125), .milliseconds(250), .milliseconds(500),
        .seconds(1),
    ]
    /// After so many looks a chain is slow or stuck, and asked at the longest interval.
    private static let looksPerHaste = 120
    private static let longestWait = Duration.seconds(5)
    /// After so many looks without a receipt the chain is examined and the transaction sent again: nodes forget.
    private static let looksPerSend = 12
    /// After so many when no node is known to have it.
    private static let looksPerUnacceptedSend = 3
    /// Between two replacements that a node's objection asked for.
    private static let replacementInterval = Duration.seconds(3)
    /// A lower number that is unused for so long has nobody at work on it: longer than any lease.
    private static let gapPatience = Duration.seconds(90)

    private let number: UInt64
    private let inclusion: Duration
    private var offeredFee: UInt256?
    private var open: [Payment]
    private var dead: [PaymentID: PaymentRefusal] = [:]
    /// The transaction that was seen in a block, until a chain without that block was.
    private(set) var mined: Mined?
    private var isVoid: Bool
    private var isUnderpriced = false
    private var looks = 0
    private var looksSinceSend = 0
    private var currentWait = Duration.zero
    private var sinceAttempt = Duration.zero
    private var gap: (count: UInt64, since: Duration) = (.max, .zero)
    private var afterConclusion = Action.look
    private(set) var wasAccepted: Bool
    private(set) var lastTrouble: String?

    /// - Parameters:
    ///   - payments: What the transactions settle.
    ///   - inclusion: A transaction that is not mined within it is replaced.
    ///   - offeredFee: The newest transaction's `maxFeePerGas`; nil when it cannot be read.
    ///   - wasSent: Whether one may have been sent before.
    init(
        number: UInt64, payments: [Payment], inclusion: Duration, offeredFee: UInt256?, isVoid: Bool = false, wasSent: Bool
    ) {
        self.number = number
        self.open = payments
        self.inclusion = inclusion
        self.offeredFee = offeredFee
        self.isVoid = isVoid
        self.wasAccepted = wasSent
    }

    /// The payments that have not ended.
    var openPayments: [PaymentID] { self.open.map(\.id) }

    /// Whether a transaction was mined and reverted as a whole.
    var hasReverted: Bool { self.mined.map { !$0.succeeded } ?? false }

    func start() -> Action { self.wasAccepted ? .look : .send }

    /// Another payment that a transaction under the number settles.
    mutating func adopt(_ payment: Payment) {
        if !self.open.contains(where: { $0.id == payment.id }) { self.open.append(payment) }
    }

    mutating func sent(_ result: SendResult) -> Action {
        self.looksSinceSend = 0
        switch result {
        case .accepted:
            self.wasAccepted = true
            self.isUnderpriced = false
        case .nonceUsed: self.wasAccepted = false
        case .underpriced(let reason):
            self.wasAccepted = false
            self.isUnderpriced = true
            self.lastTrouble = reason
        case .refused(let reason), .unknown(let reason): self.lastTrouble = reason
        }
        return .look
    }

    mutating func looked(_ result: Sighting) -> Action {
        switch result {
        case .mined(let mined):
            self.mined = mined
            self.wasAccepted = true
            let endings = self.open.compactMap { payment in
                mined.settlements[payment.id].map { Ending(payment: payment.id, verdict: .settled($0)) }
            }
            return self.conclude(endings, then: .examine(asOf: mined.block))
        case .shallow:
            self.looksSinceSend = 0
            return self.wait()
        case .unknown(let reason):
            self.lastTrouble = reason
            return self.wait()
        case .none:
            self.looksSinceSend += 1
            let looksMax = self.wasAccepted ? Self.looksPerSend : Self.looksPerUnacceptedSend
            return self.looksSinceSend >= looksMax ? .examine(asOf: 0) : self.wait()
        }
    }

    mutating func examined(_ examination: Examination) -> Action {
        switch examination {
        case .unknown(let reason):
            self.lastTrouble = reason
            return self.wait()
        case .known(let findings):
            // A reorganisation took the block in which it was mined, or this node follows another fork: what it says of the
            // authorizations does not go with that receipt.
            if findings.count <= self.number || !findings.hasMinedBlock { self.mined = nil }
            let isUsedUp = self.mined != nil || findings.isNumberUsed
            let (endings, isUndecided) = self.endings(findings.authorizations, isUsedUp: isUsedUp)
            if isUsedUp { return self.conclude(endings, then: isUndecided ? self.wait() : .finish) }
            let next = self.goOn(findings, isUndecided: isUndecided, endings: endings)
            return self.conclude(endings, then: next)
        }
    }

    mutating func replaced(_ result: Replacement) -> Action {
        switch result {
        case .signed(let fee, let isVoid):
            self.offeredFee = fee
            self.isVoid = isVoid
            self.gap.since -= self.sinceAttempt
            self.sinceAttempt = .zero
            self.wasAccepted = false
            self.isUnderpriced = false
        case .impossible(let reason): self.lastTrouble = reason
        }
        return .send
    }

    mutating func gapFilled() -> Action { .send }

    mutating func concluded() -> Action { self.afterConclusion }

    mutating func waited() -> Action {
        self.sinceAttempt += self.currentWait
        return self.mined.map { .examine(asOf: $0.block) } ?? .look
    }

    // MARK: - Judging

    /// Which payments have ended, and whether the chain left one undecided.
    private mutating func endings(_ states: [PaymentID: AuthorizationState], isUsedUp: Bool) -> ([Ending], isUndecided: Bool) {
        var endings: [Ending] = []
        var isUndecided = false
        for payment in self.open {
            switch states[payment.id] {
            case .transferred(let settlement):
                endings.append(Ending(payment: payment.id, verdict: .settled(settlement)))
                continue
            case .used:
                self.dead[payment.id] = PaymentRefusal(
                    ErrorReason.nonceAlreadyUsed.rawValue, detail: "the authorization was cancelled or used without a transfer")
            case .unused(isExpired: true):
                self.dead[payment.id] = PaymentRefusal(ErrorReason.validBefore.rawValue, detail: "it expired unsettled")
            case .unused(isExpired: false): self.dead[payment.id] = nil
            case .unknown(let reason):
                self.lastTrouble = reason
                isUndecided = true
                continue
            case nil:
                isUndecided = true
                continue
            }
            if isUsedUp { endings.append(Ending(payment: payment.id, verdict: self.verdict(payment))) }
        }
        return (endings, isUndecided)
    }

    /// Of a payment whose authorization moved nothing, now that the number is used up.
    private func verdict(_ payment: Payment) -> Verdict {
        if let refusal = self.dead[payment.id] { return .failed(refusal) }
        guard let mined, !self.isVoid else { return .returned(reason: "another transaction used the number") }
        let reason = mined.succeeded ? "mined without the Transfer of the payment" : "the transaction reverted"
        guard !payment.isDeferred else { return .returned(reason: reason) }
        let code: ErrorReason = mined.succeeded ? .transferEventMismatch : .transactionFailed
        return .failed(PaymentRefusal(code.rawValue, detail: reason))
    }

    /// What is done about a number that is not used yet.
    private mutating func goOn(_ findings: Findings, isUndecided: Bool, endings: [Ending]) -> Action {
        let ended = Set(endings.map(\.payment))
        let isPointless = !isUndecided && self.open.allSatisfy { ended.contains($0.id) || self.dead[$0.id] != nil }
        // First of all: whatever is sent is mined no earlier, and it may not be possible to send anything else.
        if let gap = self.overdueGap(findings.count) { return .fillGap(gap) }
        if isPointless, !self.isVoid { return .replace(isVoid: true) }
        guard findings.count >= self.number else { return .send }
        let isTooCheap = findings.baseFee.flatMap { base in self.offeredFee.map { base > $0 } } ?? false
        let isObjectedTo = self.isUnderpriced && self.sinceAttempt >= Self.replacementInterval
        guard isTooCheap || isObjectedTo || self.sinceAttempt >= self.inclusion else { return .send }
        return .replace(isVoid: self.isVoid)
    }

    /// A lower number of the signer that has been the next one for so long that nobody seems to be at it.
    private mutating func overdueGap(_ count: UInt64) -> UInt64? {
        guard count < self.number else { return nil }
        if self.gap.count != count { self.gap = (count, self.sinceAttempt) }
        guard self.sinceAttempt - self.gap.since >= Self.gapPatience else { return nil }
        self.gap = (.max, .zero)
        return count
    }

    private mutating func conclude(_ endings: [Ending], then next: Action) -> Action {
        let ended = Set(endings.map(\.payment))
        self.open.removeAll { ended.contains($0.id) }
        self.afterConclusion = self.open.isEmpty && self.mined != nil ? .finish : next
        return endings.isEmpty ? self.afterConclusion : .conclude(endings)
    }

    private mutating func wait() -> Action {
        defer { self.looks += 1 }
        self.currentWait = self.looks < Self.looksPerHaste ? Self.waits[min(self.looks, Self.waits.count - 1)] : Self.longestWait
        return .wait(self.currentWait)
    }
}
