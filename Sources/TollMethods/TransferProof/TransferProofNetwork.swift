// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollEVM
public import TollPayments
internal import TollPrimitives

/// A chain on which transfers that somebody sends by itself are taken.
public struct TransferProofNetwork: Sendable {
    /// The chain, its nodes and how deep what counts must lie.
    public let network: ExactEVMNetwork
    private let nodes: [EVMClient]
    /// What its nodes say together.
    public let chain: AgreedChain
    /// The tokens that are known there: money in another token than was asked for is owed to its sender.
    public let assets: [Asset]

    /// A chain by all its fields.
    ///
    /// - Parameter nodes: A client for each of its nodes alone.
    public init(_ network: ExactEVMNetwork, nodes: [EVMClient], assets: [Asset]) {
        self.network = network
        self.nodes = nodes
        self.chain = AgreedChain(nodes: nodes)
        self.assets = assets
    }

    /// A look at what is transferred there, as deep as any payment has to lie.
    func watch(_ tokens: Set<Address>) -> TransferWatch {
        TransferWatch(nodes: self.nodes, tokens: tokens, depth: self.network.deepestConfirmations)
    }

    func asset(_ token: Address) -> Asset? { self.assets.first { Address(hex: $0.address) == token } }

    /// The newest block that is deep enough for a payment of `option`.
    func newestThatCounts(for option: PaymentOption) async throws(RPCError) -> UInt64 {
        switch self.network.confirmations(for: [option]) {
        case .blocks(let count):
            let head = try await self.chain.newest(.latest)
            return head - min(head, max(count, 1) - 1)
        case .safe: return try await self.chain.newest(.safe)
        case .finalized: return try await self.chain.newest(.finalized)
        }
    }
}
