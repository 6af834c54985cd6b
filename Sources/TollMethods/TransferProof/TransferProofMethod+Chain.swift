// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollCrypto
internal import TollEVM
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// What is asked of the chain and the ledger, and what their silence means.
extension TransferProofMethod {
    /// A reorganisation may put a transfer into a block up to so many before that behind which its reference began. It does not
    /// pay then, and is not lost either: it is owed to its sender.
    private static let reorganisedBlockCount: UInt64 = 16

    /// The receipt, when it lies behind the reference's beginning and deep enough.
    func receipt(
        of proof: TransferProof.Proof, on network: TransferProofNetwork, _ reference: PaymentReference, at time: Int64
    ) async throws(Verdict) -> TransactionReceipt {
        let hash = proof.txHash
        let agreed = try await self.chain { () async throws(RPCError) in try await network.chain.ask(.receipt(of: hash)) }
        guard let agreed else { throw .processing(.nodesDisagree, "the nodes do not say the same of the transaction") }
        guard let receipt = agreed else { throw self.absence(of: reference, at: time) }
        let isSameNetwork = network.network.chain == reference.option.network
        guard !isSameNetwork || receipt.blockNumber > reference.head - min(reference.head, Self.reorganisedBlockCount) else {
            throw .refused(
                .tooEarly, "it lies in block \(receipt.blockNumber), and the reference began behind \(reference.head)")
        }
        let deep = try await self.chain { () async throws(RPCError) in
            try await network.newestThatCounts(for: reference.option)
        }
        guard receipt.blockNumber <= deep || !receipt.succeeded else {
            throw .processing(.unconfirmed, "it lies in block \(receipt.blockNumber); blocks count up to \(deep) so far")
        }
        return receipt
    }

    /// A transaction that no node has in a block may still come, as long as there is time for it.
    private func absence(of reference: PaymentReference, at time: Int64) -> Verdict {
        let words = "no block holds the transaction"
        guard time <= reference.expires + DepositBook.lateSeconds else {
            return .refused(.notFound, "\(words), and the time is up")
        }
        return .processing(.notFound, "\(words) so far")
    }

    /// Whether it came after the reference had ended, by its block's time.
    func isLate(
        _ receipt: TransactionReceipt, for reference: PaymentReference, on network: TransferProofNetwork
    ) async throws(Verdict) -> Bool {
        let block = try await self.chain { () async throws(RPCError) in
            try await network.chain.ask(.block(.number(receipt.blockNumber)))
        }
        guard let block, let block, block.hash == receipt.blockHash else {
            throw .processing(.reorganized, "its block is not what it was a moment ago")
        }
        return Int64(clamping: block.timestamp) > reference.expires + DepositBook.lateSeconds
    }

    /// Whether `sender` has signed for the reference: with its key, or as the contract that it is (ERC-1271).
    func isSigned(
        _ proof: TransferProof.Proof, by sender: Address, on network: TransferProofNetwork
    ) async throws(Verdict) -> Bool {
        guard let signature = proof.signature, let digest = proof.signedDigest else { return false }
        if proof.recoveredSender == sender { return true }
        let call = CallMessage(to: sender, data: ERC1271.calldata(digest: digest, signature: signature))
        let returned: [UInt8]?
        do throws(RPCError) { returned = try await network.chain.ask(.call(call)) } catch {
            guard error.isUnavailable else { return false }
            throw .unavailable("the chain: \(error)")
        }
        return returned.map { ERC1271.isValid(returned: $0) } ?? false
    }

    /// Keeps what was seen of a transfer that does not count, for whoever asks; what was on its way before and is refused now is
    /// not any more.
    func remember(_ verdict: Verdict, _ proof: TransferProof.Proof, _ reference: PaymentReference, at time: Int64) {
        let (state, reason): (TransferProof.Status.State, TransferProof.Reason)
        switch verdict {
        case .processing(let found, _): (state, reason) = (.processing, found)
        case .refused(.reverted, _): (state, reason) = (.reverted, .reverted)
        case .refused: return self.notes.note(nil, of: reference.hash)
        case .unavailable: return
        }
        self.notes.note(ReferenceNotes.Note(state: state, reason: reason, time: time), of: reference.hash)
    }

    func chain<Value: Sendable>(
        _ ask: () async throws(RPCError) -> Value
    ) async throws(Verdict) -> Value {
        do throws(RPCError) { return try await ask() } catch { throw .unavailable("the chain: \(error)") }
    }

    func ledger<Value: Sendable>(
        _ ask: () async throws(StoreError) -> Value
    ) async throws(Verdict) -> Value {
        do throws(StoreError) { return try await ask() } catch { throw .unavailable("the ledger: \(error.reason)") }
    }
}
