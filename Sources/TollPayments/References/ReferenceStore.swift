// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// What opening a reference came to.
public enum ReferenceOutcome: Hashable, Sendable {
    /// It is kept, and durable: with the amount that it got.
    case opened(PaymentReference)
    /// Every amount from one to ``PaymentReference/extraMax`` units over the price is another reference's.
    case noAmountFree
    /// As many references are open as may be.
    case full
}

/// What can be read of references, also while another process opens them.
public protocol ReferenceReader: Sendable {
    /// The reference with this digest; nil when there is none, or it was forgotten.
    func reference(_ hash: Bytes32) async throws(StoreError) -> PaymentReference?

    /// The reference that money was sent for by where it went, or by how much it is: known at `time`, bound by the address
    /// `recipient`, or bound by just this amount of the asset to it. Addresses are compared without case.
    func reference(
        paidBy amount: UInt256, of asset: String, to recipient: String, on network: ChainID, at time: Int64
    ) async throws(StoreError) -> PaymentReference?

    /// The recipients of references bound by address or amount on `network` that are known at `time`, lower case, each once:
    /// what comes in there may be for one of them.
    func boundRecipients(on network: ChainID, at time: Int64) async throws(StoreError) -> [String]

    /// Of the same references the one that was opened first; nil when there is none.
    func oldestBound(on network: ChainID, at time: Int64) async throws(StoreError) -> PaymentReference?
}

/// The part of the ledger that keeps what was asked for until it is paid or forgotten.
///
/// Every call that changes something returns when the change is durable: a client that has seen a reference may have paid by the
/// time a crash is over.
public protocol ReferenceStore: ReferenceReader {
    /// Keeps a reference, when fewer than `limit` are open at `time`; where several processes open them at once, what they open
    /// within a second may be over it.
    ///
    /// One that is bound by its amount gets the first of the amounts `price + 1 … price + extraMax` that is free, beginning
    /// with `price + 1 + start` and going round; `price` is the amount it comes with. An amount is taken, on one network, of
    /// one asset and to one recipient, by each reference that ``PaymentReference/isKnown(at:)``, however bound and whether it
    /// was paid or not. One that is bound by a signature keeps its price, unless a reference that is bound by its amount has
    /// just that: then it gets the first that none of these has, so that what is sent for one is not taken for the other's.
    func open(
        _ reference: PaymentReference, startingAt start: UInt64, limit: Int, at time: Int64
    ) async throws(StoreError) -> ReferenceOutcome

    /// The next number of a series of addresses, from 0 to ``PaymentReference/addressIndexMax``; never given twice.
    func nextAddressIndex(in series: String) async throws(StoreError) -> UInt32

    /// Forgets references that ended before `time` (seconds since 1970) and that no deposit was made for; says how many.
    func pruneReferences(endedBefore time: Int64) async throws(StoreError) -> Int
}
