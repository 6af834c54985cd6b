// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollPrimitives
import TollRuntime

@Suite struct ReportWriterTests {
    private static let columns = [
        ReportColumn("name"), ReportColumn("paid", .amount), ReportColumn("count", .number), ReportColumn("at"),
        ReportColumn.detail("note"),
    ]
    private static let rows: [[ReportValue]] = [
        [.text("a"), .amount(1_000, decimals: 6, symbol: "USDC"), .number(3), .time(1_704_067_200), .text("plain")],
        [
            .long("0x1234567890", short: "0x12…"), .amount(2_500_000, decimals: 6, symbol: "USDC"), .number(12), .none,
            .text("with, comma \"and\" quotes\nand a line"),
        ],
    ]

    private static func text(_ format: ReportFormat, rows: [[ReportValue]] = Self.rows, notes: [String] = []) -> String {
        let output = Output()
        var writer = ReportWriter(Self.columns, format: format) { output.write($0) }
        for row in rows { writer.add(row) }
        for note in notes { writer.note(note) }
        writer.finish(empty: "nothing")
        return output.text
    }

    @Test func `a table shortens, aligns amounts and numbers right, and goes without details`() {
        #expect(
            Self.text(.table, notes: ["2 rows"]) == """
                name         paid  count  at
                a      0.001 USDC      3  2024-01-01 00:00:00
                0x12…    2.5 USDC     12

                2 rows

                """)
    }

    @Test func `JSON has amounts as strings, with their display beside`() throws {
        let json = try JSON(parsing: Array(Self.text(.json, notes: ["not here"]).utf8))
        let row = try #require(json.array?.first)
        #expect(
            row.text == #"{"name":"a","paid":"1000","paid_display":"0.001 USDC","count":3,"at":"2024-01-01T00:00:00Z","#
                + #""note":"plain"}"#)
        #expect(json.array?.last?["at"] == .null)
        #expect(json.array?.last?["name"] == "0x1234567890")
    }

    @Test func `JSON lines are an object each`() throws {
        let lines = Self.text(.jsonLines).split(separator: "\n")
        #expect(lines.count == 2)
        for line in lines { _ = try JSON(parsing: Array(line.utf8)) }
    }

    @Test func `CSV quotes by RFC 4180`() {
        #expect(
            Self.text(.csv)
                == "name,paid,paid_display,count,at,note\r\na,1000,0.001 USDC,3,2024-01-01T00:00:00Z,plain\r\n"
                + "0x1234567890,2500000,2.5 USDC,12,,\"with, comma \"\"and\"\" quotes\nand a line\"\r\n")
    }

    @Test func `no rows: words in a table, an empty array, a header, nothing`() {
        #expect(Self.text(.table, rows: []) == "nothing\n")
        #expect(Self.text(.json, rows: []) == "[]\n")
        #expect(Self.text(.csv, rows: []) == "name,paid,paid_display,count,at,note\r\n")
        #expect(Self.text(.jsonLines, rows: []) == "")
    }

    @Test func `a long table is written before it ends, with one header`() {
        let output = Output()
        var writer = ReportWriter([ReportColumn("number", .number)], format: .table) { output.write($0) }
        for number in 0..<450 {
            writer.add([.number(Int64(number))])
            if number == 250 { #expect(output.text.hasPrefix("number\n     0\n")) }
        }
        writer.finish(empty: "")
        let lines = output.text.split(separator: "\n")
        #expect(lines.count == 451 && lines.filter { $0 == "number" }.count == 1 && lines.last == "   449")
    }

    @Test func `controls in a cell are shown, not sent to the terminal`() {
        let output = Output()
        var writer = ReportWriter([ReportColumn("name")], format: .table) { output.write($0) }
        writer.add([.text("a\u{1B}[2Jb\n")])
        writer.finish(empty: "")
        #expect(!output.text.contains("\u{1B}") && output.text.split(separator: "\n").count == 2)
    }
}

private final class Output: Sendable {
    private let written = Mutex("")
    var text: String { self.written.withLock { $0 } }
    func write(_ text: String) { self.written.withLock { $0 += text } }
}
