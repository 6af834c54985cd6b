// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPayments
internal import TollPrimitives
internal import TollRuntime

extension ChainWatcher {
    /// For so long after it was first seen to be final a block's settlements are compared further: another node may be behind by
    /// as much, and tell of a settlement in a block that this chain no longer has.
    private static let nodesApart = Duration.seconds(60)

    /// A ledger that was never watched is looked at from this much below the final block on: what lies deeper cannot be undone
    /// any more, and whether it is as the ledger says is what `tollgate ledger reconcile` tells.
    private static let firstDepth = Claim.reorganisationDepth

    /// Compares the settlements above the mark with the chain, and moves the mark to the block that has been final for long.
    func watchSettlements(_ network: ExactEVMNetwork) async throws(Trouble) {
        let newest = try await self.newestFinal(network)
        let final = self.finalBlocks.note(newest, at: self.environment.monotonic(), for: Self.nodesApart, network.chain)
        let mark =
            try await self.mark(.finalized(network.chain)).map { UInt64(max(0, $0)) } ?? (newest - min(newest, Self.firstDepth))
        try await self.recheck(network)
        var query = PaymentQuery(in: [.settled], limit: Self.pageSize)
        query.network = network.chain
        query.aboveBlock = mark
        while true {
            let page = try await self.read(query)
            try await self.compare(page, network)
            guard page.count == query.limit, let last = page.last else { break }
            query.after = PaymentQuery.Cursor(last)
        }
        guard let final, final > mark else { return }
        try await self.setMark(.finalized(network.chain), to: Int64(clamping: final))
        self.blocks.forget(upTo: final, network.chain)
    }

    private func newestFinal(_ network: ExactEVMNetwork) async throws(Trouble) -> UInt64 {
        do throws(RPCError) { return try await network.newestFinal() } catch { throw Trouble(reason: "\(error)") }
    }

    /// Whether what was seen still stands.
    private func recheck(_ network: ExactEVMNetwork) async throws(Trouble) {
        guard let highest = self.blocks.highest(network.chain) else { return }
        if try await self.hashes([highest.number], network)[highest.number] != highest.hash {
            self.log.warning("the chain has been reorganised", ["network": network.chain, "block": highest.number])
            self.blocks.forgetAll(network.chain)
        }
    }

    private func hashes(_ numbers: [UInt64], _ network: ExactEVMNetwork) async throws(Trouble) -> [UInt64: String] {
        let answers = await network.client.ask(all: numbers.map { .block(.number($0)) })
        var hashes: [UInt64: String] = [:]
        do throws(RPCError) {
            for (number, answer) in zip(numbers, answers) { hashes[number] = try answer.get()?.hash.description }
        } catch {
            throw Trouble(reason: "\(error)")
        }
        return hashes
    }

    /// Asks for the hashes of blocks. What is known of others is of the same fork only when it still stands afterwards.
    private func check(_ numbers: Set<UInt64>, _ network: ExactEVMNetwork) async throws(Trouble) {
        guard !numbers.isEmpty else { return }
        let highest = self.blocks.highest(network.chain)
        let hashes = try await self.hashes(numbers.sorted(), network)
        if let highest, try await self.hashes([highest.number], network)[highest.number] != highest.hash {
            self.blocks.forgetAll(network.chain)
            throw Trouble(reason: "the chain is being reorganised")
        }
        for (number, hash) in hashes { self.blocks.add(number, hash, network.chain) }
    }

    private func compare(_ page: [PaymentRecord], _ network: ExactEVMNetwork) async throws(Trouble) {
        // What is not known by a block's hash was told by a facilitator; its word is all there is.
        let settled = page.compactMap { record -> (record: PaymentRecord, settlement: Settlement)? in
            guard let settlement = record.settlement, !settlement.blockHash.isEmpty else { return nil }
            return (record, settlement)
        }
        try await self.check(Set(settled.map(\.settlement.block).filter { self.blocks.hash($0, network.chain) == nil }), network)
        for (record, settlement) in settled {
            let hash = self.blocks.hash(settlement.block, network.chain)
            guard hash != settlement.blockHash, try await self.isGone(settlement, network) else { continue }
            self.log.error(
                "a settlement vanished in a reorganisation",
                ["payment": record.id, "transaction": settlement.transaction, "block": settlement.block])
            let reason = "block \(settlement.block) is no longer \(settlement.blockHash)"
            try await self.write([.vanished(reason: reason)], to: record.id)
        }
    }

    /// Whether one node says so by itself: of what was asked before, parts may be another's. One that is behind has not seen the
    /// block, which says nothing against it.
    private func isGone(_ settlement: Settlement, _ network: ExactEVMNetwork) async throws(Trouble) -> Bool {
        let (newest, block) = await network.client.ask(.block(.latest), .block(.number(settlement.block)))
        let (head, hash): (UInt64, Bytes32?)
        do throws(RPCError) { (head, hash) = (try newest.get()?.number ?? 0, try block.get()?.hash) } catch {
            throw Trouble(reason: "\(error)")
        }
        guard head >= settlement.block else { throw Trouble(reason: "the node is behind the ledger") }
        let isGone = hash?.description != settlement.blockHash
        if !isGone { self.blocks.forgetAll(network.chain) }
        return isGone
    }
}
