// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Foundation

/// What documents promise: links that lead somewhere, targets that are described, vectors with a source, and nothing about the
/// place where they were written.
enum DocumentRules {
    // MARK: Links

    /// Relative links of a Markdown page that lead to no file. `exists` knows files and folders by their path from the root.
    static func links(_ page: RepositoryFile, exists: (String) -> Bool) -> [Offence] {
        guard page.kind == "md" else { return [] }
        return self.linkTargets(page).compactMap { number, target in
            let path = target.prefix { $0 != "#" }
            guard !path.isEmpty, !target.contains(":") else { return nil }
            guard let resolved = self.resolve(path, from: page.folder), exists(resolved) else {
                return Offence(page, line: number, "links to `\(target)`, which is not there")
            }
            return nil
        }
    }

    /// What stands in `](…)`, code left out.
    private static func linkTargets(_ page: RepositoryFile) -> [(number: Int, target: Substring)] {
        var isFenced = false
        var targets: [(Int, Substring)] = []
        for (number, line) in page.lines {
            if line.drop(while: { $0 == " " }).hasPrefix("```") { isFenced.toggle() }
            guard !isFenced else { continue }
            let prose = line.split(separator: "`", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 0 }
            let text = prose.map { String($0.element) }.joined(separator: "code")
            for part in text.split(separator: "](", omittingEmptySubsequences: false).dropFirst() {
                targets.append((number, Substring(String(part.prefix { $0 != ")" && $0 != " " }))))
            }
        }
        return targets
    }

    /// `path` as seen from `folder`, from the root; nil when it leaves the repository.
    private static func resolve(_ path: Substring, from folder: String) -> String? {
        var parts = folder.split(separator: "/")
        for part in path.split(separator: "/") where part != "." {
            guard part == ".." else {
                parts.append(part)
                continue
            }
            guard parts.popLast() != nil else { return nil }
        }
        return parts.joined(separator: "/")
    }

    // MARK: Targets

    /// Targets of the manifest that `page` does not name in backticks.
    static func targets(of manifest: RepositoryFile, in page: RepositoryFile) -> [Offence] {
        self.targetNames(manifest).filter { !(page.text ?? "").contains("`\($0)`") }.map {
            Offence(page, "does not name the target `\($0)` of Package.swift")
        }
    }

    /// The names in a manifest's `.target(name: "…"`, `.executableTarget(…`, `.systemLibrary(…` and `.testTarget(…`.
    static func targetNames(_ manifest: RepositoryFile) -> [String] {
        let text = (manifest.text ?? "").filter { !$0.isWhitespace }
        return [".target(", ".executableTarget(", ".systemLibrary(", ".testTarget("].flatMap { kind in
            text.split(separator: "\(kind)name:\"", omittingEmptySubsequences: false).dropFirst().map {
                String($0.prefix { $0 != "\"" })
            }
        }
    }

    // MARK: Vectors

    private struct Manifest: Decodable {
        struct Entry: Decodable {
            let file: String
            let source: String
        }
        let files: [Entry]
    }

    /// Files of `Tests/Vectors` that its manifest does not list, entries without a source, and entries without a file.
    static func vectors(in files: [RepositoryFile]) -> [Offence] {
        let folder = "Tests/Vectors"
        let path = "\(folder)/MANIFEST.json"
        let vectors = Set(files.filter { $0.isIn(folder) && $0.path != path }.map { String($0.path.dropFirst(folder.count + 1)) })
        guard let file = files.first(where: { $0.path == path }) else {
            return vectors.isEmpty ? [] : [Offence(path: path, "is missing: list every vector with its source")]
        }
        guard let manifest = try? JSONDecoder().decode(Manifest.self, from: Data(file.bytes)) else {
            return [Offence(file, "is no `{\"files\": [{\"file\": …, \"source\": …}]}`")]
        }
        let listed = Set(manifest.files.map(\.file))
        return vectors.subtracting(listed).sorted().map {
            Offence(path: "\(folder)/\($0)", "is not in MANIFEST.json: where is it from?")
        }
            + listed.subtracting(vectors).sorted().map { Offence(file, "lists `\($0)`, which is not there") }
            + manifest.files.filter(\.source.isEmpty).map { Offence(file, "names no source of `\($0.file)`") }
    }

    // MARK: The project speaks of itself alone

    /// Where this was written and with what. Put together here, so that this file keeps its own rule.
    private static let places = ["work", "root", "home", "Users"].map { "/" + $0 + "/" } + ["build" + "-slot", "work" + "tree"]
    private static let placesInDocuments = ["/" + "tmp/"]
    private static let phrases = ["Co-authored" + "-by", "Generated " + "with", "language " + "model", "sub" + "agent"]

    static func speaksOfItself(_ file: RepositoryFile) -> [Offence] {
        let isDocument = file.kind == "md"
        let words = self.places + self.phrases + (isDocument ? self.placesInDocuments : [])
        return file.lines.flatMap { number, line in
            words.filter { line.lowercased().contains($0.lowercased()) }.map {
                Offence(file, line: number, "mentions `\($0)`: the project speaks of itself alone")
            }
        }
    }
}
