// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollPrimitives

/// Blocks whose hashes the chain was seen to have. As long as it has the highest of them it has the others, so that each is asked
/// for once.
final class CheckedBlocks: Sendable {
    private let hashes = Mutex<[ChainID: [UInt64: String]]>([:])

    /// The highest that is known.
    func highest(_ chain: ChainID) -> (number: UInt64, hash: String)? {
        self.hashes.withLock { $0[chain]?.max { $0.key < $1.key }.map { ($0.key, $0.value) } }
    }

    /// The hash of a block, when it is known.
    func hash(_ number: UInt64, _ chain: ChainID) -> String? {
        self.hashes.withLock { $0[chain]?[number] }
    }

    func add(_ number: UInt64, _ hash: String, _ chain: ChainID) {
        self.hashes.withLock { $0[chain, default: [:]][number] = hash }
    }

    /// The chain has changed.
    func forgetAll(_ chain: ChainID) {
        self.hashes.withLock { $0[chain] = nil }
    }

    /// Blocks up to this one are final.
    func forget(upTo number: UInt64, _ chain: ChainID) {
        self.hashes.withLock { $0[chain] = $0[chain]?.filter { $0.key > number } }
    }
}
