// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
public import TollPayments
internal import TollPrimitives

/// Brings a restored ledger up to the chain: every authorization that moved money to us is claimed in it afterwards, so that
/// nobody is served for one that was used before (architecture, "Whose settlement counts").
///
/// Of a payment that the ledger has lost it is not known what it bought. It stands as settled and told, with the dialect
/// ``TollPayments/DialectID/rebuilt`` and without a route: nothing is served for it, no facilitator's caller is told of it, and
/// no debt is made of it unless the seller says so, since most of what was lost had been served.
public struct EVMLedgerRebuild: Sendable {
    /// What was found and done.
    public struct Report: Hashable, Sendable {
        /// The blocks that were searched; nil when the chain ends before the first.
        public var blocks: ClosedRange<UInt64>?
        /// Authorized Transfers to us.
        public var transfers = 0
        /// Payments that the ledger had as the chain has them.
        public var known = 0
        /// Payments that the ledger had lost.
        public var added: [PaymentID] = []
        /// Payments of the ledger that were not settled in it, or elsewhere.
        public var updated: [PaymentID] = []
        /// Transactions of our signers that no block has yet, by signer: what they move is not seen here.
        public var waiting: [String: UInt64] = [:]
    }

    private let network: ExactEVMNetwork
    private let store: any PaymentStore
    private let assets: [Asset]
    private let receivers: Set<Address>
    private let signers: Set<Address>
    private let owes: Bool

    /// Whose Transfers of what are looked for.
    private struct Search {
        var assets: [Address: Asset] = [:]
        var receivers: Set<Address>

        mutating func add(_ asset: Asset) {
            guard let address = Address(hex: asset.address), self.assets[address] == nil else { return }
            self.assets[address] = asset
        }
    }

    /// A rebuild on `network` from the Transfers of `assets` to `receivers`, and of those that the ledger knows.
    ///
    /// - Parameters:
    ///   - signers: Our accounts, of which no transaction should be under way meanwhile.
    ///   - owes: Whether the seller makes a debt of every payment that the ledger had lost.
    public init(
        network: ExactEVMNetwork, store: any PaymentStore, assets: [Asset], receivers: [String], signers: [String], owes: Bool
    ) {
        self.network = network
        self.store = store
        self.assets = assets
        self.receivers = Set(receivers.compactMap { Address(hex: $0) })
        self.signers = Set(signers.compactMap { Address(hex: $0) })
        self.owes = owes
    }

    /// Searches the blocks from `first` to the newest. Running it again changes nothing.
    ///
    /// - Parameters:
    ///   - time: In seconds since 1970.
    ///   - progress: Told after each range of blocks how far it is.
    public func run(
        from first: UInt64, at time: Int64, progress: (_ block: UInt64, _ last: UInt64) -> Void = { _, _ in }
    ) async throws -> Report {
        var report = Report()
        for signer in self.signers {
            let (newest, pending) = await self.network.client.ask(
                .transactionCount(of: signer, at: .latest), .transactionCount(of: signer, at: .pending))
            let waiting = try pending.get().subtractingReportingOverflow(try newest.get())
            if !waiting.overflow, waiting.partialValue > 0 { report.waiting[signer.description] = waiting.partialValue }
        }
        let last = try await self.network.client.ask(.blockNumber)
        guard first <= last else { return report }
        report.blocks = first...last
        let search = try await self.search()
        let logs = TransferLogs(client: self.network.client, assets: Set(search.assets.keys))
        try await logs.read([.to(search.receivers)], in: first...last, progress: { progress($0, last) }) { entries in
            try await self.take(entries[0], search, at: time, &report)
        }
        return report
    }

    private func search() async throws -> Search {
        var search = Search(receivers: self.receivers)
        for asset in self.assets { search.add(asset) }
        var query = PaymentQuery(limit: PaymentQuery.pageSize)
        query.network = self.network.chain
        try await self.store.forEach(query) { record in
            search.add(record.claim.option.asset)
            if let receiver = Address(hex: record.claim.option.payTo) { search.receivers.insert(receiver) }
        }
        return search
    }

