// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollEVM
internal import TollPrimitives
internal import TollRuntime

/// Where chains are, as far as references need to know.
protocol ChainHeads: Sendable {
    /// Whether anything is known of a chain.
    func covers(_ chain: ChainID) -> Bool

    /// The newest block of a chain that is covered.
    func head(of chain: ChainID) async throws(RPCError) -> UInt64
}

/// The newest block of each chain, asked for once a second at most however many references are made.
///
/// One that is a moment old is lower than the newest: a reference then takes a transfer of that moment before it, which its
/// sender could have made for nothing else.
final class RecentHeads: ChainHeads {
    private static let ageMax = Duration.seconds(1)

    private struct Head {
        let number: UInt64
        let time: Duration
    }

    private let heads = Mutex<[ChainID: Head]>([:])
    private let networks: [ChainID: TransferProofNetwork]
    private let environment: Environment

    init(_ networks: [ChainID: TransferProofNetwork], environment: Environment) {
        self.networks = networks
        self.environment = environment
    }

    func covers(_ chain: ChainID) -> Bool { self.networks[chain] != nil }

    func head(of id: ChainID) async throws(RPCError) -> UInt64 {
        guard let network = self.networks[id] else {
            throw .unavailable(reason: "no node of \(id) is configured", mayHaveBeenDelivered: false)
        }
        let now = self.environment.monotonic()
        if let known = self.heads.withLock({ $0[id] }), now - known.time < Self.ageMax { return known.number }
        let number = try await network.chain.newest(.latest)
        return self.heads.withLock { heads in
            // Never back: a node that is behind would let in what is older.
            let newest = max(number, heads[id]?.number ?? 0)
            heads[id] = Head(number: newest, time: now)
            return newest
        }
    }
}
