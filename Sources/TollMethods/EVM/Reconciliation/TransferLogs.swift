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

        /// The same, so many at once as nodes take in one question.
        fileprivate var parts: [Party] {
            let accounts: Set<Address>
            switch self {
            case .to(let all), .from(let all): accounts = all
            }
            guard accounts.count > Self.accountsMax else { return [self] }
            let sorted = accounts.sorted { $0.word.bytes.lexicographicallyPrecedes($1.word.bytes) }
            return stride(from: 0, to: sorted.count, by: Self.accountsMax).map { start in
                let part = Set(sorted[start..<min(start + Self.accountsMax, sorted.count)])
                if case .to = self { return .to(part) } else { return .from(part) }
            }
        }

        private static let accountsMax = 500

        fileprivate func filter(_ tokens: Set<Address>, _ blocks: ClosedRange<UInt64>) -> LogFilter {
            switch self {
            case .to(let accounts): .transfers(of: tokens, to: accounts, in: blocks)
            case .from(let accounts): .transfers(of: tokens, from: accounts, in: blocks)
            }
        }

        fileprivate var isEmpty: Bool {
            switch self {
            case .to(let accounts), .from(let accounts): accounts.isEmpty
            }
        }
    }

    typealias Entry = TransferLog

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
        var entries: [Entry] = []
        for part in party.parts {
            entries += try await self.client.ask(.logs(part.filter(self.assets, first...last))).compactMap { TransferLog($0) }
        }
        return entries
    }
}
