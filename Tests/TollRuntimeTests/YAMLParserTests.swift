// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollRuntime

@Suite struct YAMLParserTests {
    private static func parse(_ text: String, limits: YAMLParser.Limits = .init()) -> (root: YAMLNode?, findings: [String]) {
        var findings = Findings()
        let root = YAMLParser(file: "a.yaml", limits: limits).parse(text, findings: &findings)
        return (root, findings.sorted.map(\.description))
    }

    /// The tree without places, in one line.
    private static func outline(_ node: YAMLNode?) -> String {
        switch node?.content {
        case .scalar(let text, let isQuoted): isQuoted ? "\"\(text)\"" : text
        case .sequence(let items): "[\(items.map(Self.outline).joined(separator: " "))]"
        case .mapping(let entries): "{\(entries.map { "\($0.key):\(Self.outline($0.value))" }.joined(separator: " "))}"
        case .refused: "refused"
        case nil: "nil"
        }
    }

    @Test(arguments: [
        ("a: 1\nb: [x, 'y', \"z\"]\n", "{a:1 b:[x \"y\" \"z\"]}"),
        ("- 1\n- {b: 2, a: 1}\n", "[1 {b:2 a:1}]"),
        ("a:\nb: ~\n", "{a: b:~}"),
        ("url: http://h:1/p#f\n", "{url:http://h:1/p#f}"),
        ("k: |\n  two\n  lines\n", "{k:\"two\nlines\n\"}"),
        ("eip155:84532:\n  rpc: x\n", "{eip155:84532:{rpc:x}}"),
        ("a: !!str 5\n", "{a:\"5\"}"),
        ("a: !!int 5\n", "{a:5}"),
        ("", ""),
        ("# only a comment\n", ""),
    ])
    func `a document becomes its tree`(text: String, outline: String) {
        let result = Self.parse(text)
        #expect(Self.outline(result.root) == outline)
        #expect(result.findings.isEmpty)
    }

    @Test func `every node knows its line and column`() throws {
        let root = try #require(Self.parse("a: 1\n\nb:\n  - x\n  - {c: y}\n").root)
        guard case .mapping(let entries) = root.content, case .sequence(let items) = entries[1].value.content,
            case .mapping(let inner) = items[1].content
        else {
            Issue.record("the tree has another shape")
            return
        }
        #expect(entries[1].keyMark == YAMLNode.Mark(line: 3, column: 1))
        #expect(items[0].mark == YAMLNode.Mark(line: 4, column: 5))
        #expect(inner[0].keyMark == YAMLNode.Mark(line: 5, column: 6))
        #expect(inner[0].value.mark == YAMLNode.Mark(line: 5, column: 9))
    }

    @Test(arguments: [
        ("a: 1\nb: 2\na: 3\n", ["a.yaml:3: error: the key `a` is written twice; write it once (first on line 1)"]),
        (
            "a: &x 1\nb: *x\n",
            [
                "a.yaml:1: error: an anchor (`&name`) is not read here; write the value without it",
                "a.yaml:2: error: an alias (`*name`) is not read here; write the value itself",
            ]
        ),
        ("a: !secret x\n", ["a.yaml:1: error: the tag `!secret` is not read here; write the value without a tag"]),
        ("a: 1\n---\nb: 2\n", ["a.yaml:3: error: a second document begins here; write one document in a file, without `---`"]),
        ("[a]: 1\n", ["a.yaml:1: error: a key is a list; write a plain name as key"]),
    ])
    func `what a configuration does not need is refused`(text: String, findings: [String]) {
        #expect(Self.parse(text).findings == findings)
    }

    @Test(arguments: [
        ("a: [1, 2\nb: 3\n", 2), ("a: 'open\n", 2), ("a:\n\t- x\n", 2), ("a: 1\n  b: 2\n", 2), ("a: @x\n", 1), ("a: \u{0}\n", 1),
    ])
    func `broken YAML is one finding with its line`(text: String, line: Int) {
        let result = Self.parse(text)
        #expect(result.root == nil)
        #expect(result.findings.count == 1)
        #expect(result.findings.first?.hasPrefix("a.yaml:\(line): error: not YAML: ") == true, "\(result.findings)")
    }

    @Test func `bytes that are no UTF-8 are refused`() {
        var findings = Findings()
        #expect(YAMLParser(file: "a").parse([0x61, 0x3A, 0x20, 0xFF], findings: &findings) == nil)
        #expect(findings.text == "a:1: error: the file is not UTF-8; save it as UTF-8\n")
    }

    @Test func `depth, size and number of values are limited, exactly`() {
        var limits = YAMLParser.Limits()
        (limits.depthMax, limits.nodeCountMax, limits.byteCountMax) = (3, 4, 12)
        #expect(Self.parse("[[1]]", limits: limits).findings.isEmpty)
        #expect(Self.parse("[[[1]]]", limits: limits).findings == ["a.yaml:1: error: not YAML: nested deeper than 3 levels"])
        #expect(Self.parse("[1,2,3]", limits: limits).findings.isEmpty)
        #expect(Self.parse("[1,2,3,4]", limits: limits).findings == ["a.yaml:1: error: not YAML: more than 4 values"])
        #expect(Self.parse("[1,2,     3]", limits: limits).findings.isEmpty)
        #expect(
            Self.parse("[1,2,      3]", limits: limits).findings
                == ["a.yaml:1: error: the file has 13 bytes, more than the 12 that are read"]
        )
    }
}
