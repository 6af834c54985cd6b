// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPayments
internal import TollPrimitives

/// What the chains that can be read here say of payments that others settle.
struct ChainWitness: Sendable {
    private let networks: [ChainID: ExactEVMNetwork]

    init(_ networks: [ExactEVMNetwork]) {
        self.networks = Dictionary(networks.map { ($0.chain, $0) }) { first, _ in first }
    }

    /// The newest block; 0 when the chain cannot be read.
    func latestBlock(_ chain: ChainID) async -> UInt64 {
        guard let network = self.networks[chain] else { return 0 }
        return (try? await network.client.ask(.blockNumber)) ?? 0
    }

    /// Whether the authorization is used, and by which transfer.
    func authorization(_ payment: ExactEVMPayment, of claim: Claim) async -> SettlementPursuit.AuthorizationState {
        // Without the block at which it was unused, the search would begin at the chain's first.
        guard let chain = self.chain(payment, claim, transaction: ""), claim.unusedAtBlock > 0 else {
            return .unknown(reason: "the chain is not read here")
        }
        return await chain.authorization(asOf: 0)
    }

    /// What the receipt of a transaction says that a facilitator named; nil when the chain cannot be read. A Transfer that is
    /// older than the claim is no settlement of it: the authorization was used for something else before.
    func receipt(
        of transaction: String,
        _ payment: ExactEVMPayment,
        of claim: Claim
    ) async -> SettlementPursuit.ReceiptResult? {
        let receipt = await self.chain(payment, claim, transaction: transaction)?.receipt()
        if case .transferred(let settlement) = receipt, settlement.block <= claim.unusedAtBlock { return .silent }
        return receipt
    }

    private func chain(_ payment: ExactEVMPayment, _ claim: Claim, transaction: String) -> ExactEVMChain? {
        self.networks[claim.option.network].map { network in
            ExactEVMChain(
                payment: payment,
                transaction: SettlementTransaction(hash: transaction, raw: [], signer: "", nonce: 0),
                unusedAtBlock: claim.unusedAtBlock,
                network: network
            )
        }
    }
}
