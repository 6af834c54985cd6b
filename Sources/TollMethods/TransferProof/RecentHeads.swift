// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollEVM
internal import TollPrimitives
internal import TollRuntime

/// The newest block of each chain, asked for once a second at most however many references are made.
///
/// One that is a moment old is lower than the newest: a reference then takes a transfer of that moment before it, which its
/// sender could have made for nothing else.
final class RecentHeads: Sendable {
    private static let ageMax = Duration.seconds(1)

    private struct Head {
        let number: UInt64
        let time: Duration
    }

    private let heads = Mutex<[ChainID: Head]>([:])
    private let environment: Environment

    init(environment: Environment) {
        self.environment = environment
    }

    func head(of network: TransferProofNetwork) async throws(RPCError) -> UInt64 {
        let (id, now) = (network.network.chain, self.environment.monotonic())
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
