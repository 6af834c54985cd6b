// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollEVM
public import TollPayments
public import TollPrimitives

/// Holds the ledger against the chain's Transfer logs, to the atomic unit (invariant I6).
public struct EVMReconciliation: Sendable {
    /// Up to which block is compared.
    public enum Horizon: Hashable, Sendable {
        /// The newest block that cannot be undone.
        case finalized
        /// The newest block.
        case latest
        /// This block.
        case block(UInt64)
    }

    /// Transfers of one asset in one direction, as both tell them.
    public struct Totals: Hashable, Sendable {
        /// Transfers that the ledger has, and their units.
        public var ledger = Sum()
        /// Transfers that the chain has and that belong to the ledger, and their units.
        public var chain = Sum()
    }

    /// So many Transfers of so many units.
    public struct Sum: Hashable, Sendable {
        /// How many.
        public private(set) var count = 0
        /// In the asset's smallest unit.
        public private(set) var units = UInt256.zero

        mutating func add(_ units: UInt256) {
            self.count += 1
            // A sum of sums that token contracts keep in 256 bits: it cannot pass them but for a contract that lies.
            self.units = self.units.adding(units) ?? .max
        }
    }

    /// What was compared, and every difference.
    public struct Report: Hashable, Sendable {
        /// The blocks that were compared; nil when there are none.
        public var blocks: ClosedRange<UInt64>?
        /// Settlements by the asset's address.
        public var received: [Address: Totals] = [:]
        /// Refunds by the asset's address.
        public var refunded: [Address: Totals] = [:]
        /// Settlements and refunds of the ledger in later blocks, which were not compared.
        public var laterCount = 0
        /// Everything in which they differ, and notices.
        public var all: [LedgerDifference] = []

        /// In what ledger and chain differ; empty when they agree.
        public var differences: [LedgerDifference] { self.all.filter { !$0.kind.isNotice } }
        /// What is worth knowing, and no difference.
        public var notices: [LedgerDifference] { self.all.filter(\.kind.isNotice) }
        /// Settlements of the ledger that were compared.
        public var settlementCount: Int { self.received.values.reduce(0) { $0 + $1.ledger.count } }
    }

    private let network: ExactEVMNetwork
    private let ledger: any PaymentReader
    private let assets: Set<Address>
    private let receivers: Set<Address>
    private let signers: Set<Address>
    private let payouts: Set<Address>

    /// A comparison on `network` of the Transfers of `assets` to `receivers` and from `payouts`; what `signers` sent must be in
    /// the ledger. Assets, receivers and signers that the ledger knows are added.
    public init(
        network: ExactEVMNetwork, ledger: any PaymentReader, assets: Set<Address>, receivers: Set<Address>,
        signers: Set<Address>, payouts: Set<Address> = []
    ) {
        self.network = network
        self.ledger = ledger
        self.assets = assets
        self.receivers = receivers
        self.signers = signers
        self.payouts = payouts
    }

    /// Compares the blocks from `first`, or from the first in which the ledger can have a settlement, to `horizon`. What the
    /// ledger has in other blocks is no difference.
    ///
    /// - Parameter progress: Told after each range of blocks how far it is.
    /// - Throws: ``RPCError`` of the node, `StoreError` of the ledger: then nothing is known.
    public func run(
        from first: UInt64? = nil, to horizon: Horizon = .finalized,
        progress: (_ block: UInt64, _ last: UInt64) -> Void = { _, _ in }
    ) async throws -> Report {
        var report = Report()
        // The chain's end is read first: what is settled while the ledger is read lies behind it.
        let last = try await self.lastBlock(horizon, &report)
        var index = ReconciliationIndex()
        var query = PaymentQuery(limit: PaymentQuery.pageSize)
        query.network = self.network.chain
        try await self.ledger.forEach(query) { index.add($0) }
        let first = first ?? index.firstBlock ?? last
        guard first <= last else {
            report.laterCount = index.expected.count
            return report
        }
        report.blocks = first...last
        self.count(index, &report)
        let logs = TransferLogs(client: self.network.client, assets: self.assets.union(index.assets))
        let bound = try await self.boundRecipients()
        let parties: [TransferLogs.Party] = [
            .to(self.receivers.union(index.receivers).union(bound)), .from(self.payouts.union(index.payouts)),
        ]
        try await logs.read(parties, in: first...last, progress: { progress($0, last) }) { entries in
            for entry in entries[0] { try await self.match(incoming: entry, &index, &report) }
            for entry in entries[1] { self.match(outgoing: entry, &index, &report) }
        }
        for hash in index.withoutPlace.keys {
            let receipt = try await self.network.client.ask(.receipt(of: hash))
            if let receipt, !(first...last).contains(receipt.blockNumber) { index.drop(hash) }
        }
        self.noteMissing(index, &report)
        return report
    }

