// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPayments
import TollPrimitives
import TollRuntime

/// One row for each payment: `ledger payments`, and `ledger export`.
enum PaymentsReport {
    static let columns: [ReportColumn] = [
        ReportColumn("claimed_at", heading: "time"), ReportColumn("payment"), ReportColumn("state"),
        ReportColumn("amount", .amount), ReportColumn("payer"), ReportColumn("route"), ReportColumn("transaction"),
        .detail("phase"), .detail("asset"), .detail("asset_address"), .detail("network"), .detail("pay_to"), .detail("dialect"),
        .detail("policy"), .detail("block", .number), .detail("log_index", .number), .detail("ended_at"), .detail("served"),
        .detail("owed", .amount), .detail("refund_transaction"), .detail("failure"),
    ]

    static func row(_ record: PaymentRecord) -> [ReportValue] {
        let (claim, asset, settlement) = (record.claim, record.claim.option.asset, record.settlement)
        let isOnChain = settlement.map { !$0.isCredit && $0.block > 0 } ?? false
        let refund = record.debt?.refunded?.transaction ?? record.debt?.refund?.transaction?.hash
        return [
            .time(record.claimedAt), .payment(record.id), .text(PaymentStanding(record).rawValue),
            .units(claim.option.amount, of: asset), .account(claim.payer),
            .route(claim.route.isEmpty ? "(\(claim.dialect))" : claim.route),
            .transaction(settlement?.transaction ?? record.transaction?.hash),
            .text(record.phase.rawValue), .text(asset.symbol), .text(asset.address), .text(asset.network.description),
            .text(claim.option.payTo), .text(claim.dialect.name), .text(claim.policy.rawValue),
            isOnChain ? .count(settlement?.block) : .none, isOnChain ? .count(settlement?.logIndex) : .none,
            record.endedAt.map { .time($0) } ?? .none, .flag(record.isServed),
            record.debt.map { .units($0.units, of: asset) } ?? .none, .transaction(refund), .words(record.failure?.reason),
        ]
    }

    /// Prints the payments that `query` and `state` choose.
    static func run(
        _ ledger: any PaymentReader, _ query: PaymentQuery, _ state: StateFilter, into writer: inout ReportWriter,
        progress: (Int) -> Void = { _ in }
    ) async throws {
        var query = query
        state.narrow(&query)
        var count = 0
        try await ledger.forEach(query) { record in
            guard state.includes(record) else { return }
            writer.add(self.row(record))
            count += 1
            progress(count)
        }
        writer.note("\(count) payments")
        writer.finish(empty: "no payments")
    }
}

/// One row for each event of each payment: `ledger export --events`.
enum EventsReport {
    static let columns: [ReportColumn] = [
        ReportColumn("time"), ReportColumn("payment"), ReportColumn("number", .number), ReportColumn("event"),
        ReportColumn("detail"), .detail("transaction"), .detail("block", .number), .detail("log_index", .number),
        .detail("units"), .detail("account"), .detail("signer"), .detail("signer_number", .number),
    ]

    static func row(_ event: TimedEvent, _ number: Int, of payment: PaymentID) -> [ReportValue] {
        let words = EventWords(event.event)
        return [
            .time(event.time), .payment(payment), .number(Int64(number)), .text(event.event.name), .text(words.detail),
            .transaction(words.transaction), .count(words.place?.block), .count(words.place?.logIndex),
            words.units.map { .text($0.description) } ?? .none, .words(words.account), .words(words.signed?.signer),
            .count(words.signed?.nonce),
        ]
    }

    static func run(
        _ ledger: any PaymentReader, _ query: PaymentQuery, into writer: inout ReportWriter, progress: (Int) -> Void = { _ in }
    ) async throws {
        var count = 0
        try await ledger.forEach(query) { record in
            for (number, event) in try await ledger.events(record.id).enumerated() {
                writer.add(self.row(event, number + 1, of: record.id))
            }
            count += 1
            progress(count)
        }
        writer.finish(empty: "no events")
    }
}

/// An event in words, and in parts.
struct EventWords {
    /// What a person reads; hashes are shortened.
    let detail: String
    var transaction: String?
    var place: Settlement?
    var signed: SettlementTransaction?
    var units: UInt256?
    var account: String?

    init(_ event: PaymentEvent) {
        switch event {
        case .claimed(let claim):
            self.detail =
                claim.dialect == .rebuilt
                ? "found on chain after a restore"
                : "\(claim.option.display) over \(claim.dialect), unused at block \(claim.unusedAtBlock)"
            (self.units, self.account) = (claim.option.amount, claim.payer)
        case .answered(let answer): self.detail = "status \(answer.status), kept"
        case .signed(let transaction):
            self.detail = "\(transaction.isVoid ? "void, " : "")\(Self.words(transaction))"
            (self.transaction, self.signed) = (transaction.hash, transaction)
        case .settled(let settlement) where settlement.isCredit: self.detail = "out of credit"
        case .settled(let settlement), .refunded(let settlement):
            self.detail = Self.words(settlement)
            (self.transaction, self.place) = (settlement.transaction, settlement)
        case .failed(let refusal): self.detail = refusal.detail.isEmpty ? refusal.reason : "\(refusal.reason): \(refusal.detail)"
        case .unknown(let reason), .released(let reason), .owed(let reason), .returned(let reason, _), .vanished(let reason),
            .refundDropped(let reason):
            self.detail = reason
        case .drawn(let units, let payment):
            self.detail = "\(units) units for payment \(payment.description.prefix(10))"
            self.units = units
        case .refunding(let refund):
            let how = refund.transaction.map { Self.words($0) } ?? "written for somebody to sign"
            self.detail = "\(refund.units) units to \(ReportValue.shortened(refund.to)), \(how)"
            (self.units, self.account, self.signed) = (refund.units, refund.to, refund.transaction)
            self.transaction = refund.transaction?.hash
        case .takenOver(let worker): self.detail = "by process \(worker), since the one before is gone"
        case .queued: self.detail = "served, to be settled in a batch"
        case .broadcast: self.detail = "a node took it"
        case .served: self.detail = "the whole answer reached the client"
        case .told: self.detail = "a caller was told of success"
        case .untold: self.detail = "telling failed"
        }
    }

    private static func words(_ transaction: SettlementTransaction) -> String {
        let hash = ReportValue.transaction(transaction.hash)
        guard case .long(_, let short) = hash else { return "" }
        return "\(short) by \(ReportValue.shortened(transaction.signer)), number \(transaction.nonce)"
    }

    private static func words(_ settlement: Settlement) -> String {
        guard case .long(_, let short) = ReportValue.transaction(settlement.transaction) else { return "" }
        return settlement.block == 0 ? short : "\(short) in block \(settlement.block), log \(settlement.logIndex)"
    }
}
