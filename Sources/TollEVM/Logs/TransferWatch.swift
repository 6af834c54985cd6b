// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

/// Asks the nodes of a chain what a ``LogScan`` wants to know.
///
/// Where several nodes are configured two must know each block by the same hash, and what either of them says was transferred is
/// handed on: one that is behind, or keeps silent about a log, hides nothing. A log is a node's word; whoever makes money of it
/// asks for the transaction's receipt.
public struct TransferWatch: Sendable {
    private let nodes: [EVMClient]
    private let tokens: Set<Address>
    private let depth: BlockDepth

    /// - Parameters:
    ///   - nodes: A client for each node alone; at least one.
    ///   - tokens: Whose Transfers.
    ///   - depth: How deep what counts lies.
    public init(nodes: [EVMClient], tokens: Set<Address>, depth: BlockDepth) {
        self.nodes = nodes
        self.tokens = tokens
        self.depth = depth
    }

    /// How many have to say the same.
    private var quorum: Int { min(2, self.nodes.count) }

    /// Takes one step: from the scan's mark to the newest block that counts, or as far as one step goes.
    ///
    /// - Parameters:
    ///   - recipients: Who is waited for, asked for when the newest block is known.
    ///   - deliver: Takes Transfers and keeps the mark up to which all are taken. When it throws, the scan stays where it was.
    public func advance(
        _ scan: inout LogScan, recipients: () async throws -> Set<Address>,
        deliver: (_ transfers: [TransferLog], _ mark: LogScan.Mark) async throws -> Void
    ) async throws -> LogScan.Rest {
        var action = scan.start()
        while true {
            switch action {
            case .findHeads: action = await self.findHeads(&scan)
            case .listRecipients: action = scan.recipients(try await recipients())
            case .search(let search): action = await self.search(search, &scan)
            case .deliver(let transfers, let mark):
                try await deliver(transfers, mark)
                action = scan.delivered()
            case .rest(let rest): return rest
            }
            try Task.checkCancellation()
        }
    }

    private func findHeads(_ scan: inout LogScan) async -> LogScan.Action {
        var (counting, final): ([UInt64], [UInt64]) = ([], [])
        var reason = "there is no node"
        for node in self.nodes {
            do throws(RPCError) {
                let heads = try await self.heads(of: node)
                counting.append(heads.counting)
                final.append(heads.final)
            } catch { reason = "\(error)" }
        }
        guard !counting.isEmpty, counting.count >= self.quorum else { return scan.failed(reason) }
        // The newest that so many have reached: of two that disagree the lower counts, and a third that stands still holds up
        // none.
        return scan.heads(
            counting: counting.sorted(by: >)[self.quorum - 1], final: final.sorted(by: >)[self.quorum - 1])
    }

    private func heads(of node: EVMClient) async throws(RPCError) -> (counting: UInt64, final: UInt64) {
        let (latest, safe, finalized) = await node.ask(.block(.latest), .block(.safe), .block(.finalized))
        guard let head = try latest.get()?.number else { throw .unavailable(reason: "no block", mayHaveBeenDelivered: false) }
        // A chain that names no such block has none; a node that does not answer may have one.
        func named(_ answer: Result<Block?, RPCError>) throws(RPCError) -> UInt64? {
            if case .failure(let error) = answer, error.isUnavailable { throw error }
            return (try? answer.get())?.number
        }
        let final = try named(finalized) ?? 0
        switch self.depth {
        case .blocks(let count): return (head - min(head, max(count, 1) - 1), min(final, head))
        case .safe: return (min(try named(safe) ?? 0, head), min(final, head))
        case .finalized: return (min(final, head), min(final, head))
        }
    }

    private func search(_ search: LogScan.Search, _ scan: inout LogScan) async -> LogScan.Action {
        var answers: [LogScan.Found] = []
        var reason = "there is no node"
        for node in self.nodes where answers.count < self.quorum {
            do throws(RPCError) { answers.append(try await self.ask(node, search)) } catch {
                if case .rejected(_, _, .tooMuch) = error { return scan.refused() }
                reason = "\(error)"
            }
        }
        guard let first = answers.first, answers.count >= self.quorum else { return scan.failed(reason) }
        guard answers.allSatisfy({ $0.last == first.last && $0.previous == first.previous }) else {
            return scan.failed("the nodes know block \(search.blocks.upperBound) by different hashes")
        }
        let transfers = answers.reduce(into: Set<TransferLog>()) { $0.formUnion($1.transfers) }
        return scan.found(LogScan.Found(transfers: transfers, last: first.last, previous: first.previous))
    }

    private func ask(_ node: EVMClient, _ search: LogScan.Search) async throws(RPCError) -> LogScan.Found {
        let last = search.blocks.upperBound
        let filter = LogFilter.transfers(of: self.tokens, to: search.recipients, in: search.blocks)
        let logs: Result<[Log], RPCError>
        let blocks: (last: Result<Block?, RPCError>, previous: Result<Block?, RPCError>)
        if search.recipients.isEmpty || self.tokens.isEmpty {
            logs = .success([])
            blocks = await node.ask(.block(.number(last)), .block(.number(search.previous ?? last)))
        } else {
            let answers = await node.ask(
                .logs(filter), .block(.number(last)), .block(.number(search.previous ?? last)))
            (logs, blocks) = (answers.0, (answers.1, answers.2))
        }
        // A node that does not have the last block yet finds nothing in it, and that is no answer.
        guard let block = try blocks.last.get(), let previous = try blocks.previous.get() else {
            throw .unavailable(reason: "a node is behind block \(last)", mayHaveBeenDelivered: false)
        }
        return LogScan.Found(
            transfers: Set(try logs.get().compactMap { TransferLog($0) }), last: block.hash,
            previous: search.previous == nil ? nil : previous.hash)
    }
}