    /// Addresses that were derived for references: what arrived there may not be in the ledger yet.
    private func boundRecipients() async throws -> Set<Address> {
        guard let references = self.ledger as? any ReferenceReader else { return [] }
        // From the beginning of time on: also those that are not waited for any more.
        return Set(try await references.boundRecipients(on: self.network.chain, at: 0).compactMap { Address(hex: $0) })
    }

    private func lastBlock(_ horizon: Horizon, _ report: inout Report) async throws(RPCError) -> UInt64 {
        let newest = try await self.network.client.ask(.blockNumber)
        switch horizon {
        case .latest: return newest
        case .block(let number): return min(number, newest)
        case .finalized:
            do throws(RPCError) {
                if let block = try await self.network.client.ask(.block(.finalized)) { return block.number }
            } catch { if error.isUnavailable { throw error } }
            report.all.append(
                LedgerDifference(
                    .notFinalized, "the node tells no finalized block; compared up to the newest, \(newest)",
                    remedy: "run it again later, or ask another node"))
            return newest
        }
    }

    private func count(_ index: ReconciliationIndex, _ report: inout Report) {
        guard let blocks = report.blocks else { return }
        for expected in Array(index.expected.values) + index.withoutPlace.values.flatMap({ $0 }) {
            if expected.block > blocks.upperBound { report.laterCount += 1 }
            guard expected.block == 0 || blocks.contains(expected.block) else { continue }
            let sums = expected.isRefund ? \Report.refunded : \Report.received
            report[keyPath: sums][expected.asset, default: Totals()].ledger.add(expected.units)
        }
        for (place, first, second) in index.shared {
            report.all.append(
                LedgerDifference(
                    .sharedTransfer, second, transaction: place.transaction, logIndex: place.logIndex,
                    "payments \(first) and \(second.payment) are settled by one Transfer, log \(place.logIndex) of "
                        + "\(place.transaction)",
                    remedy: "look at both with `ledger show`: one of them was not paid"))
        }
    }

    // MARK: - Transfers

    /// A Transfer to us: a settlement of the ledger, one that is missing there, or money from elsewhere.
    private func match(
        incoming entry: TransferLogs.Entry, _ index: inout ReconciliationIndex, _ report: inout Report
    ) async throws {
        if let expected = index.take(entry) {
            report.received[expected.asset, default: Totals()].chain.add(entry.transfer.value)
            if expected.to != entry.transfer.to || expected.units != entry.transfer.value
                || expected.asset != entry.transfer.token
            {
                report.all.append(Self.other(expected, entry))
            }
            return
        }
        if let record = try await self.record(of: entry) {
            self.match(entry, with: record, &index, &report)
            return
        }
        // A refund from one receiver to another is matched where it goes out. What sellers collect from their own addresses is
        // theirs already.
        let own = [self.payouts, index.payouts, self.receivers, index.receivers]
        guard !own.contains(where: { $0.contains(entry.transfer.from) }) else { return }
        let sender = try await self.network.client.ask(.transaction(entry.transaction))?.from
        if let sender, self.signers.union(index.signers).contains(sender) {
            report.received[entry.transfer.token, default: Totals()].chain.add(entry.transfer.value)
            report.all.append(
                LedgerDifference(
                    .notInLedger, entry,
                    "our signer \(sender) moved \(entry.transfer.value) units from \(entry.transfer.from) in "
                        + "\(entry.transaction), and the ledger does not know it",
                    remedy: "stop the gateway and run `tollgate ledger rebuild --from-block \(entry.block)`"))
        } else {
            report.all.append(
                LedgerDifference(
                    .unattributed, entry,
                    "\(entry.transfer.value) units came in from \(entry.transfer.from) in \(entry.transaction), for no payment "
                        + "of this ledger"))
        }
    }

    /// The payment of the ledger whose authorization the Transfer used, or which was deposited by it.
    private func record(of entry: TransferLogs.Entry) async throws -> PaymentRecord? {
        guard let receipt = try await self.network.client.ask(.receipt(of: entry.transaction)) else { return nil }
        let authorized = AuthorizedTransfer.all(in: receipt).first { $0.logIndex == entry.logIndex }
        let key =
            authorized?.key(on: self.network.chain) ?? receipt.depositKey(ofLog: entry.logIndex, on: self.network.chain)
        guard let key else { return nil }
        return try await self.ledger.record(key.id)
    }

