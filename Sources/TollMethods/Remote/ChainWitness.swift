// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPayments
internal import TollPrimitives

/// What the chains that can be read here say of payments that others settle.
struct ChainWitness: Sendable {
    /// What the receipt of a transaction says that a facilitator named.
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

        /// Whether the transaction is there, and is no settlement of this payment.
        var contradicts: Bool {
            switch self {
            case .silent, .reverted: true
            case .none, .unknown, .transferred: false
            }
        }
    }

    private let networks: [ChainID: ExactEVMNetwork]

    init(_ networks: [ExactEVMNetwork]) {
        self.networks = Dictionary(networks.map { ($0.chain, $0) }) { first, _ in first }
    }

    /// The newest block; 0 for a chain that is not read here.
    func latestBlock(_ chain: ChainID) async throws(RPCError) -> UInt64 {
        guard let network = self.networks[chain] else { return 0 }
        return try await network.client.ask(.blockNumber)
    }

    /// Whether the authorization is used, and by which transfer.
    func authorization(of record: PaymentRecord) async -> SettlementPursuit.AuthorizationState {
        guard let chain = self.chain(record), let due = try? DuePayment(record) else {
            return .unknown(reason: "the chain is not read here")
        }
        return await chain.authorization(of: due)
    }

    /// What the receipt of a transaction says that a facilitator named; nil when the chain cannot be read. A Transfer that is
    /// older than the claim is no settlement of it: the authorization was used for something else before.
    func receipt(of transaction: String, for record: PaymentRecord) async -> ReceiptResult? {
        guard let chain = self.chain(record), let due = try? DuePayment(record) else { return nil }
        let named = SettlementTransaction(hash: transaction, raw: [], signer: "", nonce: 0)
        switch await chain.look(for: [named], settling: [(record.id, due.payment)]) {
        case .none, .shallow: return ReceiptResult.none
        case .unknown(let reason): return .unknown(reason: reason)
        case .mined(let mined) where !mined.succeeded: return .reverted(block: mined.block)
        case .mined(let mined):
            guard let settlement = mined.settlements[record.id], settlement.block >= record.claim.firstTransferBlock
            else {
                return .silent
            }
            return .transferred(settlement)
        }
    }

    private func chain(_ record: PaymentRecord) -> ExactEVMChain? {
        self.networks[record.claim.option.network].map { network in
            ExactEVMChain(network, confirmations: network.confirmations(for: [record.claim.option]))
        }
    }
}