    /// The Transfers of one range: their receipts tell the authorizations.
    private func take(
        _ entries: [TransferLogs.Entry], _ search: Search, at time: Int64, _ report: inout Report
    ) async throws {
        var transactions: [Bytes32] = []
        for entry in entries where transactions.last != entry.transaction && !transactions.contains(entry.transaction) {
            transactions.append(entry.transaction)
        }
        let receipts = await self.network.client.ask(all: transactions.map { .receipt(of: $0) })
        for receipt in receipts {
            guard let receipt = try receipt.get() else {
                throw RPCError.unavailable(reason: "the node has a log without its receipt", mayHaveBeenDelivered: false)
            }
            for authorized in AuthorizedTransfer.all(in: receipt) {
                guard let asset = search.assets[authorized.transfer.token],
                    search.receivers.contains(authorized.transfer.to)
                else { continue }
                report.transfers += 1
                try await self.take(authorized, asset, receipt, at: time, &report)
            }
        }
    }

    private func take(
        _ authorized: AuthorizedTransfer, _ asset: Asset, _ receipt: TransactionReceipt, at time: Int64, _ report: inout Report
    ) async throws {
        let settlement = Settlement(
            transaction: receipt.transactionHash.description, block: receipt.blockNumber, logIndex: authorized.logIndex,
            blockHash: receipt.blockHash.description)
        let key = authorized.key(on: self.network.chain)
        guard let record = try await self.store.record(key.id) else {
            try await self.add(authorized, key, asset, settlement)
            report.added.append(key.id)
            return
        }
        let events = Self.events(settlement, for: record, owes: self.owes)
        guard !events.isEmpty else {
            report.known += 1
            return
        }
        try await self.store.append(events, to: record.id, at: time)
        report.updated.append(record.id)
    }

    /// A claim that nobody made, of a payment that was made: its secret is missing, and missing never equals missing.
    private func add(
        _ authorized: AuthorizedTransfer, _ key: PaymentKey, _ asset: Asset, _ settlement: Settlement
    ) async throws {
        // The day it was made, so that it stands where it belongs in what is sold by day.
        guard let block = try await self.network.client.ask(.block(.number(settlement.block))) else {
            throw RPCError.unavailable(reason: "the node has no block \(settlement.block)", mayHaveBeenDelivered: false)
        }
        let time = Int64(clamping: block.timestamp)
        let transfer = authorized.transfer
        let claim = Claim(
            key: key, payer: transfer.from.description,
            option: PaymentOption(
                asset: asset, amount: transfer.value, payTo: transfer.to.description, maxTimeoutSeconds: 0),
            dialect: .rebuilt, policy: .after, payload: [:], route: "",
            request: RequestIdentity(digest: nil, isRepeatable: false), challengeHash: nil,
            unusedAtBlock: settlement.block - min(settlement.block, 1), validBefore: time)
        switch try await self.store.claim(claim, at: time) {
        case .first(let record), .held(let record):
            try await self.store.append(Self.events(settlement, for: record, owes: self.owes), to: record.id, at: time)
        case .identifierTaken, .notDeferrable: break  // The claim brings neither an identifier nor terms.
        }
    }

    /// What brings `record` to where the chain has it; nothing when it is there.
    static func events(_ settlement: Settlement, for record: PaymentRecord, owes: Bool) -> [PaymentEvent] {
        var events: [PaymentEvent] = []
        if let known = record.settlement {
            let isThere = known.transaction.lowercased() == settlement.transaction.lowercased()
            if !isThere || (known.block > 0 && (known.block, known.logIndex) != (settlement.block, settlement.logIndex)) {
                events = [.vanished(reason: "the chain has it in block \(settlement.block)"), .settled(settlement)]
            }
        } else {
            events = [.settled(settlement)]
        }
        if record.claim.dialect == .rebuilt {
            if !record.isTold { events.append(.told) }
            if owes, record.debt == nil { events.append(.owed(reason: "rebuilt from the chain, and made good by the seller")) }
        }
        return events
    }
}
