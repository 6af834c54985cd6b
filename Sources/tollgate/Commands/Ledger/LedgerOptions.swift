// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPayments
import TollPrimitives
import TollRuntime

/// What ledger commands take on their lines.
enum LedgerOptions {
    static let since = Parameter.option(
        "since", "time", help: "From this time on: 2026-03-01, 2026-03-01T12:00:00Z, or back from now, 7d, 24h.")
    static let until = Parameter.option("until", "time", help: "Before this time.")
    static let payer = Parameter.option("payer", "address", help: "Of this payer.")
    static let network = Parameter.option("network", "id", help: "On this chain: eip155:8453.")
    static let state = Parameter.option("state", "state", help: "In this state: settled, owed, unpaid, failed, …")
    static let format = Parameter.option("format", "format", default: "table", help: "table, json or csv.")
    static let exportFormat = Parameter.option(
        "format", "format", default: "json", help: "json, an object on each line, or csv.")
    static let filters = [since, until, payer, network]

    /// The format that was asked for.
    static func format(_ arguments: Arguments) throws -> ReportFormat {
        switch arguments.value(self.format) {
        case "table": return .table
        case "json": return .json
        case "csv": return .csv
        default: throw UsageError("--format is table, json or csv")
        }
    }

    /// The same of an export, which other programs read while it is written.
    static func exported(_ arguments: Arguments) throws -> ReportFormat {
        switch arguments.value(self.exportFormat) {
        case "json": return .jsonLines
        case "csv": return .csv
        default: throw UsageError("--format is json or csv")
        }
    }

    /// Which payments are asked for, page by page.
    static func query(_ arguments: Arguments, now: Int64) throws -> PaymentQuery {
        var query = PaymentQuery(limit: PaymentQuery.pageSize)
        query.since = try arguments.value(self.since).map { try self.time($0, now: now, option: "since") }
        query.until = try arguments.value(self.until).map { try self.time($0, now: now, option: "until") }
        query.payer = arguments.value(self.payer)
        if let text = arguments.value(self.network) {
            guard let chain = ChainID(text) else { throw UsageError("--network \(text) is no CAIP-2 id, such as eip155:8453") }
            query.network = chain
        }
        return query
    }

    /// A date, a time, or a duration back from `now`, in seconds since 1970.
    static func time(_ text: String, now: Int64, option: String) throws -> Int64 {
        if let duration = DurationText.parse(text) { return now - duration.components.seconds }
        if let seconds = CalendarTime.seconds(text) { return seconds }
        throw UsageError("--\(option) \(text) is no time; write 2026-03-01, 2026-03-01T12:00:00Z, or 7d or 24h for back from now")
    }

    /// A block's number.
    static func block(_ arguments: Arguments, _ parameter: Parameter) throws -> UInt64? {
        guard let text = arguments.value(parameter) else { return nil }
        guard let number = UInt64(text) else { throw UsageError("--\(parameter.name) \(text) is no number of a block") }
        return number
    }
}

/// The payments in one state, by the words that people use and by the ledger's own.
enum StateFilter {
    case all
    case phase(PaymentRecord.Phase)
    case standing(PaymentStanding)

    /// - Throws: `UsageError` for a word that is neither.
    init(_ text: String?) throws {
        guard let text else {
            self = .all
            return
        }
        if let phase = PaymentRecord.Phase(rawValue: text) {
            self = .phase(phase)
        } else if let standing = PaymentStanding(rawValue: text) {
            self = .standing(standing)
        } else {
            let known = PaymentRecord.Phase.allCases.map(\.rawValue) + PaymentStanding.beyondPhases.map(\.rawValue)
            throw UsageError("--state \(text) is not known; write one of \(known.joined(separator: ", "))")
        }
    }

    /// Narrows what is asked of the ledger.
    func narrow(_ query: inout PaymentQuery) {
        switch self {
        case .all: break
        case .phase(let phase): query.phases = [phase]
        case .standing(let standing):
            switch standing {
            case .unpaid: query.phases = [.failed]
            case .owed, .refunding, .refunded, .spent: query.isOwed = true
            default: query.phases = [.settled]
            }
        }
    }

    func includes(_ record: PaymentRecord) -> Bool {
        guard case .standing(let standing) = self else { return true }
        return PaymentStanding(record) == standing
    }
}

/// Where a payment stands, in one word.
enum PaymentStanding: String, CaseIterable {
    case claimed, queued, signed, broadcast, unknown, settled, failed, released
    /// Settled, and the answer has not reached anybody yet.
    case undelivered
    /// Paid out of what the payer was owed.
    case credit
    /// Found on chain after a restore.
    case rebuilt
    /// The payer can spend it, or have it back.
    case owed
    /// On its way back.
    case refunding
    /// Paid back.
    case refunded
    /// Owed once, and spent.
    case spent
    /// Served, and never paid.
    case unpaid

    /// Those that are no phase of the ledger.
    static let beyondPhases = Self.allCases.filter { PaymentRecord.Phase(rawValue: $0.rawValue) == nil }

    init(_ record: PaymentRecord) {
        if record.isUnpaid {
            self = .unpaid
        } else if let debt = record.debt {
            self = debt.refunded != nil ? .refunded : debt.refund != nil ? .refunding : debt.units == .zero ? .spent : .owed
        } else if record.phase != .settled {
            self = Self(rawValue: record.phase.rawValue) ?? .unknown
        } else if record.claim.dialect == .rebuilt {
            self = .rebuilt
        } else if record.settlement?.isCredit == true {
            self = .credit
        } else {
            self = record.isServed || record.isTold ? .settled : .undelivered
        }
    }
}
