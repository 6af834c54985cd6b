// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollCrypto
public import TollEVM
internal import Synchronization

/// The accounts that pay the gas of one chain, and the transaction numbers they use.
///
/// A number is taken here, never asked of the chain for each transaction: two settlements at once would get the same one.
/// Once a transaction with a number is on disk, that number belongs to it for good, and the transaction is sent until the chain
/// takes it; a number whose transaction was never written is given back and used next, so that no gap stops the account.
public final class SignerPool: Sendable {
    /// A key with its next transaction number.
    public struct Turn: Sendable {
        /// The account.
        public let address: Address
        /// Signs the transaction.
        public let key: PrivateKey
        /// The transaction's number.
        public let nonce: UInt64
    }

    private struct Account {
        let key: PrivateKey
        let address: Address
        /// The next number never used; nil until the chain was asked.
        var next: UInt64?
        /// Numbers that transactions on disk use, noted before the chain was asked.
        var reserved: Set<UInt64> = []
        /// Numbers given back, lowest first.
        var returned: [UInt64] = []

        /// Begins behind the numbers in use. One that was given back before a restart is a gap below them, and goes first.
        mutating func begin(at count: UInt64) {
            let end = max(count, self.reserved.max().map { $0 + 1 } ?? 0)
            self.returned = (count..<end).filter { !self.reserved.contains($0) }
            self.next = end
        }
    }

    private struct State {
        var accounts: [Account]
        var turn = 0
    }

    private let state: Mutex<State>

    /// A pool of at least one key.
    public init(_ keys: [PrivateKey]) {
        precondition(!keys.isEmpty, "A pool without a signer cannot settle.")
        self.state = Mutex(State(accounts: keys.map { Account(key: $0, address: $0.address) }))
    }

    /// The accounts, in order.
    public var addresses: [Address] { self.state.withLock { $0.accounts.map(\.address) } }

    /// Takes the next number of the next account. `transactionCount` asks the chain for an account's count, pending transactions
    /// included; it is asked once per account and process.
    public func takeTurn<Failure: Error>(
        transactionCount: (Address) async throws(Failure) -> UInt64
    ) async throws(Failure) -> Turn {
        let index = self.state.withLock { state in
            state.turn = (state.turn + 1) % state.accounts.count
            return state.turn
        }
        let (address, isKnown) = self.state.withLock { ($0.accounts[index].address, $0.accounts[index].next != nil) }
        if !isKnown {
            let count = try await transactionCount(address)
            self.state.withLock { state in
                if state.accounts[index].next == nil { state.accounts[index].begin(at: count) }
            }
        }
        return self.state.withLock { state in
            let account = state.accounts[index]
            let nonce: UInt64
            if account.returned.isEmpty {
                nonce = account.next ?? 0
                state.accounts[index].next = nonce + 1
            } else {
                nonce = state.accounts[index].returned.removeFirst()
            }
            return Turn(address: account.address, key: account.key, nonce: nonce)
        }
    }

    /// Gives back a number whose transaction was not written, or will never be mined: the next settlement fills the gap.
    public func giveBack(_ nonce: UInt64, of address: Address) {
        self.state.withLock { state in
            guard let index = state.accounts.firstIndex(where: { $0.address == address }),
                !state.accounts[index].returned.contains(nonce)
            else { return }
            state.accounts[index].returned.append(nonce)
            state.accounts[index].returned.sort()
        }
    }

    /// Notes numbers that transactions on disk use, after a restart: the chain may not have seen them.
    public func reserve(_ nonce: UInt64, of address: Address) {
        self.state.withLock { state in
            guard let index = state.accounts.firstIndex(where: { $0.address == address }) else { return }
            state.accounts[index].reserved.insert(nonce)
            state.accounts[index].next = state.accounts[index].next.map { max($0, nonce + 1) }
        }
    }
}
