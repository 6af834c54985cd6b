// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// One line of the ledger. Events are only ever appended; what a payment is, follows from them.
public enum PaymentEvent: Hashable, Sendable {
    /// A verified credential took the payment. Again after a release, with the request that took it then.
    case claimed(Claim)
    /// Who had it is gone, and this process goes on with it.
    case takenOver(by: WorkerID)
    /// The upstream's answer, kept.
    case answered(StoredAnswer)
    /// Under `deferred`: the answer was served, and the payment waits to be settled together with others.
    case queued
    /// A settlement was signed. Written before it is sent. Again while that one is under way: a replacement, of the same signer
    /// and under the same number, so that only one of them can ever be mined (invariant I2).
    case signed(SettlementTransaction)
    /// A node accepted the transaction.
    case broadcast
    /// Sent, and what became of it is not known (invariant I4). Of a claimed payment: somebody else is asked to settle it;
    /// written before the request leaves.
    case unknown(reason: String)
    /// The number of every transaction so far was used up and the money did not move: none of them can succeed any more, and the
    /// payment may be signed for anew.
    ///
    /// - `transaction`: The hash of one of them, so that what a process says of a number does not undo what another process has
    ///   signed since; empty when nothing was signed; nil in events from before it was told.
    case returned(reason: String, transaction: String?)
    /// The Transfer was seen, whoever sent it.
    case settled(Settlement)
    /// A reorganisation took the block of the Transfer.
    case vanished(reason: String)
    /// The money did not move and will not.
    case failed(PaymentRefusal)
    /// The upstream failed and nothing was charged: the authorization may be used again.
    case released(reason: String)
    /// The whole answer reached the client's connection.
    case served
    /// A facilitator's caller was told of success; written before the first byte of the answer.
    case told
    /// Telling is known to have failed.
    case untold
    /// The money moved and nothing was delivered (invariant I5).
    case owed(reason: String)
    /// Units of the debt were spent, as credit, on another payment.
    case drawn(units: UInt256, by: PaymentID)
    /// The rest of the debt is about to be paid back. Written before a transaction is sent or handed out.
    case refunding(Refund)
    /// The refund will not happen; the debt is open again.
    case refundDropped(reason: String)
    /// The refund's Transfer was seen.
    case refunded(Settlement)
}
