// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP

/// Reads request heads by the grammar of RFC 9112 and nothing more. Whatever two parsers could read in two ways is
/// refused, since one of them may stand in front of us or behind us.
///
/// Sans-I/O: bytes in, one head out. It goes on where it stopped, so a head may come in any split; head and line
/// buffers are used again for the next one.
public struct RequestParser: Sendable {
    /// What a call to ``parse(_:)`` came to.
    public enum Progress: Hashable, Sendable {
        /// The input is used up and the head is not whole.
        case incomplete
        /// The head is whole and stands in ``head``; `consumed` bytes of this input belong to it.
        case complete(consumed: Int)
        /// The request is refused. Nothing after this point can be trusted: answer and close.
        case refused(RequestRefusal)
    }

    /// The head, valid after `.complete` until the next ``reset()``.
    public private(set) var head = RequestHead(method: .get, target: [])
    /// True when nothing of the next head has been seen.
    public var isAtStart: Bool { self.lines.byteCount == 0 }

    /// Bytes that the fields of most heads fit.
    private static let likelyByteCount = 1024

    private var lines: LineReader
    private var hasRequestLine = false
    private var length: UInt64?
    private var isChunked = false
    private var fieldCountMax: Int
    private var bodyMax: UInt64

    /// A parser under these limits.
    public init(limits: ServerLimits = ServerLimits()) {
        self.lines = LineReader(limit: limits.headerBytes)
        self.fieldCountMax = limits.fieldCount
        self.bodyMax = limits.bodyBytes
    }

    /// Hands out the head, to whoever is to have it alone. Call ``reset()`` next.
    ///
    /// - Parameter spare: An old head, for its memory.
    mutating func takeHead(leaving spare: consuming RequestHead = RequestHead(method: .get, target: [])) -> RequestHead {
        var head = spare
        swap(&head, &self.head)
        return head
    }

    /// Prepares for the next head. Keeps the memory, unless someone still holds the old head.
    public mutating func reset() {
        self.head.reset()
        self.lines.reset()
        self.hasRequestLine = false
        self.length = nil
        self.isChunked = false
    }

    /// Prepares for the next head, to be read under these limits.
    mutating func reset(limits: ServerLimits) {
        self.reset()
        self.lines.reset(limit: limits.headerBytes)
        self.fieldCountMax = limits.fieldCount
        self.bodyMax = limits.bodyBytes
    }

    /// Reads on. After `.complete` or `.refused`, call ``reset()`` first.
    public mutating func parse(_ input: Span<UInt8>) -> Progress {
        do throws(RequestRefusal) {
            var place = 0
            while let line = try self.nextLine(input, &place) {
                let isOver: Bool
                switch line {
                case .inInput(let range): isOver = try self.take(input.extracting(range), of: input.count)
                case .inKept:
                    let kept = self.lines.kept
                    isOver = try self.take(kept.span, of: input.count)
                }
                if isOver { return .complete(consumed: place) }
            }
            return .incomplete
        } catch {
            return .refused(error)
        }
    }

    /// Reads a line, from an input of so many bytes; true when it ends the head.
    private mutating func take(_ line: Span<UInt8>, of byteCount: Int) throws(RequestRefusal) -> Bool {
        if line.isEmpty, self.hasRequestLine {
            try self.finish()
            return true
        }
        if self.hasRequestLine {
            try self.readField(line)
        } else if !line.isEmpty || self.lines.byteCount > 2 {
            // One empty line before the request line is let pass: RFC 9112 §2.2.
            try self.readRequestLine(line)
            // Nearly always the whole head is here, and of no more fields than these.
            self.head.fields.reserveCapacity(16, byteCount: min(byteCount, Self.likelyByteCount))
        }
        return false
    }

    private mutating func nextLine(_ input: Span<UInt8>, _ place: inout Int) throws(RequestRefusal) -> LineReader.Line? {
        do throws(LineReader.Fault) {
            return try self.lines.next(input, from: &place)
        } catch {
            switch error {
            case .tooLong where self.hasRequestLine: throw RequestRefusal(431, "head_too_large")
            case .tooLong: throw RequestRefusal(414, "target_too_long")
            case .bareLineFeed: throw RequestRefusal(400, "bare_line_feed")
            }
        }
    }
}

// MARK: The request line, RFC 9112 §3

extension RequestParser {
    private mutating func readRequestLine(_ line: Span<UInt8>) throws(RequestRefusal) {
        var space = 0
        while space < line.count, ByteGrammar.isToken(line[space]) { space += 1 }
        var end = space + 1
        while end < line.count, ByteGrammar.isTarget(line[end]) { end += 1 }
        guard space > 0, space < line.count, line[space] == 0x20 else { throw RequestRefusal(400, "bad_method") }
        guard end > space + 1, end < line.count, line[end] == 0x20 else { throw RequestRefusal(400, "bad_target") }
        try self.readVersion(line.extracting((end + 1)...))
        guard let method = Self.method(line.extracting(..<space)) else { throw RequestRefusal(400, "bad_method") }
        guard method != .connect else { throw RequestRefusal(501, "connect_not_supported") }
        // It would show a client what the proxies on its way, and we, have added, credentials among it.
        guard method != .trace else { throw RequestRefusal(501, "trace_not_supported") }
        self.head.method = method
        try self.readTarget(line.extracting((space + 1)..<end))
        self.hasRequestLine = true
    }

