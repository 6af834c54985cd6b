// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// What a file looks like: its first line, how long it, its functions and its lines are, and that it is text.
enum LayoutRules {
    static let header = "Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0"
    static let fileLinesMax = 600
    static let functionLinesMax = 70
    static let columnsMax = 130

    /// Kinds of files that name the authors and the licence, as far as they allow comments.
    private static let kindsWithHeader: Set<String> = [
        "swift", "py", "sh", "c", "h", "modulemap", "yaml", "yml", "vy", "toml", "sql", "js", "css",
    ]

    /// Images and fonts, by path. Everything else is text.
    static let binaryFiles: Set<String> = []

    /// Inputs of fuzzers, which are bytes by nature.
    private static let corpora = "Fuzz/Corpus"

    static func header(_ file: RepositoryFile) -> [Offence] {
        let first = file.lines.prefix(3).map(\.text)
        let isScript = first.first?.hasPrefix("#!") ?? false
        guard self.kindsWithHeader.contains(file.kind) || file.name == "Makefile" || isScript else { return [] }
        // A script begins with its interpreter, a manifest with the version of its tools.
        let allowed = isScript || first.first?.hasPrefix("// swift-tools-version") == true ? 2 : 1
        guard !first.prefix(allowed).contains(where: { $0.hasSuffix(self.header) }) else { return [] }
        return [Offence(file, line: 1, "begins without the comment `\(self.header)`")]
    }

    static func length(_ file: RepositoryFile) -> [Offence] {
        let count = file.bytes.count { $0 == UInt8(ascii: "\n") }
        guard file.isSwift, count > self.fileLinesMax else { return [] }
        return [Offence(file, "has \(count) lines, over \(self.fileLinesMax): give its second subject a file of its own")]
    }

    static func functionLength(_ file: RepositoryFile) -> [Offence] {
        FunctionLengths.measure(file).filter { $0.lineCount > self.functionLinesMax }.map {
            Offence(
                file,
                line: $0.firstLine,
                "a function of \($0.lineCount) lines, over \(self.functionLinesMax): give its steps names"
            )
        }
    }

    static func columns(_ file: RepositoryFile) -> [Offence] {
        guard file.isSwift else { return [] }
        return file.lines.compactMap { number, line in
            guard line.utf8.count > self.columnsMax, line.count > self.columnsMax else { return nil }
            return Offence(file, line: number, "\(line.count) columns, over \(self.columnsMax): break the line")
        }
    }

    static func isText(_ file: RepositoryFile) -> [Offence] {
        guard file.text == nil, !self.binaryFiles.contains(file.path), !file.isIn(self.corpora) else { return [] }
        return [Offence(file, "is no UTF-8 text: list it under `binaryFiles`, or generate it when building")]
    }
}
