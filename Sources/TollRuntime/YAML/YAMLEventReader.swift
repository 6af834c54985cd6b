// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import CYAML

/// The bytes stop being YAML here.
struct YAMLSyntaxError: Error {
    var problem: String
    var mark: YAMLNode.Mark
    var remedy: String?
}

/// What libyaml reports, in Swift's terms.
struct YAMLEvent {
    enum Kind: Equatable {
        case scalar(String, isQuoted: Bool)
        case alias
        case sequenceStart
        case mappingStart
        case end
    }

    static let textTag = "tag:yaml.org,2002:str"
    /// YAML 1.2.2 §10.3, with `!`, which only says "not resolved".
    static let coreTags: Set<String> = [
        textTag, "tag:yaml.org,2002:int", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:float", "tag:yaml.org,2002:null",
        "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map", "!",
    ]

    var kind: Kind
    var mark: YAMLNode.Mark
    var tag: String?
    var hasAnchor: Bool
}

/// Pulls events from libyaml. Owns the C parser and the bytes it reads.
@safe
final class YAMLEventReader {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>
    private let isReady: Bool

    init(_ bytes: [UInt8]) {
        unsafe self.input = .allocate(capacity: bytes.count)
        _ = unsafe self.input.initialize(from: bytes)
        unsafe self.parser = .allocate(capacity: 1)
        unsafe self.parser.initialize(to: yaml_parser_t())
        self.isReady = unsafe yaml_parser_initialize(self.parser) == 1
        guard self.isReady else { return }
        unsafe yaml_parser_set_encoding(self.parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(self.parser, self.input.baseAddress, self.input.count)
    }

    deinit {
        if self.isReady { unsafe yaml_parser_delete(self.parser) }
        unsafe self.parser.deallocate()
        unsafe self.input.deallocate()
    }

    /// The next event that carries content, or nil after the last.
    func next() throws(YAMLSyntaxError) -> YAMLEvent? {
        guard self.isReady else { throw YAMLSyntaxError(problem: "no memory", mark: YAMLNode.Mark(line: 1, column: 1)) }
        while true {
            var event = unsafe yaml_event_t()
            guard unsafe yaml_parser_parse(self.parser, &event) == 1 else { throw self.syntaxError() }
            defer { unsafe yaml_event_delete(&event) }
            let type = unsafe event.type
            if type == YAML_STREAM_END_EVENT || type == YAML_NO_EVENT { return nil }
            if let event = unsafe Self.event(event) { return event }
        }
    }

    /// Nil for the events that only frame the stream and its documents.
    private static func event(_ event: yaml_event_t) -> YAMLEvent? {
        let mark = unsafe Self.mark(event.start_mark)
        switch unsafe event.type {
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            let text = unsafe String(decoding: bytes, as: UTF8.self)
            let isQuoted = unsafe scalar.style != YAML_PLAIN_SCALAR_STYLE
            return unsafe YAMLEvent(
                kind: .scalar(text, isQuoted: isQuoted),
                mark: mark,
                tag: Self.text(scalar.tag),
                hasAnchor: scalar.anchor != nil
            )
        case YAML_ALIAS_EVENT:
            return YAMLEvent(kind: .alias, mark: mark, tag: nil, hasAnchor: false)
        case YAML_SEQUENCE_START_EVENT:
            let start = unsafe event.data.sequence_start
            return unsafe YAMLEvent(kind: .sequenceStart, mark: mark, tag: Self.text(start.tag), hasAnchor: start.anchor != nil)
        case YAML_MAPPING_START_EVENT:
            let start = unsafe event.data.mapping_start
            return unsafe YAMLEvent(kind: .mappingStart, mark: mark, tag: Self.text(start.tag), hasAnchor: start.anchor != nil)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
            return YAMLEvent(kind: .end, mark: mark, tag: nil, hasAnchor: false)
        default:
            return nil
        }
    }

    private static func text(_ bytes: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        guard let bytes = unsafe bytes else { return nil }
        return unsafe String(cString: bytes)
    }

    private static func mark(_ mark: yaml_mark_t) -> YAMLNode.Mark {
        YAMLNode.Mark(line: mark.line + 1, column: mark.column + 1)
    }

    private func syntaxError() -> YAMLSyntaxError {
        let problem = unsafe self.parser.pointee.problem.map { unsafe String(cString: $0) } ?? "unreadable"
        let context = unsafe self.parser.pointee.context.map { unsafe String(cString: $0) + ": " } ?? ""
        let mark = unsafe Self.mark(self.parser.pointee.problem_mark)
        return YAMLSyntaxError(problem: context + problem, mark: mark, remedy: Self.remedy(for: problem))
    }

    private static func remedy(for problem: String) -> String? {
        if problem.contains("cannot start any token") { return "indent with spaces, and quote text that begins with a sign" }
        if problem.contains("did not find expected ',' or") { return "quote text that has `{`, `}`, `[`, `]` or `,` in it" }
        return nil
    }
}
