// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing

/// Each rule finds what it is there for, and does not find what only looks like it.
@Suite struct RuleTests {
    private static let header = "// \(LayoutRules.header)¶"

    private static func source(_ code: String, _ path: String = "Sources/TollPayments/Thing.swift") -> RepositoryFile {
        RepositoryFile(path, code)
    }

    /// An argument as it is meant: `¶` stands for a line break, so that each argument is one line of a test's output.
    private static func lines(_ text: String) -> String { text.replacing("¶", with: "\n") }

    // MARK: Reading Swift

    @Test(arguments: [
        ("a // } try!", "a"), ("a /* { /* } */ { */ b", "ab"), ("f(\"}{\") }", "f()}"), ("f(\"\\\"}\") }", "f()}"),
        ("f(\"a\\(g(\"}\", x)) b\")", "f(g(,x))"), ("f(#\"\"}\"#)", "f()"), ("\"\"\"¶}\"¶\"\"\"}", "}"),
        ("func `a } b`() {}", "func(){}"),
    ])
    func `comments, strings and quoted names are no code`(source: String, code: String) {
        let source = Self.lines(source)
        let masked = String(decoding: SwiftCode.masking(Array(source.utf8)), as: UTF8.self)
        #expect(masked.filter { !$0.isWhitespace } == code)
        #expect(masked.utf8.count == source.utf8.count)
        #expect(masked.count { $0 == "\n" } == source.count { $0 == "\n" })
    }

    @Test func `functions are measured from keyword to brace, nested ones and those without a body too`() {
        let text = """
            protocol P {
                func bare()
                var x: Int { get }
                init(_ f: () -> Void)
            }
            struct S {
                init() {
                    self.init(1) {}
                }
                func outer(
                    _ a: Int = [1].map({ $0 })[0]
                ) {
                    func inner() {
                    }
                }
            }
            """
        let functions = Set(FunctionLengths.measure(Self.source(text)).map { [$0.firstLine, $0.lineCount] })
        #expect(functions == [[7, 3], [10, 6], [13, 2]])
    }

    // MARK: Layout

    @Test(arguments: [
        ("Sources/A/A.swift", "import B"), ("Sources/A/A.swift", "¶\(header)"), ("devnet/a.py", "import b"), ("Makefile", "all:"),
        ("Scripts/run", "#!/bin/sh¶¶\(header)"), ("Sources/C/module.modulemap", "module C {}"), ("Examples/a.yaml", "a: 1"),
    ])
    func `a missing header is found`(path: String, text: String) {
        #expect(LayoutRules.header(RepositoryFile(path, Self.lines(text))).count == 1)
    }

    @Test(arguments: [
        ("Sources/A/A.swift", header), ("Package.swift", "// swift-tools-version: 6.2¶\(header)"),
        ("Scripts/run", "#!/bin/sh¶# \(LayoutRules.header)"), ("devnet/genesis.json", "{}"), ("README.md", "# Tollgate"),
    ])
    func `a header in its place is enough`(path: String, text: String) {
        #expect(LayoutRules.header(RepositoryFile(path, Self.lines(text))).isEmpty)
    }

    @Test func `a file of 601 lines is too long, one of 600 is not`() {
        #expect(LayoutRules.length(Self.source(String(repeating: "\n", count: 601))).count == 1)
        #expect(LayoutRules.length(Self.source(String(repeating: "\n", count: 600))).isEmpty)
    }

    @Test(arguments: ["func f()", "init()", "subscript(i: Int) -> Int", "@objc static func f<T>(_ t: [T]) where T: P"])
    func `a function of 71 lines is too long, one of 70 is not`(declaration: String) {
        let body = { "\(declaration) {\n" + String(repeating: "    x { y }\n", count: $0) + "}\n" }
        #expect(LayoutRules.functionLength(Self.source(body(69))).map(\.line) == [1])
        #expect(LayoutRules.functionLength(Self.source(body(68))).isEmpty)
    }

