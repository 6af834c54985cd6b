// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// A value of a configuration with its place in it, which reads itself as what the caller expects.
///
/// Every reader returns nil after adding a finding that says what is wrong and what to write, so that one pass over a file
/// names all its mistakes. A value that the parser refused stays silent: it has its finding.
public struct ConfigurationValue: Sendable {
    /// The node.
    public let node: YAMLNode
    /// The file as the operator named it.
    public let file: String
    /// `routes[2].price`; empty at the root.
    public let path: String

    /// The line of its key, or the line it begins on where it has none.
    public let line: Int

    /// A value at `path`; without `line`, on the line where the node begins.
    public init(_ node: YAMLNode, file: String, path: String = "", line: Int? = nil) {
        self.node = node
        self.file = file
        self.path = path
        self.line = line ?? node.mark.line
    }

    /// Adds a finding about this value.
    public func report(
        _ severity: Finding.Severity,
        _ message: String,
        remedy: String? = nil,
        _ findings: inout Findings
    ) {
        findings.add(severity, file: self.file, line: self.line, path: self.path, message, remedy: remedy)
    }

    /// Adds an error about this value.
    public func refuse(_ message: String, remedy: String? = nil, _ findings: inout Findings) {
        self.report(.error, message, remedy: remedy, &findings)
    }

    // MARK: Scalars

    /// The scalar's text without a finding; nil for anything else and for nothing.
    public var scalarText: String? {
        guard case .scalar(let text, _) = self.node.content, !self.node.isNull else { return nil }
        return text
    }

    /// Text that is not empty. `example` is what a message proposes.
    public func text(example: String, _ findings: inout Findings) -> String? {
        guard let text = self.scalarText else {
            self.refuseKind(expected: "text", example: example, &findings)
            return nil
        }
        guard !text.isEmpty else {
            self.refuse("is empty", remedy: "write for example `\(example)`", &findings)
            return nil
        }
        return text
    }

    /// `true` or `false`; `yes`, `on` and `1` are refused because YAML versions disagree about them.
    public func boolean(_ findings: inout Findings) -> Bool? {
        guard let text = self.text(example: "true", &findings) else { return nil }
        switch text {
        case "true": return true
        case "false": return false
        default:
            self.refuse("`\(Finding.excerpt(text))` is neither `true` nor `false`", remedy: "write `true` or `false`", &findings)
            return nil
        }
    }

