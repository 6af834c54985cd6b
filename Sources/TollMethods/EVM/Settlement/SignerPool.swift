// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
public import TollCrypto
public import TollEVM

/// The accounts that pay the gas of one chain: their keys, whose turn it is, and how far the chain has counted each.
///
/// Numbers are not handed out here. The ledger takes one in the same write that holds the transaction signed with it, so that
/// several processes on one ledger may use the same accounts.
public final class SignerPool: Sendable {
    /// An account and its key.
    public struct Signer: Sendable {
        /// The account.
        public let address: Address
        /// Signs its transactions.
        public let key: PrivateKey
    }

    private struct State {
        var turn = 0
        /// How many transactions of each account the chain was last seen to know.
        var counts: [Address: UInt64] = [:]
        /// Accounts that were last seen without money for gas.
        var unfunded: Set<Address> = []
    }

    private let signers: [Signer]
    private let state = Mutex(State())

    /// A pool of at least one key.
    public init(_ keys: [PrivateKey]) {
        precondition(!keys.isEmpty, "A pool without a signer cannot settle.")
        self.signers = keys.map { Signer(address: $0.address, key: $0) }
    }

    /// The accounts, in order.
    public var addresses: [Address] { self.signers.map(\.address) }

    /// The account whose turn it is. One without money for gas is passed over while another has some.
    public func next() -> Signer {
        let index = self.state.withLock { state in
            let order = (1...self.signers.count).map { (state.turn + $0) % self.signers.count }
            state.turn = order.first { !state.unfunded.contains(self.signers[$0].address) } ?? order[0]
            return state.turn
        }
        return self.signers[index]
    }

    /// The account of this address; nil when its key is not here.
    public func signer(_ address: Address) -> Signer? {
        self.signers.first { $0.address == address }
    }

    /// Remembers whether an account had money for gas when a node last looked.
    public func note(_ address: Address, isFunded: Bool) {
        self.state.withLock { state in
            if isFunded { state.unfunded.remove(address) } else { state.unfunded.insert(address) }
        }
    }

    /// How many transactions of an account the chain knows, pending ones included: `ask` is called once per account and process,
    /// and again after ``forgetCount(of:)``.
    public func chainCount<Failure: Error>(
        of address: Address, _ ask: () async throws(Failure) -> UInt64
    ) async throws(Failure) -> UInt64 {
        if let known = self.state.withLock({ $0.counts[address] }) { return known }
        let count = try await ask()
        return self.state.withLock { state in
            let newest = max(count, state.counts[address] ?? 0)
            state.counts[address] = newest
            return newest
        }
    }

    /// The chain has gone further than it was seen to: somebody else uses the account.
    public func forgetCount(of address: Address) {
        self.state.withLock { _ = $0.counts.removeValue(forKey: address) }
    }
}
