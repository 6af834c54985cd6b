// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// A chain of which nothing is asked.
struct MockHeads: ChainHeads {
    let chains: Set<ChainID>

    func covers(_ chain: ChainID) -> Bool { self.chains.contains(chain) }

    func head(of chain: ChainID) async throws(RPCError) -> UInt64 { 0 }
}

/// Transfers without a chain: a proof that is well formed, for a reference that is known, and signed where it has to be, is taken
/// for the transfer that was asked for. A transaction pays once, as on a chain.
struct MockTransferProof: PaymentMethod {
    private let references: any ReferenceStore
    private let book: DepositBook

    init(references: any ReferenceStore, store: any PaymentStore) {
        self.references = references
        self.book = DepositBook(store: store)
    }

    var isPaidAhead: Bool { true }

    func takes(_ option: PaymentOption) -> Bool { option.scheme == DepositBook.scheme }

    func key(of credential: Credential) -> PaymentKey? {
        credential.challengeHash.map { PaymentKey.call(reference: $0, network: credential.option.network, payer: "") }
    }

    func verify(_ credential: Credential, at time: Int64, freshness: Freshness) async -> Verification {
        do throws(StoreError) { return try await self.judge(credential, at: time) } catch {
            return .unavailable(reason: error.reason)
        }
    }

    func settle(_ payment: PaymentRecord, keeping events: [PaymentEvent], patience: Duration) async -> SettlementOutcome {
        payment.settlement.map(SettlementOutcome.settled) ?? .unavailable(reason: "a call is settled when its deposits are spent")
    }

    private func judge(_ credential: Credential, at time: Int64) async throws(StoreError) -> Verification {
        guard let shown = ShownProof(credential), let hash = credential.challengeHash,
            let reference = try await self.references.reference(hash), shown.routes.contains(reference.route),
            let token = Address(hex: reference.option.asset.address), let recipient = Address(hex: reference.option.payTo)
        else { return Self.refused(.unknownReference, "no such reference here") }
        guard ChainID(eip155: shown.proof.chainID) == reference.option.network else {
            return Self.refused(.wrongNetwork, "\(reference.option.network) was asked for")
        }
        guard reference.binding != .signature || shown.proof.recoveredSender != nil else {
            return Self.refused(.signatureRequired, "sign `\(TransferProof.name) <reference> <txHash>`")
        }
        let sender = shown.proof.recoveredSender ?? .zero
        let transfer = ERC20.Transfer(token: token, from: sender, to: recipient, value: reference.option.amount)
        let receipt = TransactionReceipt(
            transactionHash: shown.proof.txHash, blockNumber: 1, blockHash: .zero, succeeded: true, from: sender, to: token,
            gasUsed: 0, effectiveGasPrice: nil, logs: [])
        let made = try await self.book.deposit(
            ArrivedTransfer(transfer: transfer, position: 0, logIndex: 0), in: ReceiptReading(receipt: receipt),
            of: reference.option.asset, for: reference, counts: true, reason: "deposited in test mode", at: time)
        guard made.claim.depositedFor == hash else { return Self.refused(.alreadyUsed, "the transaction has paid already") }
        return .valid(TransferProofMethod.payment(reference, payer: made.claim.payer))
    }

    private static func refused(_ reason: TransferProof.Reason, _ detail: String) -> Verification {
        .invalid(PaymentRefusal(reason.rawValue, detail: detail))
    }
}
