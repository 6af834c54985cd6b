// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollEVM
public import TollPrimitives

/// A chain on which `exact` payments are taken.
public struct ExactEVMNetwork: Sendable {
    /// How deep a settlement must lie before it counts.
    public enum Confirmations: Hashable, Sendable {
        /// So many blocks, its own included.
        case blocks(UInt64)
        /// At or below the chain's `safe` block.
        case safe
        /// At or below the chain's `finalized` block.
        case finalized
    }

    /// The chain.
    public let chain: ChainID
    /// Its nodes.
    public let client: EVMClient
    /// Who pays the gas; nil when payments are only verified here.
    public let signers: SignerPool?
    /// How deep a settlement must lie before it counts.
    public let confirmations: Confirmations
    /// Factories that may be called to deploy a payer's wallet (ERC-6492). Others are refused: a call with our signer to a
    /// contract of the payer's choosing could do anything.
    public let walletFactories: Set<Address>

    /// A chain by all its fields.
    public init(
        chain: ChainID, client: EVMClient, signers: SignerPool?, confirmations: Confirmations = .blocks(1),
        walletFactories: Set<Address> = []
    ) {
        self.chain = chain
        self.client = client
        self.signers = signers
        self.confirmations = confirmations
        self.walletFactories = walletFactories
    }
}
