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
    func authorization(of record: PaymentRecord) async -> SettlementPursuit.AuthorizationState {
        guard let chain = self.chain(record), let due = try? DuePayment(record) else {
            return .unknown(reason: "the chain is not read here")
        }
        return await chain.authorization(of: due)
    }

    /// What the receipt of a transaction says that a facilitator named; nil when the chain cannot be read.
    func receipt(of transaction: String, for record: PaymentRecord) async -> SettlementPursuit.Sighting? {
        guard let chain = self.chain(record), let due = try? DuePayment(record) else { return nil }
        let named = SettlementTransaction(hash: transaction, raw: [], signer: "", nonce: 0)
        return await chain.look(for: [named], settling: [(record.id, due.payment)])
    }

    private func chain(_ record: PaymentRecord) -> ExactEVMChain? {
        self.networks[record.claim.option.network].map { network in
            ExactEVMChain(network, confirmations: network.confirmations(for: [record.claim.option]))
        }
    }
}
