// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollCrypto
internal import TollEVM
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol
internal import TollRuntime

/// How far references have come, from the ledger and from what was seen lately.
struct TransferStatuses: PaymentStatuses {
    let references: any ReferenceStore
    let book: DepositBook
    let notes: ReferenceNotes
    let environment: Environment

    func status(of name: String) async throws(StoreError) -> JSONObject? {
        guard let reference = TransferProof.Reference(name) else { return nil }
        return try await self.status(of: reference)?.json
    }

    /// How far a reference has come; nil when it is not known.
    ///
    /// - Parameter reason: Why what was just shown for it does not count.
    func status(
        of reference: TransferProof.Reference, reason: TransferProof.Reason? = nil
    ) async throws(StoreError) -> TransferProof.Status? {
        let hash = SHA256.hash(Array(reference.text.utf8))
        guard let kept = try await self.references.reference(hash) else { return nil }
        let balance = try await self.book.balance(of: kept)
        let call = PaymentKey.call(reference: hash, network: kept.option.network, payer: "")
        let isBought = try await self.book.store.record(call.id) != nil
        let now = Int64(self.environment.now())
        let note = self.notes.note(of: hash, at: now)
        let received = balance.received
        let state: TransferProof.Status.State =
            if isBought || received >= kept.option.amount {
                .paid
            } else if note?.state == .processing {
                .processing
            } else if now > kept.expires + DepositBook.lateSeconds {
                .expired
            } else if received > .zero {
                .underpaid
            } else {
                note?.state ?? .awaiting
            }
        return TransferProof.Status(
            reference: reference, state: state, amount: kept.option.amount, received: received,
            transactions: balance.deposits.compactMap(Self.transaction), expires: kept.expires,
            reason: state == .paid ? nil : reason ?? note?.reason)
    }

    private static func transaction(_ deposit: PaymentRecord) -> TransferProof.Status.Transaction? {
        guard let settlement = deposit.settlement, let hash = Bytes32(hex: settlement.transaction) else { return nil }
        return TransferProof.Status.Transaction(
            txHash: hash, amount: deposit.claim.option.amount, blockNumber: settlement.block)
    }
}
