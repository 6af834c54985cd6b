// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

/// Prints rows as they come, in any format, and never keeps more of them than a screen or two.
public struct ReportWriter {
    /// Rows of a table that are looked at before its columns get their widths. Later ones only widen them.
    private static let rowsPerBlock = 200

    private let columns: [ReportColumn]
    private let format: ReportFormat
    private let write: @Sendable (String) -> Void
    private var widths: [Int]
    private var block: [[String]] = []
    private var notes: [String] = []
    private var rowCount = 0

    /// A report of these columns.
    public init(
        _ columns: [ReportColumn], format: ReportFormat,
        write: @escaping @Sendable (String) -> Void = { StandardStreams.writeOutput($0) }
    ) {
        self.columns = columns
        self.format = format
        self.write = write
        self.widths = columns.compactMap(\.heading).map { DisplayWidth.of($0) }
    }

    /// Prints a row: a value for each column, in order.
    public mutating func add(_ row: [ReportValue]) {
        precondition(row.count == self.columns.count, "A row has as many values as the report has columns.")
        defer { self.rowCount += 1 }
        switch self.format {
        case .table:
            self.block.append(zip(self.columns, row).filter { $0.0.heading != nil }.map { EscapedText.singleLine($0.1.shown) })
            if self.block.count == Self.rowsPerBlock { self.writeBlock() }
        case .json: self.write((self.rowCount == 0 ? "[\n" : ",\n") + "  " + self.object(row).text)
        case .jsonLines: self.write(self.object(row).text + "\n")
        case .csv:
            if self.rowCount == 0 { self.writeHeader() }
            self.write(Self.record(zip(self.columns, row).flatMap { Self.fields($0, $1) }))
        }
    }

    /// A line below the table; other formats go without.
    public mutating func note(_ text: String) {
        self.notes.append(text)
    }

    /// Ends the report. A table without rows says `empty` in place of nothing.
    public mutating func finish(empty: String) {
        switch self.format {
        case .table:
            if self.rowCount == 0 { self.write(empty + "\n") } else { self.writeBlock() }
            if !self.notes.isEmpty { self.write("\n" + self.notes.map { EscapedText.singleLine($0) + "\n" }.joined()) }
        case .json: self.write(self.rowCount == 0 ? "[]\n" : "\n]\n")
        case .csv: if self.rowCount == 0 { self.writeHeader() }
        case .jsonLines: break
        }
    }

    // MARK: - Tables

    private mutating func writeBlock() {
        let shown = self.columns.filter { $0.heading != nil }
        let alignments = shown.map { $0.kind == .text ? TextTable.Alignment.left : .right }
        for cells in self.block {
            self.widths = zip(self.widths, cells).map { max($0, DisplayWidth.of($1)) }
        }
        let header = self.rowCount < Self.rowsPerBlock ? [shown.compactMap(\.heading)] : []
        let lines = (header + self.block).map { TextTable.line($0, widths: self.widths, alignments: alignments) }
        self.write(lines.joined())
        self.block = []
    }

    // MARK: - JSON and CSV

    private func object(_ row: [ReportValue]) -> JSON {
        var members = JSONObject()
        for (column, value) in zip(self.columns, row) {
            members[column.name] = value.json
            if column.kind == .amount { members[column.name + "_display"] = value.displayJSON }
        }
        return .object(members)
    }

    private func writeHeader() {
        self.write(Self.record(self.columns.flatMap { $0.kind == .amount ? [$0.name, $0.name + "_display"] : [$0.name] }))
    }

    private static func fields(_ column: ReportColumn, _ value: ReportValue) -> [String] {
        column.kind == .amount ? [value.written, value.display] : [value.written]
    }

    /// A line of RFC 4180: quotes only where they are needed, CRLF at the end.
    private static func record(_ fields: [String]) -> String {
        fields.map { field in
            guard field.utf8.contains(where: { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }) else { return field }
            return "\"" + field.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
        }.joined(separator: ",") + "\r\n"
    }
}