    /// A decimal integer within `range`.
    public func integer(in range: ClosedRange<Int>, _ findings: inout Findings) -> Int? {
        guard let text = self.text(example: "\(range.lowerBound)", &findings) else { return nil }
        let remedy = "write a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard Self.isNumber(text), let value = Int(text) else {
            self.refuse("`\(Finding.excerpt(text))` is no whole number", remedy: remedy, &findings)
            return nil
        }
        guard range.contains(value) else {
            self.refuse("\(value) is out of range", remedy: remedy, &findings)
            return nil
        }
        return value
    }

    /// A duration such as `500ms`, `30s`, `5m`, `1h` or `2d`, within `range`.
    public func duration(in range: ClosedRange<Duration>, _ findings: inout Findings) -> Duration? {
        guard let text = self.text(example: "30s", &findings) else { return nil }
        guard let value = DurationText.parse(text) else {
            let remedy = Self.isNumber(text) ? "write `\(text)s`, or another unit of ms, s, m, h, d" : "write for example `30s`"
            let reason = Self.isNumber(text) ? "has no unit" : "is no duration"
            self.refuse("`\(Finding.excerpt(text))` \(reason)", remedy: remedy, &findings)
            return nil
        }
        guard range.contains(value) else {
            let (low, high) = (DurationText.format(range.lowerBound), DurationText.format(range.upperBound))
            self.refuse("`\(text)` is out of range", remedy: "write a duration from `\(low)` to `\(high)`", &findings)
            return nil
        }
        return value
    }

    /// A size such as `512B`, `16KiB`, `64MiB` or `1GiB`, within `range`, in bytes.
    public func byteCount(in range: ClosedRange<Int>, _ findings: inout Findings) -> Int? {
        guard let text = self.text(example: "16KiB", &findings) else { return nil }
        guard let value = ByteCountText.parse(text) else {
            let remedy = "write a whole number of B, KiB, MiB or GiB, for example `16KiB`"
            self.refuse("`\(Finding.excerpt(text))` is no size", remedy: remedy, &findings)
            return nil
        }
        guard range.contains(value) else {
            let (low, high) = (ByteCountText.format(range.lowerBound), ByteCountText.format(range.upperBound))
            self.refuse("`\(text)` is out of range", remedy: "write a size from `\(low)` to `\(high)`", &findings)
            return nil
        }
        return value
    }

    /// One of `choices`.
    public func choice(of choices: [String], _ findings: inout Findings) -> String? {
        guard let text = self.text(example: choices.first ?? "", &findings) else { return nil }
        guard choices.contains(text) else {
            let list = choices.map { "`\($0)`" }.joined(separator: ", ")
            let remedy = NearestName.find(text, among: choices).map { "write `\($0)`" } ?? "write one of \(list)"
            self.refuse("`\(Finding.excerpt(text))` is not known here", remedy: remedy, &findings)
            return nil
        }
        return text
    }

    /// A reference to a secret. A literal value is refused without being printed.
    public func secretReference(_ findings: inout Findings) -> SecretReference? {
        guard let text = self.scalarText else {
            self.refuseKind(expected: "a reference", example: "env:NAME", &findings)
            return nil
        }
        guard let reference = SecretReference(text) else {
            let remedy = "write a reference, `env:NAME` or `file:PATH`, never the value itself"
            self.refuse("a secret does not belong in this file", remedy: remedy, &findings)
            return nil
        }
        return reference
    }

    /// The secret that a reference names.
    public func secret(from source: SecretSource, _ findings: inout Findings) -> ResolvedSecret? {
        guard let reference = self.secretReference(&findings) else { return nil }
        do throws(SecretError) {
            return ResolvedSecret(reference: reference, value: try source.resolve(reference))
        } catch {
            self.refuse(error.description, remedy: error.remedy, &findings)
            return nil
        }
    }

    // MARK: Collections

    /// The items of a list.
    public func list(_ findings: inout Findings) -> [ConfigurationValue]? {
        guard case .sequence(let items) = self.node.content else {
            self.refuseKind(expected: "a list", example: "[…]", &findings)
            return nil
        }
        return items.enumerated().map { index, item in
            ConfigurationValue(item, file: self.file, path: "\(self.path)[\(index)]")
        }
    }

    /// The items of a list, or a single value as a list of one.
    public func listOrSingle(_ findings: inout Findings) -> [ConfigurationValue]? {
        if case .sequence = self.node.content { return self.list(&findings) }
        return [self]
    }

    /// A mapping whose keys are among `keys`; others are errors, with the nearest known key named.
    public func mapping(keys: [String], _ findings: inout Findings) -> ConfigurationMapping? {
        guard let mapping = self.mapping(example: keys.first.map { "\($0): …" } ?? "{}", &findings) else { return nil }
        for (key, mark) in mapping.keysWithMarks where !keys.contains(key) {
            let remedy =
                NearestName.find(key, among: keys).map { "write `\($0)`" }
                ?? "known here: \(keys.map { "`\($0)`" }.joined(separator: ", "))"
            let place = ConfigurationMapping.path(self.path, key)
            findings.add(.error, file: self.file, line: mark.line, path: place, "unknown key", remedy: remedy)
        }
        return mapping
    }

    /// A mapping with keys of the operator's choosing.
    public func mapping(example: String, _ findings: inout Findings) -> ConfigurationMapping? {
        guard case .mapping(let entries) = self.node.content else {
            self.refuseKind(expected: "a mapping", example: "{\(example)}", &findings)
            return nil
        }
        return ConfigurationMapping(entries, of: self, &findings)
    }

    private func refuseKind(expected: String, example: String, _ findings: inout Findings) {
        guard self.node.content != .refused else { return }
        self.refuse("is \(self.node.kind), not \(expected)", remedy: "write for example `\(example)`", &findings)
    }

    private static func isNumber(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
}

/// The entries of a mapping, each a value with its path.
public struct ConfigurationMapping: Sendable {
    /// Keys and values in the file's order; keys without a value are left out, and found.
    public let entries: [(key: String, value: ConfigurationValue)]
    /// The mapping itself, for findings about what is missing in it.
    public let owner: ConfigurationValue
    /// Every key with its place, also those without a value.
    let keysWithMarks: [(key: String, mark: YAMLNode.Mark)]

    init(_ entries: [YAMLNode.Entry], of owner: ConfigurationValue, _ findings: inout Findings) {
        var values: [(key: String, value: ConfigurationValue)] = []
        for entry in entries {
            let path = Self.path(owner.path, entry.key)
            guard !entry.value.isNull else {
                let remedy = "write a value, or remove the line"
                findings.add(.error, file: owner.file, line: entry.keyMark.line, path: path, "has no value", remedy: remedy)
                continue
            }
            let value = ConfigurationValue(entry.value, file: owner.file, path: path, line: entry.keyMark.line)
            values.append((entry.key, value))
        }
        self.entries = values
        self.owner = owner
        self.keysWithMarks = entries.map { ($0.key, $0.keyMark) }
    }

    /// The value of `key`, or nil when it is absent or empty.
    public subscript(key: String) -> ConfigurationValue? {
        self.entries.first { $0.key == key }?.value
    }

    /// All keys in the file's order, those without a value among them.
    public var names: [String] { self.keysWithMarks.map(\.key) }

    /// Whether `key` stands there, be it with a value or not.
    public func has(_ key: String) -> Bool {
        self.keysWithMarks.contains { $0.key == key }
    }

    /// The value of `key`; its absence is an error.
    public func required(_ key: String, example: String, _ findings: inout Findings) -> ConfigurationValue? {
        if !self.has(key) {
            self.owner.refuse("`\(key)` is missing", remedy: "write for example `\(key): \(example)`", &findings)
        }
        return self[key]
    }

    static func path(_ parent: String, _ key: String) -> String {
        let isPlain = !key.isEmpty && key.utf8.allSatisfy { $0 > 0x20 && $0 != 0x2E && $0 != 0x5B && $0 != 0x5D }
        guard isPlain else { return "\(parent)[\"\(Finding.excerpt(key))\"]" }
        return parent.isEmpty ? key : "\(parent).\(key)"
    }
}
