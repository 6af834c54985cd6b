// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Reads one YAML document into a tree, and says what it refuses.
///
/// The subset is what a configuration needs: mappings, lists and scalars. Anchors and aliases (a few lines of which can
/// stand for gigabytes), tags other than the core schema's, and further documents are refused by findings.
public struct YAMLParser: Sendable {
    /// How much a file may ask of memory and stack.
    public struct Limits: Sendable {
        /// A thousand routes take some 200 KiB; a file over a mebibyte is a mistake.
        public var byteCountMax = 1 << 20
        /// The deepest value of the configuration lies at seven; nodes are built by recursion.
        public var depthMax = 32
        /// Bounds the tree of a file of nothing but commas.
        public var nodeCountMax = 100_000

        /// The defaults.
        public init() {}
    }

    private let file: String
    private let limits: Limits

    /// A parser whose findings name `file`.
    public init(file: String, limits: Limits = Limits()) {
        self.file = file
        self.limits = limits
    }

    /// The document's root, or nil when the bytes are no YAML at all; either way `findings` says what is wrong.
    public func parse(_ bytes: [UInt8], findings: inout Findings) -> YAMLNode? {
        guard bytes.count <= self.limits.byteCountMax else {
            findings.add(
                .error,
                file: self.file,
                line: 1,
                "the file has \(bytes.count) bytes, more than the \(self.limits.byteCountMax) that are read"
            )
            return nil
        }
        guard String(validating: bytes, as: UTF8.self) != nil else {
            findings.add(.error, file: self.file, line: 1, "the file is not UTF-8", remedy: "save it as UTF-8")
            return nil
        }
        var builder = YAMLTreeBuilder(file: self.file, limits: self.limits, events: YAMLEventReader(bytes))
        return builder.document(&findings)
    }

    /// As ``parse(_:findings:)``, from text.
    public func parse(_ text: String, findings: inout Findings) -> YAMLNode? {
        self.parse(Array(text.utf8), findings: &findings)
    }
}

/// Builds the tree from events, top down.
private struct YAMLTreeBuilder {
    let file: String
    let limits: YAMLParser.Limits
    let events: YAMLEventReader
    private var nodeCount = 0

    init(file: String, limits: YAMLParser.Limits, events: YAMLEventReader) {
        self.file = file
        self.limits = limits
        self.events = events
    }

    mutating func document(_ findings: inout Findings) -> YAMLNode? {
        do throws(YAMLSyntaxError) {
            guard let first = try self.events.next() else {
                return YAMLNode(.scalar("", isQuoted: false), mark: YAMLNode.Mark(line: 1, column: 1))
            }
            let root = try self.node(first, depth: 1, &findings)
            if let second = try self.events.next() {
                self.refuse(second.mark, "a second document begins here", "one document in a file, without `---`", &findings)
            }
            return root
        } catch {
            findings.add(.error, file: self.file, line: error.mark.line, "not YAML: \(error.problem)", remedy: error.remedy)
            return nil
        }
    }

    private mutating func node(
        _ event: YAMLEvent,
        depth: Int,
        _ findings: inout Findings
    ) throws(YAMLSyntaxError) -> YAMLNode {
        self.nodeCount += 1
        guard depth <= self.limits.depthMax else {
            throw YAMLSyntaxError(problem: "nested deeper than \(self.limits.depthMax) levels", mark: event.mark)
        }
        guard self.nodeCount <= self.limits.nodeCountMax else {
            throw YAMLSyntaxError(problem: "more than \(self.limits.nodeCountMax) values", mark: event.mark)
        }
        let isRefused = self.refuseExtras(event, &findings)
        let content: YAMLNode.Content =
            switch event.kind {
            case .scalar(let text, let isQuoted): .scalar(text, isQuoted: isQuoted || event.tag == YAMLEvent.textTag)
            case .alias: .refused
            case .sequenceStart: .sequence(try self.items(depth: depth, &findings))
            case .mappingStart: .mapping(try self.entries(depth: depth, &findings))
            case .end: throw YAMLSyntaxError(problem: "a collection ends that did not begin", mark: event.mark)
            }
        return YAMLNode(isRefused ? .refused : content, mark: event.mark)
    }

    private mutating func items(depth: Int, _ findings: inout Findings) throws(YAMLSyntaxError) -> [YAMLNode] {
        var items: [YAMLNode] = []
        while let event = try self.events.next(), event.kind != .end {
            items.append(try self.node(event, depth: depth + 1, &findings))
        }
        return items
    }

    private mutating func entries(depth: Int, _ findings: inout Findings) throws(YAMLSyntaxError) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        var lines: [String: Int] = [:]
        while let event = try self.events.next(), event.kind != .end {
            let key = try self.node(event, depth: depth + 1, &findings)
            guard let valueEvent = try self.events.next() else { break }
            let value = try self.node(valueEvent, depth: depth + 1, &findings)
            guard case .scalar(let text, _) = key.content else {
                if key.content != .refused { self.refuse(key.mark, "a key is \(key.kind)", "a plain name as key", &findings) }
                continue
            }
            if let first = lines[text] {
                let remedy = "it once (first on line \(first))"
                self.refuse(key.mark, "the key `\(Finding.excerpt(text))` is written twice", remedy, &findings)
                continue
            }
            lines[text] = key.mark.line
            entries.append(YAMLNode.Entry(key: text, keyMark: key.mark, value: value))
        }
        return entries
    }

    /// True when the node as a whole cannot be taken.
    private func refuseExtras(_ event: YAMLEvent, _ findings: inout Findings) -> Bool {
        if event.kind == .alias {
            self.refuse(event.mark, "an alias (`*name`) is not read here", "the value itself", &findings)
            return true
        }
        if event.hasAnchor {
            self.refuse(event.mark, "an anchor (`&name`) is not read here", "the value without it", &findings)
        }
        if let tag = event.tag, !YAMLEvent.coreTags.contains(tag) {
            let name = Finding.excerpt(tag)
            self.refuse(event.mark, "the tag `\(name)` is not read here", "the value without a tag", &findings)
            return true
        }
        return false
    }

    private func refuse(_ mark: YAMLNode.Mark, _ message: String, _ remedy: String, _ findings: inout Findings) {
        findings.add(.error, file: self.file, line: mark.line, message, remedy: "write \(remedy)")
    }
}
