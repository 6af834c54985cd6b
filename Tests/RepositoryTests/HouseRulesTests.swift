// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing

/// The house rules of CONTRIBUTING.md that neither the compiler nor the formatter knows, on every file of the repository.
@Suite struct HouseRulesTests {
    @Test func `the tree is found, and is this repository`() {
        #expect(SourceTree.file("Package.swift") != nil)
        #expect(SourceTree.swiftFiles.count > 100)
    }

    @Test func `every source file names the authors and the licence`() {
        expectNone(SourceTree.files.flatMap(LayoutRules.header))
    }

    @Test func `no Swift file is longer than 600 lines`() {
        expectNone(SourceTree.files.flatMap(LayoutRules.length))
    }

    @Test func `no function is longer than 70 lines`() {
        expectNone(SourceTree.swiftFiles.flatMap(LayoutRules.functionLength))
    }

    @Test func `no line of Swift is wider than 130 columns`() {
        expectNone(SourceTree.swiftFiles.flatMap(LayoutRules.columns))
    }

    @Test func `nothing banned is used`() {
        expectNone(SourceTree.swiftFiles.flatMap(LanguageRules.banned))
    }

    @Test func `no work is left unfinished in a comment`() {
        expectNone(SourceTree.files.flatMap(LanguageRules.unfinishedWork))
    }

    @Test func `unsafe code stays behind its fences`() {
        expectNone(SourceTree.swiftFiles.flatMap(LanguageRules.unsafeFences))
    }

    @Test func `every fence has something unsafe behind it`() {
        for fence in LanguageRules.fences.keys.sorted() {
            let behind = SourceTree.swiftFiles.filter { $0.path.hasPrefix(fence) }
            #expect(
                behind.contains { $0.code.contains { LanguageRules.contains("unsafe", in: $0) } },
                "nothing unsafe in \(fence)"
            )
        }
    }

    @Test func `every C module is imported, privately, by one target`() {
        expectNone(ModuleRules.violations(in: SourceTree.files))
    }

    @Test func `every vector has a source in the manifest`() {
        expectNone(DocumentRules.vectors(in: SourceTree.files))
    }

    @Test func `links between pages lead to files`() {
        var paths = Set(SourceTree.files.map(\.path))
        for file in SourceTree.files {
            var parts = file.path.split(separator: "/").dropLast()
            while !parts.isEmpty, paths.insert(parts.joined(separator: "/")).inserted { parts.removeLast() }
        }
        expectNone(SourceTree.files.flatMap { page in DocumentRules.links(page) { paths.contains($0) } })
    }

    @Test func `the architecture names every target`() throws {
        let manifest = try #require(SourceTree.file("Package.swift"))
        let page = try #require(SourceTree.file("docs/architecture.md"))
        #expect(DocumentRules.targetNames(manifest).count > 20)
        expectNone(DocumentRules.targets(of: manifest, in: page))
    }

    @Test func `the README shows the example as it is, and the command that tests`() throws {
        let readme = try #require(SourceTree.file("README.md")?.text)
        let example = try #require(SourceTree.file("Examples/weather/tollgate.yaml")?.lines).dropFirst().map(\.text)
        #expect(readme.contains("```yaml\n\(example.joined(separator: "\n"))```"))
        #expect(readme.contains("make test"))
    }

    @Test func `the project speaks of itself alone`() {
        expectNone(SourceTree.files.flatMap(DocumentRules.speaksOfItself))
    }

    @Test func `every file is text, or a listed image or font`() {
        expectNone(SourceTree.files.flatMap(LayoutRules.isText))
    }
}
