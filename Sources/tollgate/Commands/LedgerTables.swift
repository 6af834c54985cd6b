// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime

/// The ledger as people read it.
enum LedgerTables {
    static func payments(_ records: [PaymentRecord]) -> String {
        var table = TextTable(
            ["time", "payment", "state", "amount", "payer", "route", "transaction"], alignments: [.left, .left, .left, .right])
        for record in records {
            table.add([
                CalendarTime.rfc3339(.seconds(record.claimedAt)), record.id.description, self.state(record),
                record.claim.option.display,
                record.claim.payer, record.claim.route.isEmpty ? record.claim.dialect.name : record.claim.route,
                record.settlement?.transaction ?? record.transaction?.hash ?? "",
            ])
        }
        return table.text
    }

    private static func state(_ record: PaymentRecord) -> String {
        if record.isOwed { return "owed" }
        guard record.phase == .settled else { return record.phase.rawValue }
        return record.isServed || record.isTold ? "settled" : "settled, not delivered"
    }

    static func events(_ events: [TimedEvent]) -> String {
        var table = TextTable(["time", "event", "detail"])
        for event in events {
            table.add([CalendarTime.rfc3339(.seconds(event.time)), event.event.name, self.detail(event.event)])
        }
        return table.text
    }

    private static func detail(_ event: PaymentEvent) -> String {
        switch event {
        case .claimed(let claim):
            "\(claim.option.display) by \(claim.payer), \(claim.dialect), unused at block \(claim.unusedAtBlock)"
        case .answered(let answer): "status \(answer.status)"
        case .signed(let transaction): "\(transaction.hash) by \(transaction.signer), number \(transaction.nonce)"
        case .settled(let settlement): "\(settlement.transaction) in block \(settlement.block), log \(settlement.logIndex)"
        case .failed(let refusal): "\(refusal.reason) \(refusal.detail)"
        case .unknown(let reason), .released(let reason), .owed(let reason): reason
        case .returned(let reason), .vanished(let reason), .refundDropped(let reason): reason
        case .drawn(let units, let payment): "\(units) units for payment \(payment)"
        case .refunding(let refund): "\(refund.units) units to \(refund.to)\(refund.transaction.map { ", \($0.hash)" } ?? "")"
        case .refunded(let settlement): "\(settlement.transaction) in block \(settlement.block), log \(settlement.logIndex)"
        case .queued, .broadcast, .served, .told, .untold: ""
        }
    }

    static func reconciliation(_ report: EVMReconciliation.Report, network: ChainID) -> String {
        var table = TextTable([network.description, "payments", "units"], alignments: [.left, .right, .right])
        table.add(["ledger", "\(report.settlements)", self.sums(report.settled)])
        table.add(["chain", "\(report.transfers)", self.sums(report.transferred)])
        let verdict = report.differences.isEmpty ? "ledger and chain agree" : "\(report.differences.count) differences"
        let lines = report.differences.map { "difference: \($0)" } + report.notices.map { "notice: \($0)" } + [verdict]
        return table.text + lines.map { $0 + "\n" }.joined()
    }

    private static func sums(_ sums: [String: UInt256]) -> String {
        sums.isEmpty ? "0" : sums.sorted { $0.key < $1.key }.map(\.value.description).joined(separator: ", ")
    }
}