    private mutating func readVersion(_ text: Span<UInt8>) throws(RequestRefusal) {
        if text.isExactly("HTTP/1.1") {
            self.head.minorVersion = 1
        } else if text.isExactly("HTTP/1.0") {
            self.head.minorVersion = 0
            self.head.keepAlive = false
        } else if text.count == 8, text.extracting(..<5).isExactly("HTTP/"), ByteGrammar.isDigit(text[5]), text[6] == 0x2E,
            ByteGrammar.isDigit(text[7])
        {
            throw RequestRefusal(505, "version_not_supported")
        } else {
            throw RequestRefusal(400, "bad_version")
        }
    }

    private static func method(_ token: Span<UInt8>) -> Method? {
        if token.isExactly("GET") { return .get }
        if token.isExactly("POST") { return .post }
        var bytes: [UInt8] = []
        bytes.append(span: token)
        return Method(String(decoding: bytes, as: UTF8.self))
    }

    private mutating func readTarget(_ target: Span<UInt8>) throws(RequestRefusal) {
        if target[0] == UInt8(ascii: "/") {
            self.head.setTarget(target)
        } else if target.isExactly("*"), self.head.method == .options {
            self.head.setTarget(target)
        } else {
            try self.readAbsoluteForm(target)
        }
    }

    /// `http://host:port/path` becomes `/path`, the authority is kept and wins over `Host` (RFC 9112 §3.2.2).
    private mutating func readAbsoluteForm(_ target: Span<UInt8>) throws(RequestRefusal) {
        let start: Int
        if target.count > 7, target.extracting(..<7).isName("http://") {
            start = 7
        } else if target.count > 8, target.extracting(..<8).isName("https://") {
            start = 8
        } else {
            throw RequestRefusal(400, "bad_target")
        }
        var end = start
        while end < target.count, target[end] != UInt8(ascii: "/"), target[end] != UInt8(ascii: "?") { end += 1 }
        var authority: [UInt8] = []
        authority.append(span: target.extracting(start..<end))
        guard Authority.isValid(authority[...]) else { throw RequestRefusal(400, "bad_authority") }
        self.head.targetAuthority = authority
        if end < target.count, target[end] == UInt8(ascii: "/") {
            self.head.setTarget(target.extracting(end...))
        } else {
            // An empty path is "/", for OPTIONS without a query "*" (RFC 9112 §3.2.4).
            let isAsterisk = end == target.count && self.head.method == .options
            var path: [UInt8] = isAsterisk ? [UInt8(ascii: "*")] : [UInt8(ascii: "/")]
            path.append(span: target.extracting(end...))
            self.head.target = path
        }
    }
}

// MARK: The fields, RFC 9112 §5 and §6

extension RequestParser {
    private mutating func readField(_ line: Span<UInt8>) throws(RequestRefusal) {
        guard line[0] != 0x20, line[0] != 0x09 else { throw RequestRefusal(400, "folded_field") }
        guard let field = FieldLine(line) else { throw RequestRefusal(400, "bad_field") }
        guard self.head.fields.count < self.fieldCountMax else { throw RequestRefusal(431, "too_many_fields") }
        try self.interpret(name: line.extracting(field.name), value: line.extracting(field.value))
        self.head.fields.appendParsed(line: line, name: field.name, value: field.value)
    }

    /// Reads the fields that decide where the request goes and where it ends.
    private mutating func interpret(name: Span<UInt8>, value: Span<UInt8>) throws(RequestRefusal) {
        switch name.count {
        case 4 where name.isName("host"):
            guard !self.head.fields.contains(.host) else { throw RequestRefusal(400, "two_hosts") }
            guard Authority.isValid(value) else { throw RequestRefusal(400, "bad_host") }
        case 6 where name.isName("expect"):
            guard value.isName("100-continue") else { throw RequestRefusal(417, "unknown_expectation") }
            self.head.expectsContinue = true
        case 10 where name.isName("connection"):
            if value.listContains("close") { self.head.keepAlive = false }
        case 14 where name.isName("content-length"):
            guard self.length == nil else { throw RequestRefusal(400, "two_content_lengths") }
            guard let length = value.decimal else { throw RequestRefusal(400, "bad_content_length") }
            self.length = length
        case 17 where name.isName("transfer-encoding"):
            guard !self.isChunked else { throw RequestRefusal(400, "two_transfer_encodings") }
            guard self.head.minorVersion == 1 else { throw RequestRefusal(400, "transfer_encoding_in_http10") }
            guard value.isExactly("chunked") else { throw RequestRefusal(501, "unknown_transfer_encoding") }
            self.isChunked = true
        default: break
        }
    }

    private mutating func finish() throws(RequestRefusal) {
        guard self.head.minorVersion == 0 || self.head.fields.contains(.host) else { throw RequestRefusal(400, "no_host") }
        if self.isChunked {
            // Which of the two counts is what request smuggling lives on: RFC 9112 §6.1.
            guard self.length == nil else { throw RequestRefusal(400, "length_and_transfer_encoding") }
            self.head.framing = .chunked
        } else if let length = self.length, length > 0 {
            guard length <= self.bodyMax else { throw RequestRefusal(413, "body_too_large") }
            self.head.framing = .length(length)
        }
        let hasBody = self.head.framing != .none
        self.head.expectsContinue = self.head.expectsContinue && hasBody && self.head.minorVersion == 1
    }
}
