// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollEVM
internal import TollPayments

/// The EIP-712 domains of tokens. Making one is most of the hashing of a payment, and a seller takes a few tokens over and over.
final class TokenDomains: Sendable {
    /// A route's assets are the seller's choice; those that are asked about through a facilitator are anybody's.
    private static let countMax = 256

    private let domains = Mutex<[Asset: EIP712.Domain]>([:])

    /// The domain of `asset`, whose contract and chain are these.
    func domain(of asset: Asset, at contract: Address, chainID: UInt64) -> EIP712.Domain {
        if let known = self.domains.withLock({ $0[asset] }) { return known }
        let domain = EIP712.Domain(
            name: asset.domainName, version: asset.domainVersion, chainID: chainID, verifyingContract: contract)
        self.domains.withLock { domains in
            if domains.count >= Self.countMax { domains = [:] }
            domains[asset] = domain
        }
        return domain
    }
}
