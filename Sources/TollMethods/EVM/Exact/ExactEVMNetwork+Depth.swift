// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM

extension ExactEVMNetwork {
    /// On a chain that names no final block, one that lies so deep is taken for final.
    private static let depthWithoutFinality: UInt64 = 256

    /// The newest block that is final.
    func newestFinal() async throws(RPCError) -> UInt64 {
        let (newest, finalized) = await self.client.ask(.block(.latest), .block(.finalized))
        guard let head = try newest.get()?.number else { throw .unavailable(reason: "no block", mayHaveBeenDelivered: false) }
        if case .failure(let error) = finalized, error.isUnavailable { throw error }
        let named = (try? finalized.get())?.number
        return min(head, named ?? (head - min(head, Self.depthWithoutFinality)))
    }

    /// Whether what is in `block` lies deep enough to count.
    func isDeep(_ block: UInt64) async throws(RPCError) -> Bool {
        try await self.newestThatCounts() >= block
    }

    /// The newest block that counts.
    func newestThatCounts(_ confirmations: Confirmations? = nil) async throws(RPCError) -> UInt64 {
        switch confirmations ?? self.confirmations {
        case .blocks(let count):
            let head = try await self.client.ask(.blockNumber)
            return head - min(head, max(count, 1) - 1)
        case .safe: return try await self.client.ask(.block(.safe))?.number ?? 0
        case .finalized: return try await self.client.ask(.block(.finalized))?.number ?? 0
        }
    }
}
