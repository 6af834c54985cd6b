// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollMethods
import TollPrimitives

/// What `ledger rebuild` did, in words.
enum RebuildReport {
    static func text(_ report: EVMLedgerRebuild.Report, network: ChainID) -> String {
        guard let blocks = report.blocks else { return "\(network): the chain ends before that block\n" }
        var lines = [
            "\(network), blocks \(blocks.lowerBound) to \(blocks.upperBound): \(report.transfers) authorized transfers to us",
            "  \(report.known) were in the ledger as they are on chain",
            "  \(report.updated.count) were in the ledger otherwise, and are brought up to date",
            "  \(report.added.count) were lost, and are claimed now",
        ]
        lines += report.updated.map { "up to date: \($0)" } + report.added.map { "claimed: \($0)" }
        for (signer, count) in report.waiting.sorted(by: { $0.key < $1.key }) {
            lines.append(
                "\(count) transaction\(count == 1 ? "" : "s") of signer \(signer) wait in the pool: run this again when a block "
                    + "has them, before the gateway starts")
        }
        return lines.map { $0 + "\n" }.joined()
    }
}