    /// A Transfer of a payment that the ledger knows, and not by this Transfer.
    private func match(
        _ entry: TransferLogs.Entry, with record: PaymentRecord, _ index: inout ReconciliationIndex, _ report: inout Report
    ) {
        report.received[entry.transfer.token, default: Totals()].chain.add(entry.transfer.value)
        let rebuild = "stop the gateway and run `tollgate ledger rebuild --from-block \(entry.block)`"
        switch record.phase {
        case .settled:
            _ = index.take(record)
            let told = record.settlement.map { "\($0.transaction), log \($0.logIndex) of block \($0.block)" } ?? "nothing"
            report.all.append(
                LedgerDifference(
                    .settledElsewhere, payment: record.id, entry,
                    "payment \(record.id) is settled in the ledger by \(told), and on chain by \(entry.transaction), log "
                        + "\(entry.logIndex) of block \(entry.block)",
                    remedy: "the gateway notes a reorganisation when it runs; otherwise \(rebuild)"))
        case .failed, .released:
            report.all.append(
                LedgerDifference(
                    .notSettledInLedger, payment: record.id, entry,
                    "payment \(record.id) is \(record.phase) in the ledger, and its money moved in \(entry.transaction)",
                    remedy: record.claim.key.isDeposit
                        ? "`tollgate ledger show \(record.id)`; pay it back from the wallet that received it"
                        : "the gateway notes it when the authorization has ended; otherwise \(rebuild)"))
        case .claimed, .queued, .signed, .broadcast, .unknown:
            report.all.append(
                LedgerDifference(
                    .underWay, payment: record.id, entry,
                    "payment \(record.id) is under way in the ledger, and its money moved in \(entry.transaction)",
                    remedy: "start the gateway, which takes it up"))
        }
    }

    /// A Transfer from a payout wallet, or from a receiver that has paid refunds: what sellers do with their own money is theirs.
    private func match(
        outgoing entry: TransferLogs.Entry, _ index: inout ReconciliationIndex, _ report: inout Report
    ) {
        let transfer = entry.transfer
        if let expected = index.take(entry) {
            report.refunded[expected.asset, default: Totals()].chain.add(transfer.value)
            let isIt = expected.to == transfer.to && expected.units == transfer.value && expected.asset == transfer.token
            if !isIt { report.all.append(Self.other(expected, entry)) }
            return
        }
        let written = ReconciliationIndex.WrittenRefund(asset: transfer.token, to: transfer.to, units: transfer.value)
        if let payment = index.refundsSent[entry.transaction] {
            report.all.append(
                LedgerDifference(
                    .refundUnderWay, payment: payment, entry,
                    "the refund of payment \(payment) is under way in the ledger, and its money moved in \(entry.transaction)",
                    remedy: "run `tollgate ledger refund \(payment)` to note it"))
        } else if let payment = index.refundsWritten[written], !self.payouts.contains(transfer.from) {
            report.all.append(
                LedgerDifference(
                    .refundUnconfirmed, payment: payment, entry,
                    "\(transfer.value) units went to \(transfer.to) in \(entry.transaction), as a refund of payment \(payment) "
                        + "would",
                    remedy: "run `tollgate ledger refund --confirm \(payment) \(entry.transaction)`"))
        } else if self.payouts.contains(transfer.from), !self.receivers.union(self.payouts).contains(transfer.to) {
            report.refunded[transfer.token, default: Totals()].chain.add(transfer.value)
            let payment = index.refundsWritten[written]
            let name = payment.map(\.description) ?? "ID"
            report.all.append(
                LedgerDifference(
                    .payoutNotInLedger, payment: payment, entry,
                    "the payout wallet \(transfer.from) sent \(transfer.value) units to \(transfer.to) in \(entry.transaction), "
                        + "and the ledger does not know it",
                    remedy: "if it paid a debt back, run `tollgate ledger refund --confirm \(name) \(entry.transaction)`"))
        }
    }

    private static func other(_ expected: ReconciliationIndex.Expected, _ entry: TransferLogs.Entry) -> LedgerDifference {
        LedgerDifference(
            .otherTransfer, payment: expected.payment, entry,
            "payment \(expected.payment) is \(expected.units) units to \(expected.to) in the ledger, and on chain "
                + "\(entry.transfer.value) to \(entry.transfer.to) in \(entry.transaction)",
            remedy: "compare `tollgate ledger show \(expected.payment)` with the transaction")
    }

    private func noteMissing(_ index: ReconciliationIndex, _ report: inout Report) {
        guard let blocks = report.blocks else { return }
        let placed = index.expected.filter { blocks.contains($0.value.block) }
            .map { ($0.key.transaction, $0.key.logIndex as UInt64?, $0.value) }
        let others = index.withoutPlace.flatMap { hash, all in all.map { (hash, nil as UInt64?, $0) } }
        let missing = (placed + others).sorted { ($0.2.block, $0.2.payment.description) < ($1.2.block, $1.2.payment.description) }
        for (transaction, logIndex, expected) in missing {
            let what = expected.isRefund ? "refunded" : "settled"
            let place = logIndex.map { ", log \($0) of block \(expected.block)" } ?? ""
            report.all.append(
                LedgerDifference(
                    expected.isRefund ? .refundMissingOnChain : .missingOnChain, expected, transaction: transaction,
                    logIndex: logIndex,
                    "payment \(expected.payment) is \(what) in the ledger by \(transaction)\(place), and the chain has no such "
                        + "Transfer",
                    remedy: "`tollgate ledger show \(expected.payment)`; the gateway notes a reorganisation when it runs"))
        }
    }
}
