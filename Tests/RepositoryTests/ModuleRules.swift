// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Who imports what is written in C: each module one target, privately, so that no C type can stand in a public declaration.
enum ModuleRules {
    /// An import as it stands in a file.
    private struct Import {
        let file: RepositoryFile
        let line: Int
        let module: String
        let isPrivate: Bool

        /// The target that the file belongs to.
        var target: String { self.file.path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }
    }

    /// Modules of the system that are imported like those of our own: privately.
    private static let systemModules: Set<String> = ["Glibc", "Musl", "Darwin"]

    static func violations(in files: [RepositoryFile]) -> [Offence] {
        let modules = self.cModules(in: files)
        let imports = files.filter { $0.isIn("Sources") }.flatMap { self.imports(in: $0) }
        let leaks = imports.filter { (modules.contains($0.module) || self.systemModules.contains($0.module)) && !$0.isPrivate }
        return leaks.map {
            Offence($0.file, line: $0.line, "`\($0.module)` is written in C: write `private import \($0.module)`")
        }
            + modules.sorted().flatMap { module in self.importers(of: module, imports) }
    }

    /// The C modules: folders of `Sources` that begin with a capital C and another capital.
    static func cModules(in files: [RepositoryFile]) -> Set<String> {
        let targets = files.filter { $0.isIn("Sources") }.compactMap { $0.path.split(separator: "/").dropFirst().first }
        return Set(targets.filter { $0.hasPrefix("C") && $0.dropFirst().first?.isUppercase == true }.map(String.init))
    }

    private static func importers(of module: String, _ imports: [Import]) -> [Offence] {
        let targets = Set(imports.filter { $0.module == module }.map(\.target)).sorted()
        guard targets.count != 1 else { return [] }
        let importers = targets.joined(separator: " and ")
        let message = targets.isEmpty ? "is imported by no target: remove it" : "is imported by \(importers): let one own it"
        return [Offence(path: "Sources/\(module)", message)]
    }

    private static func imports(in file: RepositoryFile) -> [Import] {
        file.code.enumerated().compactMap { index, line in
            let words = line.split(separator: " ")
            guard let keyword = words.firstIndex(of: "import"), words.prefix(keyword).allSatisfy(self.mayPrecedeImport) else {
                return nil
            }
            guard let module = words.dropFirst(keyword + 1).first?.split(separator: ".").first else { return nil }
            return Import(file: file, line: index + 1, module: String(module), isPrivate: words.first == "private")
        }
    }

    private static func mayPrecedeImport(_ word: Substring) -> Bool {
        word.hasPrefix("@") || ["public", "package", "internal", "fileprivate", "private"].contains(word)
    }
}
