// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPrimitives

/// Reads the Transfers of some tokens, a range of blocks at a time.
struct TransferLogs {
    /// Whose Transfers.
    enum Party: Hashable {
        /// What came in to these.
        case to(Set<Address>)
        /// What went out from these.
        case from(Set<Address>)

        fileprivate var topics: [[Bytes32]] {
            switch self {
            case .to(let accounts): [[ERC20.transferTopic], [], accounts.map(\.word)]
            case .from(let accounts): [[ERC20.transferTopic], accounts.map(\.word)]
            }
        }

        fileprivate var isEmpty: Bool {
            switch self {
            case .to(let accounts), .from(let accounts): accounts.isEmpty
            }
        }
    }

    /// A Transfer and where it is.
    struct Entry: Hashable {
        let transfer: ERC20.Transfer
        let transaction: Bytes32
        let block: UInt64
        let logIndex: UInt64
    }

    /// Nodes limit how many blocks one search may span; most take 1,000.
    private static let rangeMax: UInt64 = 900
    /// Nodes also limit how many logs one answer has: then a shorter range is asked for, but not down to nothing.
    private static let rangeMin: UInt64 = 8

    let client: EVMClient
    let assets: Set<Address>

    /// Hands every Transfer in `blocks` to `body`, range by range, each with its own list for each party.
    ///
    /// - Parameter progress: Told the last block of each range when it is done.
    func read(
        _ parties: [Party], in blocks: ClosedRange<UInt64>, progress: (UInt64) -> Void = { _ in },
        _ body: (_ entries: [[Entry]]) async throws -> Void
    ) async throws {
        var (first, span) = (blocks.lowerBound, Self.rangeMax)
        while first <= blocks.upperBound {
            let last = min(first + (span - 1), blocks.upperBound)
            var entries: [[Entry]] = []
            do throws(RPCError) {
                for party in parties { entries.append(try await self.entries(of: party, from: first, to: last)) }
            } catch {
                guard span > Self.rangeMin else { throw error }
                span /= 2
                continue
            }
            try await body(entries)
            progress(last)
            guard last < blocks.upperBound else { return }
            first = last + 1
        }
    }

    private func entries(of party: Party, from first: UInt64, to last: UInt64) async throws(RPCError) -> [Entry] {
        guard !party.isEmpty, !self.assets.isEmpty else { return [] }
        let filter = LogFilter(
            addresses: Array(self.assets), topics: party.topics, from: .number(first), to: .number(last))
        return try await self.client.ask(.logs(filter)).compactMap { log in
            guard !log.isRemoved, let transfer = ERC20.Transfer(log), let hash = log.transactionHash, let block = log.blockNumber,
                let index = log.logIndex
            else { return nil }
            return Entry(transfer: transfer, transaction: hash, block: block, logIndex: index)
        }
    }
}
