// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Rows in aligned columns.
public struct TextTable: Sendable {
    /// Where a column's text stands.
    public enum Alignment: Sendable {
        /// Words.
        case left
        /// Numbers.
        case right
    }

    private let header: [String]
    private let alignments: [Alignment]
    private var rows: [[String]] = []

    /// A table with these columns; without `alignments` all stand left.
    public init(_ header: [String], alignments: [Alignment] = []) {
        self.header = header
        self.alignments = alignments
    }

    /// Adds a row; missing cells are empty, cells beyond the header are dropped.
    public mutating func add(_ cells: [String]) {
        let padded = cells + Array(repeating: "", count: max(0, self.header.count - cells.count))
        self.rows.append(padded.prefix(self.header.count).map(EscapedText.singleLine))
    }

    /// The header and the rows, two spaces between columns, no spaces at line ends, a line break after each line.
    public var text: String {
        let lines = [self.header] + self.rows
        let widths = self.header.indices.map { column in lines.map { DisplayWidth.of($0[column]) }.max() ?? 0 }
        return lines.map { Self.line($0, widths: widths, alignments: self.alignments) }.joined()
    }

    /// One line of cells in columns of these widths.
    static func line(_ cells: [String], widths: [Int], alignments: [Alignment]) -> String {
        let padded = cells.indices.map { column -> String in
            let space = String(repeating: " ", count: max(0, widths[column] - DisplayWidth.of(cells[column])))
            let isRight = alignments.indices.contains(column) && alignments[column] == .right
            return isRight ? space + cells[column] : cells[column] + space
        }
        var text = padded.joined(separator: "  ")
        while text.last == " " { text.removeLast() }
        return text + "\n"
    }
}

/// How many cells of a terminal a text takes.
enum DisplayWidth {
    static func of(_ text: String) -> Int {
        text.reduce(0) { $0 + self.of($1) }
    }

    /// East Asian wide and fullwidth ranges (Unicode UAX #11, coarse) and emoji take two; a character takes what its first
    /// scalar takes, since the rest combines with it.
    private static func of(_ character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        switch scalar.value {
        case 0x300...0x36F, 0x200B...0x200D, 0xFE00...0xFE0F: return 0
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
            0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F,
            0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
            return 2
        default: return scalar.properties.isEmojiPresentation ? 2 : 1
        }
    }
}
