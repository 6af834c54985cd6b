// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// How a report is printed.
public enum ReportFormat: String, Hashable, Sendable, CaseIterable {
    /// Aligned columns, for people.
    case table
    /// An array of objects.
    case json
    /// Comma-separated values by RFC 4180.
    case csv
    /// An object on each line: what can be read while it is still being written.
    case jsonLines = "jsonl"
}

/// A column of a report.
public struct ReportColumn: Hashable, Sendable {
    /// What its values are.
    public enum Kind: Hashable, Sendable {
        /// Words, left.
        case text
        /// Whole numbers, right.
        case number
        /// Amounts of an asset, right. In JSON and CSV two members: the units, and `…_display`.
        case amount
    }

    /// The member's name in JSON and CSV.
    public let name: String
    /// The heading in a table; nil where a table goes without the column.
    public let heading: String?
    /// What its values are.
    public let kind: Kind

    /// A column. In a table it is headed by its name, with spaces, unless `heading` says otherwise.
    public init(_ name: String, _ kind: Kind = .text, heading: String? = nil) {
        self.name = name
        self.heading = heading ?? String(name.map { $0 == "_" ? " " : $0 })
        self.kind = kind
    }

    /// A column that tables go without: for programs.
    public static func detail(_ name: String, _ kind: Kind = .text) -> ReportColumn {
        ReportColumn(name: name, heading: nil, kind: kind)
    }

    private init(name: String, heading: String?, kind: Kind) {
        self.name = name
        self.heading = heading
        self.kind = kind
    }
}

/// A value in a report.
public enum ReportValue: Hashable, Sendable {
    /// Nothing: empty in tables and CSV, null in JSON.
    case none
    /// Words.
    case text(String)
    /// Words that a table shortens, since they would fill it: hashes, addresses.
    case long(String, short: String)
    /// A whole number.
    case number(Int64)
    /// An amount, in the asset's smallest unit.
    case amount(UInt256, decimals: Int, symbol: String)
    /// A time in seconds since 1970.
    case time(Int64)
    /// Yes or no.
    case flag(Bool)

    /// As a table shows it.
    var shown: String {
        switch self {
        case .none: ""
        case .text(let text): text
        case .long(_, let short): short
        case .number(let number): String(number)
        case .amount: self.display
        case .time(let seconds): CalendarTime.text(seconds: seconds)
        case .flag(let flag): flag ? "yes" : "no"
        }
    }

    /// As programs read it.
    var written: String {
        switch self {
        case .long(let text, _): text
        case .amount(let units, _, _): units.description
        case .time(let seconds): CalendarTime.rfc3339(seconds: seconds)
        case .flag(let flag): flag ? "true" : "false"
        case .none, .text, .number: self.shown
        }
    }

    /// `0.001 USDC`; empty for what is no amount.
    var display: String {
        guard case .amount(let units, let decimals, let symbol) = self else { return "" }
        return "\(DecimalAmount(units: units, decimals: decimals)) \(symbol)"
    }

    /// What stands beside an amount in JSON: its display, or null.
    public var displayJSON: JSON { self == .none ? .null : .string(self.display) }

    /// As JSON. Amounts are strings: programs that read numbers as floating point would change them.
    public var json: JSON {
        switch self {
        case .none: .null
        case .number(let number): .integer(number)
        case .flag(let flag): .bool(flag)
        case .text, .long, .amount, .time: .string(self.written)
        }
    }
}
