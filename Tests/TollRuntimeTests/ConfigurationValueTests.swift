// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives
import TollRuntime

@Suite struct ConfigurationValueTests {
    private static func value(_ text: String, _ findings: inout Findings) -> ConfigurationValue? {
        YAMLParser(file: "a.yaml").parse(text, findings: &findings).map { ConfigurationValue($0, file: "a.yaml") }
    }

    /// The finding's text after `a.yaml:1: error: `, for a document that is one scalar.
    private static func finding<Result>(
        _ text: String,
        _ read: (ConfigurationValue, inout Findings) -> Result?
    ) -> (result: Result?, message: String) {
        var findings = Findings()
        let result = Self.value(text, &findings).flatMap { read($0, &findings) }
        return (
            result, findings.sorted.map { String($0.description.dropFirst("a.yaml:1: error: ".count)) }.joined(separator: "|")
        )
    }

    @Test(arguments: [
        ("30s", Duration.seconds(30)), ("500ms", .milliseconds(500)), ("5m", .seconds(300)), ("1h", .seconds(3_600)),
        ("2d", .seconds(172_800)), ("\"30s\"", .seconds(30)),
    ])
    func `durations have a number and a unit`(text: String, expected: Duration) {
        let result = Self.finding(text) { $0.duration(in: .zero ... .seconds(1_000_000), &$1) }
        #expect(result.result == expected)
        #expect(result.message.isEmpty)
    }

    @Test(arguments: [
        ("30", "`30` has no unit; write `30s`, or another unit of ms, s, m, h, d"),
        ("1.5s", "`1.5s` is no duration; write for example `30s`"),
        ("-1s", "`-1s` is no duration; write for example `30s`"),
        ("30 s", "`30 s` is no duration; write for example `30s`"),
        ("9s", "`9s` is out of range; write a duration from `10s` to `1h`"),
        ("61m", "`61m` is out of range; write a duration from `10s` to `1h`"),
        ("99999999999999999999s", "`99999999999999999999s` is no duration; write for example `30s`"),
        ("9999999999999h", "`9999999999999h` is no duration; write for example `30s`"),
        ("[1]", "is a list, not text; write for example `30s`"),
        ("", "is nothing, not text; write for example `30s`"),
        ("\"\"", "is empty; write for example `30s`"),
    ])
    func `a wrong duration says what to write`(text: String, message: String) {
        let result = Self.finding(text) { $0.duration(in: .seconds(10) ... .seconds(3_600), &$1) }
        #expect(result.result == nil)
        #expect(result.message == message)
    }

    @Test(arguments: [("512B", 512), ("16KiB", 16_384), ("64MiB", 67_108_864), ("1GiB", 1_073_741_824)])
    func `sizes are in powers of 1024`(text: String, expected: Int) {
        #expect(Self.finding(text) { $0.byteCount(in: 0...(1 << 40), &$1) }.result == expected)
        #expect(ByteCountText.format(expected) == text)
    }

    @Test(arguments: ["16KB", "16k", "16", "1.5MiB", "KiB", "99999999999GiB"])
    func `other sizes are refused`(text: String) {
        let result = Self.finding(text) { $0.byteCount(in: 0...(1 << 40), &$1) }
        #expect(result.message == "`\(text)` is no size; write a whole number of B, KiB, MiB or GiB, for example `16KiB`")
    }

    @Test(arguments: [
        ("0", "0 is out of range; write a whole number from 1 to 64"),
        ("65", "65 is out of range; write a whole number from 1 to 64"),
        ("two", "`two` is no whole number; write a whole number from 1 to 64"),
        ("1e3", "`1e3` is no whole number; write a whole number from 1 to 64"),
        ("+5", "`+5` is no whole number; write a whole number from 1 to 64"),
    ])
    func `a wrong integer says the range`(text: String, message: String) {
        #expect(Self.finding(text) { $0.integer(in: 1...64, &$1) }.message == message)
    }

    @Test func `only true and false are booleans`() {
        #expect(Self.finding("true") { $0.boolean(&$1) }.result == true)
        #expect(Self.finding("false") { $0.boolean(&$1) }.result == false)
        #expect(Self.finding("yes") { $0.boolean(&$1) }.message == "`yes` is neither `true` nor `false`; write `true` or `false`")
    }

