// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime

/// Ledger and chain side by side: `ledger reconcile`.
struct ReconcileReport {
    /// The comparison of one network.
    struct Network {
        let chain: ChainID
        let report: EVMReconciliation.Report
        /// The configured assets, for their symbols and decimals.
        let assets: [Asset]
    }

    let networks: [Network]

    /// Whether ledger and chain agree everywhere.
    var agrees: Bool { self.networks.allSatisfy { $0.report.differences.isEmpty } }

    /// Compares on `network` all that the configuration and the ledger know.
    static func compare(
        _ session: LedgerSession, _ ledger: any PaymentReader, _ network: ExactEVMNetwork, from first: UInt64?,
        to horizon: EVMReconciliation.Horizon
    ) async throws -> Network {
        var progress = ProgressLine()
        defer { progress.finish() }
        let assets = session.assets(on: network.chain)
        let isShown = Terminal.errorOutput.isInteractive
        let payouts = session.configuration.payouts.flatMap { $0.key?.address }
        let reconciliation = EVMReconciliation(
            network: network, ledger: ledger, assets: Set(assets.compactMap { Address(hex: $0.address) }),
            receivers: Set(session.receivers(on: network.chain).compactMap { Address(hex: $0) }),
            signers: Set(network.signers?.addresses ?? []), payouts: payouts.map { [$0] } ?? [])
        let report = try await reconciliation.run(from: first, to: horizon) { block, last in
            if isShown, block < last { progress.show("\(network.chain): block \(block) of \(last)") }
        }
        return Network(chain: network.chain, report: report, assets: assets)
    }

    // MARK: - For people

    var text: String { self.networks.map(Self.text).joined(separator: "\n") }

    private static func text(_ network: Network) -> String {
        let report = network.report
        guard let blocks = report.blocks else {
            let later = report.laterCount > 0 ? " (\(report.laterCount) settlements are in later blocks: --to latest)" : ""
            return "\(network.chain): no block to compare\(later)\n"
        }
        var table = TextTable(
            ["\(network.chain), blocks \(blocks.lowerBound) to \(blocks.upperBound)", "ledger", "units", "chain", "units"],
            alignments: [.left, .right, .right, .right, .right])
        for (name, sums) in [("received", report.received), ("refunded", report.refunded)] {
            for (asset, totals) in sums.sorted(by: { $0.key.description < $1.key.description }) {
                let symbol = network.assets.first { $0.address == asset.description }?.symbol ?? asset.description
                table.add([
                    "\(name), \(symbol)", "\(totals.ledger.count)", "\(totals.ledger.units)", "\(totals.chain.count)",
                    "\(totals.chain.units)",
                ])
            }
        }
        if report.received.isEmpty, report.refunded.isEmpty { table.add(["nothing", "0", "0", "0", "0"]) }
        var lines = report.differences.map { Self.line("difference", $0) } + report.notices.map { Self.line("notice", $0) }
        if report.laterCount > 0 {
            lines.append("\(report.laterCount) settlements are in later blocks and were not compared; `--to latest` does")
        }
        let count = report.differences.count
        lines.append(
            count == 0 ? "ledger and chain agree" : "ledger and chain differ: \(count) difference\(count == 1 ? "" : "s")")
        return table.text + lines.map { $0 + "\n" }.joined()
    }

    private static func line(_ word: String, _ difference: LedgerDifference) -> String {
        let remedy = difference.remedy.isEmpty ? "" : "\n  " + WrappedText.lines("to do: \(difference.remedy)", indent: 4)
        return WrappedText.lines("\(word) (\(difference.kind.rawValue)): \(difference.message)", indent: 2) + remedy
    }

    // MARK: - For programs

    static let columns: [ReportColumn] = [
        ReportColumn("network"), ReportColumn("kind"), ReportColumn("is_difference"), ReportColumn("payment"),
        ReportColumn("transaction"), ReportColumn("block", .number), ReportColumn("log_index", .number), ReportColumn("asset"),
        ReportColumn("units"), ReportColumn("message"), ReportColumn("to_do"),
    ]

    private static func row(_ difference: LedgerDifference, on chain: ChainID) -> [ReportValue] {
        [
            .text(chain.description), .text(difference.kind.rawValue), .flag(!difference.kind.isNotice),
            .words(difference.payment?.description), .transaction(difference.transaction), .count(difference.block),
            .count(difference.logIndex), .text(difference.asset), .text(difference.units.description),
            .text(difference.message), .text(difference.remedy),
        ]
    }

    /// Prints a row for each difference and each notice.
    func write(csv writer: inout ReportWriter) {
        for network in self.networks {
            for difference in network.report.differences + network.report.notices {
                writer.add(Self.row(difference, on: network.chain))
            }
        }
        writer.finish(empty: "")
    }

    var json: JSON {
        ["agrees": .bool(self.agrees), "networks": .array(self.networks.map(Self.json))]
    }

    private static func json(_ network: Network) -> JSON {
        let report = network.report
        func all(_ differences: [LedgerDifference]) -> JSON {
            .array(
                differences.map { difference in
                    var object = JSONObject()
                    for (column, value) in zip(self.columns, self.row(difference, on: network.chain))
                    where !["network", "is_difference"].contains(column.name) {
                        object[column.name] = value.json
                    }
                    return .object(object)
                })
        }
        return [
            "network": .string(network.chain.description), "agrees": .bool(report.differences.isEmpty),
            "from_block": report.blocks.map { .integer($0.lowerBound) } ?? .null,
            "to_block": report.blocks.map { .integer($0.upperBound) } ?? .null, "later": .integer(report.laterCount),
            "received": self.json(report.received), "refunded": self.json(report.refunded),
            "differences": all(report.differences), "notices": all(report.notices),
        ]
    }

    private static func json(_ sums: [Address: EVMReconciliation.Totals]) -> JSON {
        .array(
            sums.sorted { $0.key.description < $1.key.description }.map { asset, totals in
                [
                    "asset_address": .string(asset.description), "ledger_count": .integer(totals.ledger.count),
                    "ledger_units": .string(totals.ledger.units.description), "chain_count": .integer(totals.chain.count),
                    "chain_units": .string(totals.chain.units.description),
                ]
            })
    }
}