    @Test func `131 columns are too wide, 130 of whatever width in bytes are not`() {
        #expect(LayoutRules.columns(Self.source("a\n" + String(repeating: "x", count: 131))).map(\.line) == [2])
        #expect(LayoutRules.columns(Self.source(String(repeating: "…", count: 130))).isEmpty)
    }

    @Test func `bytes that are no text are found`() {
        #expect(LayoutRules.isText(RepositoryFile("docs/a.png", bytes: [0x89, 0x50, 0])).count == 1)
        #expect(LayoutRules.isText(RepositoryFile("docs/a.txt", bytes: [0xFF])).count == 1)
        #expect(LayoutRules.isText(RepositoryFile("Fuzz/Corpus/request-head/a", bytes: [0xFF])).isEmpty)
    }

    // MARK: Language

    @Test(arguments: [
        "let a = try! f()", "fatalError(\"no\")", "final class A: @unchecked Sendable {", "Thread.sleep(forTimeInterval: 1)",
        "print(a)", "Task.detached { }", "Task { await f() }", "Task(priority: .low) { }",
        "try await Task.sleep(for: .seconds(1))",
        "let now = Date()", "let price: Double = 1", "DispatchSemaphore(value: 0)", "\"\\(Float(1))\"",
    ])
    func `a banned construct is found, and its replacement named`(line: String) throws {
        let offences = LanguageRules.banned(Self.source("\n" + line))
        #expect(offences.map(\.line) == [2])
        #expect(try #require(offences.first).message.contains(", use "))
    }

    @Test(arguments: [
        "let a = try f() // try! is banned", "\"Task { }\"", "self.print(a)", "footprint(a)", "lastUpdate()", "calendar.Date()",
        "ManagedTask { }", "let doubled = 1", "withTaskGroup(of: Void.self) { }", "DoubleHost()",
    ])
    func `what only looks banned is not`(line: String) {
        #expect(LanguageRules.banned(Self.source(line)).isEmpty)
    }

    @Test(arguments: [
        ("Sources/TollRuntime/A.swift", "Task { }"), ("Sources/TollHTTPEngine/A.swift", "Task(executorPreference: a) { }"),
        ("Sources/tollgate/A.swift", "print(a)"), ("Tests/A/A.swift", "Task.detached { }"),
    ])
    func `bans end where their reason does`(path: String, line: String) {
        #expect(LanguageRules.banned(Self.source(line, path)).isEmpty)
    }

    @Test func `unfinished work is found in comments of any language`() {
        for word in LanguageRules.unfinished {
            #expect(LanguageRules.unfinishedWork(Self.source("// \(word): later")).count == 1)
            #expect(LanguageRules.unfinishedWork(RepositoryFile("devnet/a.py", "# \(word)")).count == 1)
        }
    }

    @Test func `unsafe code outside a fence is found`() {
        let line = "let a = unsafe b.pointee"
        #expect(LanguageRules.unsafeFences(Self.source(line)).map(\.line) == [1])
        #expect(LanguageRules.unsafeFences(Self.source(line, "Sources/TollCrypto/A.swift")).isEmpty)
        #expect(LanguageRules.unsafeFences(Self.source("// unsafe\nwithUnsafeBytes { }")).isEmpty)
    }

    // MARK: Modules

    private static let cSQLite = RepositoryFile("Sources/CSQLite/module.modulemap", "")

    @Test func `a C module with one private importer is well`() {
        let importer = Self.source("private import CSQLite", "Sources/TollStoreSQLite/A.swift")
        #expect(ModuleRules.violations(in: [Self.cSQLite, importer]).isEmpty)
    }

    @Test(arguments: [
        "import CSQLite", "internal import CSQLite", "public import CSQLite.sqlite3", "@preconcurrency import CSQLite",
    ])
    func `a C module that is not imported privately is found`(line: String) {
        let importer = Self.source(line, "Sources/TollStoreSQLite/A.swift")
        #expect(ModuleRules.violations(in: [Self.cSQLite, importer]).map(\.path) == [importer.path])
    }

