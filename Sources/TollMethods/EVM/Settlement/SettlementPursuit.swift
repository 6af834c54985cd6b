// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPayments
internal import TollProtocol

/// Decides how one signed settlement is brought to its end: sent, looked for, sent again, until the chain has said what became of
/// it. Events in, one action out; no clock, no chain.
///
/// Nothing here ends in "failed" because somebody did not answer: only what the chain says is an end (invariant I4).
struct SettlementPursuit {
    /// What the driver does next.
    enum Action: Hashable {
        /// Send the raw transaction, then `sent`.
        case send
        /// Ask for the receipt, then `found`.
        case lookForReceipt
        /// Ask whether the authorization is used, and by which transfer, in the state of this block or a later one, then
        /// `checked`.
        case checkAuthorization(asOf: UInt64)
        /// Wait, then `waited`.
        case wait(Duration)
        /// The end.
        case finish(SettlementOutcome)
    }

    /// What came of sending.
    enum SendResult: Hashable {
        /// A node took it, now or before.
        case accepted
        /// The number was used by another transaction, or by this one already mined.
        case nonceUsed
        /// The node understood and said no for now: no gas money, fee too low.
        case refused(reason: String)
        /// Nobody knows whether it arrived.
        case unknown(reason: String)
    }

    /// What the receipt says.
    enum ReceiptResult: Hashable {
        /// There is none yet, or it is not deep enough.
        case none
        /// The node did not answer.
        case unknown(reason: String)
        /// Mined, and the Transfer of the payment is in it.
        case transferred(Settlement)
        /// Mined without an error and without the Transfer.
        case silent
        /// Mined in this block, and reverted.
        case reverted(block: UInt64)
    }

    /// What the chain says of the authorization.
    enum AuthorizationState: Hashable {
        /// Unused; `expired` when no later block can use it.
        case unused(isExpired: Bool)
        /// Used by a transfer, whoever sent it.
        case transferred(Settlement)
        /// Used or cancelled, and nothing was transferred.
        case used
        /// The node did not answer.
        case unknown(reason: String)
    }

    /// Waits grow from the first to the last: a chain that mines at once is not waited for, a slow one is not pestered.
    private static let waits: [Duration] = [
        .milliseconds(15), .milliseconds(30), .milliseconds(60), .milliseconds(125), .milliseconds(250), .milliseconds(500),
        .seconds(1),
    ]
    /// After so many looks without a receipt the transaction is sent again: nodes forget.
    private static let looksPerSend = 12
    /// After so many when no node is known to have it.
    private static let looksPerUnacceptedSend = 3

    private let transaction: String
    private var looks = 0
    private var looksSinceSend = 0
    private var revertedInBlock: UInt64?
    private(set) var wasAccepted: Bool
    private(set) var lastTrouble: String?

    /// - Parameter wasSent: Whether it may have been sent before.
    init(transaction: String, wasSent: Bool) {
        self.transaction = transaction
        self.wasAccepted = wasSent
    }

    func start() -> Action { self.wasAccepted ? .lookForReceipt : .send }

    mutating func sent(_ result: SendResult) -> Action {
        self.looksSinceSend = 0
        switch result {
        case .accepted:
            self.wasAccepted = true
            return .lookForReceipt
        case .nonceUsed: return .lookForReceipt
        case .refused(let reason), .unknown(let reason):
            self.lastTrouble = reason
            return .lookForReceipt
        }
    }

    mutating func found(_ result: ReceiptResult) -> Action {
        switch result {
        case .transferred(let settlement): return .finish(.settled(settlement))
        case .silent:
            let refusal = PaymentRefusal(
                ErrorReason.transferEventMismatch.rawValue, detail: "mined without the Transfer of the payment")
            return .finish(.failed(refusal, transaction: self.transaction))
        case .reverted(let block):
            self.revertedInBlock = block
            return .checkAuthorization(asOf: block)
        case .unknown(let reason):
            self.lastTrouble = reason
            return self.wait()
        case .none:
            self.looksSinceSend += 1
            let looksMax = self.wasAccepted ? Self.looksPerSend : Self.looksPerUnacceptedSend
            return self.looksSinceSend >= looksMax ? .checkAuthorization(asOf: 0) : self.wait()
        }
    }

    mutating func checked(_ state: AuthorizationState) -> Action {
        switch state {
        case .transferred(let settlement): return .finish(.settled(settlement))
        case .used:
            return .finish(
                .failed(
                    PaymentRefusal(
                        ErrorReason.nonceAlreadyUsed.rawValue,
                        detail: "the authorization was cancelled or used without a transfer"),
                    transaction: self.transaction))
        case .unused(isExpired: true):
            return .finish(
                .failed(
                    PaymentRefusal(ErrorReason.validBefore.rawValue, detail: "it expired unsettled"),
                    transaction: self.transaction))
        case .unused(isExpired: false):
            guard self.revertedInBlock != nil else { return .send }
            let refusal = PaymentRefusal(ErrorReason.transactionFailed.rawValue, detail: "the transaction reverted")
            return .finish(.failed(refusal, transaction: self.transaction))
        case .unknown(let reason):
            self.lastTrouble = reason
            return self.wait()
        }
    }

    mutating func waited() -> Action {
        self.revertedInBlock.map { .checkAuthorization(asOf: $0) } ?? .lookForReceipt
    }

    private mutating func wait() -> Action {
        defer { self.looks += 1 }
        return .wait(Self.waits[min(self.looks, Self.waits.count - 1)])
    }
}
