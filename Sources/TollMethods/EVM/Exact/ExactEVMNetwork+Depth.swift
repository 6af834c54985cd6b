// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM

extension ExactEVMNetwork {
    /// Whether what is in `block` lies deep enough to count.
    func isDeep(_ block: UInt64) async throws(RPCError) -> Bool {
        try await self.newestThatCounts() >= block
    }

    /// The newest block that counts.
    func newestThatCounts() async throws(RPCError) -> UInt64 {
        switch self.confirmations {
        case .blocks(let count):
            let head = try await self.client.ask(.blockNumber)
            return head - min(head, max(count, 1) - 1)
        case .safe: return try await self.client.ask(.block(.safe))?.number ?? 0
        case .finalized: return try await self.client.ask(.block(.finalized))?.number ?? 0
        }
    }
}
