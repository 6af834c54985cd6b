// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollEVM
public import TollPayments
public import TollPrimitives

/// Holds the ledger against the chain's Transfer logs, to the atomic unit (invariant I6).
public struct EVMReconciliation: Sendable {
    /// Nodes limit how many blocks one search for logs may span.
    private static let logRange: UInt64 = 900

    /// What was compared, and every difference.
    public struct Report: Hashable, Sendable {
        /// Settled payments of the ledger on this chain.
        public var settlements = 0
        /// Their sum, in the smallest unit of each asset, by the asset's address.
        public var settled: [String: UInt256] = [:]
        /// Transfers on chain that our signers sent, and their sum.
        public var transfers = 0
        /// The sum of those transfers by the asset's address.
        public var transferred: [String: UInt256] = [:]
        /// Differences: each a sentence. Empty when ledger and chain agree.
        public var differences: [String] = []
        /// Incoming money that nobody here sent: no difference, but worth knowing.
        public var notices: [String] = []
    }

    private let network: ExactEVMNetwork
    private let assets: Set<Address>
    private let receivers: Set<Address>
    private let signers: Set<Address>

    /// A comparison on `network` of the transfers of `assets` to `receivers`; those that `signers` sent must be in the ledger.
    public init(network: ExactEVMNetwork, assets: Set<Address>, receivers: Set<Address>, signers: Set<Address>) {
        self.network = network
        self.signers = signers
        self.assets = assets
        self.receivers = receivers
    }

    /// Compares `records` with the logs of the blocks from `first` to the newest.
    ///
    /// - Parameter progress: Told after each range how far it is.
    public func run(
        _ records: [PaymentRecord], from first: UInt64, progress: (_ block: UInt64, _ last: UInt64) -> Void = { _, _ in }
    ) async throws(RPCError) -> Report {
        var report = Report()
        var expected: [String: PaymentRecord] = [:]
        var underWay: [String: PaymentRecord] = [:]
        for record in records where record.claim.option.network == self.network.chain {
            if record.isUnderWay, let transaction = record.transaction { underWay[transaction.hash.lowercased()] = record }
            guard let settlement = record.settlement else { continue }
            expected["\(settlement.transaction.lowercased())/\(settlement.logIndex)"] = record
            report.settlements += 1
            report.add(record.claim.option.amount, of: record.claim.key.asset, to: \.settled)
        }
        let last = try await self.network.client.ask(.blockNumber)
        var block = first
        while block <= last {
            let end = min(block + Self.logRange, last)
            for log in try await self.logs(from: block, to: end) { try await self.match(log, &expected, underWay, &report) }
            progress(end, last)
            block = end + 1
        }
        for (_, record) in expected.sorted(by: { $0.key < $1.key }) {
            report.differences.append(
                "payment \(record.id) is settled in the ledger by \(record.settlement?.transaction ?? "?"), "
                    + "and the chain has no such Transfer"
            )
        }
        return report
    }

    private func logs(from first: UInt64, to last: UInt64) async throws(RPCError) -> [Log] {
        try await self.network.client.ask(
            .logs(
                LogFilter(
                    addresses: Array(self.assets), topics: [[ERC20.transferTopic], [], self.receivers.map(\.word)],
                    from: .number(first),
                    to: .number(last))))
    }

    /// One Transfer to us: a settlement of the ledger, one that is missing there, or money from elsewhere.
    private func match(
        _ log: Log, _ expected: inout [String: PaymentRecord], _ underWay: [String: PaymentRecord], _ report: inout Report
    ) async throws(RPCError) {
        guard let transfer = ERC20.Transfer(log), let hash = log.transactionHash, let index = log.logIndex else { return }
        let asset = transfer.token.lowercaseHex
        if let record = expected.removeValue(forKey: "\(hash)/\(index)") {
            report.transfers += 1
            report.add(transfer.value, of: asset, to: \.transferred)
            let amount = record.claim.option.amount
            if transfer.value != amount {
                report.differences.append(
                    "payment \(record.id) is \(amount) units in the ledger and \(transfer.value) on chain, in \(hash)")
            }
            return
        }
        if let record = underWay[hash.description] {
            report.notices.append(
                "payment \(record.id) is under way in the ledger, and its transfer is on chain: the gateway takes it up")
            return
        }
        let sender = try await self.network.client.ask(.transaction(hash))?.from
        if let sender, self.signers.contains(sender) {
            report.transfers += 1
            report.add(transfer.value, of: asset, to: \.transferred)
            report.differences.append(
                "our signer \(sender) moved \(transfer.value) units in \(hash), and the ledger does not know it")
        } else {
            report.notices.append("\(transfer.value) units came in from \(transfer.from) in \(hash), not through this gateway")
        }
    }
}

extension EVMReconciliation.Report {
    fileprivate mutating func add(_ amount: UInt256, of asset: String, to sums: WritableKeyPath<Self, [String: UInt256]>) {
        guard let total = (self[keyPath: sums][asset] ?? .zero).adding(amount) else {
            self.differences.append("a sum is over 2^256 - 1")
            return
        }
        self[keyPath: sums][asset] = total
    }
}