    @Test func `a choice names the nearest`() {
        let choices = ["before", "after", "deferred"]
        #expect(Self.finding("after") { $0.choice(of: choices, &$1) }.result == "after")
        let near = Self.finding("defered") { $0.choice(of: choices, &$1) }
        #expect(near.message == "`defered` is not known here; write `deferred`")
        let far = Self.finding("sometimes") { $0.choice(of: choices, &$1) }
        #expect(far.message.hasSuffix("; write one of `before`, `after`, `deferred`"))
    }

    @Test func `unknown keys name their place and the nearest known one, all at once`() throws {
        var findings = Findings()
        let value = try #require(Self.value("upsteam: a\nprice:\nzzz: 1\n\"a.b\": 2\n", &findings))
        let mapping = try #require(value.mapping(keys: ["upstream", "price"], &findings))
        #expect(mapping["price"] == nil)
        #expect(mapping.has("price"))
        #expect(
            findings.text == """
                a.yaml:1: error: upsteam: unknown key; write `upstream`
                a.yaml:2: error: price: has no value; write a value, or remove the line
                a.yaml:3: error: zzz: unknown key; known here: `upstream`, `price`
                a.yaml:4: error: ["a.b"]: unknown key; known here: `upstream`, `price`

                """
        )
    }

    @Test func `paths name keys and places in lists`() throws {
        var findings = Findings()
        let root = try #require(Self.value("routes:\n  - price: x\n  - price: [y]\n", &findings))
        let routes = try #require(root.mapping(keys: ["routes"], &findings)?["routes"]?.list(&findings))
        for route in routes { _ = route.mapping(keys: ["price"], &findings)?["price"]?.integer(in: 1...2, &findings) }
        #expect(
            findings.text == """
                a.yaml:2: error: routes[0].price: `x` is no whole number; write a whole number from 1 to 2
                a.yaml:3: error: routes[1].price: is a list, not text; write for example `1`

                """
        )
    }

    @Test func `a refused value is not found wrong a second time`() {
        let result = Self.finding("!odd 5") { $0.integer(in: 1...9, &$1) }
        #expect(result.message == "the tag `!odd` is not read here; write the value without a tag")
    }

    // MARK: Secrets

    private static let source = SecretSource(
        variable: { ["KEY": "hunter2", "EMPTY": ""][$0] },
        file: { (path) throws(FileError) in
            switch path {
            case "/run/key": return Array("from a file\n".utf8)
            case "/run/binary": return [0xFF]
            default: throw FileError(path: path, reason: "No such file or directory")
            }
        }
    )

    @Test(arguments: [("env:KEY", "hunter2"), ("file:/run/key", "from a file")])
    func `a reference becomes its secret, and prints as neither`(text: String, expected: String) throws {
        let secret = try #require(Self.finding(text) { $0.secret(from: Self.source, &$1) }.result)
        #expect(secret.value.withExposed { $0 } == expected)
        #expect(secret.reference.description == text)
        #expect(!"\(secret)".contains(expected))
    }

    @Test(arguments: [
        ("env:NONE", "the environment variable NONE is not set; set NONE before the start, or name another reference"),
        ("env:EMPTY", "`env:EMPTY` is empty; give it a value, or name another reference"),
        (
            "file:/none",
            "the file /none cannot be read: No such file or directory; name a text file that this user may read"
        ),
        ("file:/run/binary", "the file /run/binary is not UTF-8 text; name a text file that this user may read"),
        ("[env:KEY]", "is a list, not a reference; write for example `env:NAME`"),
    ])
    func `a reference that leads nowhere says so`(text: String, message: String) {
        #expect(Self.finding(text) { $0.secret(from: Self.source, &$1) }.message == message)
    }

    @Test(arguments: [
        "0xac0974bec39a17e36ba4a6b4d238ff944bacb478", "ENV:KEY", "'env:'", "env:1A", "env:A B", "'file:'", "hunter2",
    ])
    func `a literal secret is refused and not printed`(text: String) {
        let message = Self.finding(text) { $0.secret(from: Self.source, &$1) }.message
        #expect(
            message
                == "a secret does not belong in this file; write a reference, `env:NAME` or `file:PATH`, never the value itself"
        )
    }
}
