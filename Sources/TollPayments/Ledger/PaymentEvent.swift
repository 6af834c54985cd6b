// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// One line of the ledger. Events are only ever appended; what a payment is, follows from them.
public enum PaymentEvent: Hashable, Sendable {
    /// A verified credential took the payment. Again after a release, with the request that took it then.
    case claimed(Claim)
    /// The upstream's answer, kept.
    case answered(StoredAnswer)
    /// A settlement was signed. Written before it is sent.
    case signed(SettlementTransaction)
    /// A node accepted the transaction.
    case broadcast
    /// Sent, and what became of it is not known (invariant I4). Of a claimed payment: somebody else is asked to settle it;
    /// written before the request leaves.
    case unknown(reason: String)
    /// The Transfer was seen.
    case settled(Settlement)
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
}