    @Test func `a C module with two importers, or none, is found`() {
        let both = ["Sources/A/A.swift", "Sources/B/B.swift"].map { Self.source("private import CSQLite", $0) }
        #expect(ModuleRules.violations(in: [Self.cSQLite] + both).map(\.path) == ["Sources/CSQLite"])
        #expect(ModuleRules.violations(in: [Self.cSQLite]).map(\.path) == ["Sources/CSQLite"])
    }

    @Test func `libc is imported privately too`() {
        #expect(ModuleRules.violations(in: [Self.source("import Glibc")]).count == 1)
        #expect(ModuleRules.violations(in: [Self.source("private import Glibc")]).isEmpty)
    }

    // MARK: Documents

    @Test(arguments: ["[a](gone.md)", "see [a](../../outside.md).", "![a](img.png \"title\")", "[a](b.md) and [c](gone.md#part)"])
    func `a link to nowhere is found`(line: String) {
        let page = RepositoryFile("docs/page.md", "# Page\n\(line)\n")
        #expect(DocumentRules.links(page) { $0 == "docs/b.md" }.map(\.line) == [2])
    }

    @Test(arguments: [
        "[a](b.md#part)", "[a](https://example.com/gone.md)", "[a](#part)", "`[a](gone.md)`", "```¶[a](gone.md)¶```",
        "[a](../docs/b.md)",
    ])
    func `other links are well`(text: String) {
        #expect(DocumentRules.links(RepositoryFile("docs/page.md", Self.lines(text))) { $0 == "docs/b.md" }.isEmpty)
    }

    @Test func `a target that the architecture does not name is found`() {
        let manifest = RepositoryFile(
            "Package.swift",
            ".target(\n  name: \"TollA\"), .target(name: \"TollB\"), .testTarget(name: \"TollATests\", dependencies: [])"
        )
        #expect(DocumentRules.targetNames(manifest).sorted() == ["TollA", "TollATests", "TollB"])
        let page = RepositoryFile("docs/architecture.md", "`TollA`, `TollATests` and TollB")
        #expect(
            DocumentRules.targets(of: manifest, in: page).map(\.message) == ["does not name the target `TollB` of Package.swift"]
        )
    }

    @Test func `vectors without an entry, entries without a file and entries without a source are found`() {
        let manifest = "{\"files\":[{\"file\":\"a.json\",\"source\":\"RFC 1\"},{\"file\":\"gone.json\",\"source\":\"\"}]}"
        let files = [
            RepositoryFile("Tests/Vectors/MANIFEST.json", manifest), RepositoryFile("Tests/Vectors/a.json", ""),
            RepositoryFile("Tests/Vectors/deep/b.json", ""),
        ]
        let paths = DocumentRules.vectors(in: files).map(\.path)
        #expect(paths == ["Tests/Vectors/deep/b.json", "Tests/Vectors/MANIFEST.json", "Tests/Vectors/MANIFEST.json"])
        #expect(DocumentRules.vectors(in: [files[1]]).count == 1)
        #expect(DocumentRules.vectors(in: [RepositoryFile("Tests/Vectors/MANIFEST.json", "[]")]).count == 1)
    }

    @Test(arguments: [
        ("Sources/A/A.swift", "// see /" + "work/notes"), ("docs/a.md", "in /" + "tmp/x"),
        ("Scripts/a", "build" + "-slot swift build"),
        ("README.md", "generated " + "with something"),
    ])
    func `a word about the workplace is found`(path: String, text: String) {
        #expect(DocumentRules.speaksOfItself(RepositoryFile(path, text)).count == 1)
    }

    @Test func `a temporary folder in code is no word about the workplace`() {
        #expect(DocumentRules.speaksOfItself(RepositoryFile("Tests/A/A.swift", "\"/" + "tmp/a\"")).isEmpty)
    }
}
