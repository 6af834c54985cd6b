// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP

/// Reads response heads, as strictly as ``RequestParser`` reads requests. Interim responses (1xx) are passed over.
public struct ResponseParser: Sendable {
    /// How the end of the body is known.
    public enum Framing: Hashable, Sendable {
        /// There is no body.
        case none
        /// Exactly this many bytes.
        case length(UInt64)
        /// Chunks.
        case chunked
        /// Everything until the connection is closed.
        case untilClose
    }

    /// The head, valid once ``parse(_:)`` has returned a count.
    public private(set) var head = ResponseHead(status: 0)
    /// How the body is framed.
    public private(set) var framing = Framing.none
    /// What `Content-Length` says, also for `HEAD`.
    public private(set) var length: UInt64?
    /// Whether the connection can be used again after the body.
    public private(set) var keepAlive = true
    /// True when nothing of a response has been seen.
    public var isAtStart: Bool { self.lines.byteCount == 0 && !self.sawInterim }

    /// Bytes that the fields of most heads fit, with what is added on their way on.
    private static let likelyByteCount = 1024
    private static let likelyAddedByteCount = 384

    private var lines: LineReader
    private var isVersion11 = false
    private var isChunked = false
    private var sawInterim = false
    /// Whether the response is to `HEAD`.
    let isHead: Bool
    private let upgrade: String?
    private let fieldCountMax: Int

    /// A parser for the response to one request.
    ///
    /// - Parameters:
    ///   - method: The request's method: the response to `HEAD` has no body.
    ///   - headerBytes: The largest head accepted.
    ///   - upgrade: The protocol that the request asks to switch to, if any.
    public init(to method: Method, headerBytes: Int = 64 * 1024, fieldCount: Int = 200, upgrade: String? = nil) {
        self.isHead = method == .head
        self.upgrade = upgrade
        self.lines = LineReader(limit: headerBytes)
        self.fieldCountMax = fieldCount
    }

    /// Reads on. Returns how many bytes of this input belong to the head once it is whole; nil while it is not.
    public mutating func parse(_ input: Span<UInt8>) throws(HTTPError) -> Int? {
        var place = 0
        while let line = try self.nextLine(input, &place) {
            let isOver: Bool
            switch line {
            case .inInput(let range): isOver = try self.take(input.extracting(range), of: input.count)
            case .inKept:
                let kept = self.lines.kept
                isOver = try self.take(kept.span, of: input.count)
            }
            if isOver { return place }
        }
        return nil
    }

    /// Takes an empty head to read into, with the memory that it has. Only at the start.
    mutating func readHead(into empty: inout ResponseHead) { swap(&self.head, &empty) }

    /// Hands out the head, to whoever is to have it alone.
    mutating func takeHead() -> ResponseHead {
        var head = ResponseHead(status: 0)
        swap(&head, &self.head)
        return head
    }

    /// Reads a line, from an input of so many bytes; true when it ends the head.
    private mutating func take(_ line: Span<UInt8>, of byteCount: Int) throws(HTTPError) -> Bool {
        if self.head.status == 0 {
            try self.readStatusLine(line)
            // Nearly always the whole head is here, and of no more fields than these.
            self.head.fields.reserveCapacity(16, byteCount: min(byteCount + Self.likelyAddedByteCount, Self.likelyByteCount))
        } else if !line.isEmpty {
            try self.readField(line)
        } else if self.head.status >= 200 || self.head.status == 101 {
            try self.finish()
            return true
        } else {
            self.passOverInterim()
        }
        return false
    }

    private mutating func nextLine(_ input: Span<UInt8>, _ place: inout Int) throws(HTTPError) -> LineReader.Line? {
        do throws(LineReader.Fault) {
            return try self.lines.next(input, from: &place)
        } catch {
            switch error {
            case .tooLong: throw HTTPError(.tooLarge, "the response's head is over the limit")
            case .bareLineFeed: throw HTTPError(.malformed, "a line of the response's head ends without CRLF")
            }
        }
    }

    private mutating func readStatusLine(_ line: Span<UInt8>) throws(HTTPError) {
        guard line.count >= 12, line.extracting(..<7).isExactly("HTTP/1."), line[7] == 0x30 || line[7] == 0x31, line[8] == 0x20,
            let status = line.extracting(9..<12).decimal, 100...599 ~= status, line.count == 12 || line[12] == 0x20
        else { throw HTTPError(.malformed, "the response does not start with a status line of HTTP/1.1 or 1.0") }
        for place in line.indices where !ByteGrammar.isValue(line[place]) {
            throw HTTPError(.malformed, "a control character in the status line")
        }
        guard status != 101 || self.upgrade != nil else {
            throw HTTPError(.malformed, "the peer switches protocols without being asked")
        }
        self.head.status = Int(status)
        self.isVersion11 = line[7] == 0x31
        self.keepAlive = self.isVersion11
    }

    private mutating func readField(_ line: Span<UInt8>) throws(HTTPError) {
        guard let field = FieldLine(line) else { throw HTTPError(.malformed, "a line of the response's head is no field") }
        guard self.head.fields.count < self.fieldCountMax else { throw HTTPError(.tooLarge, "too many fields in the response") }
        let name = line.extracting(field.name)
        let value = line.extracting(field.value)
        switch name.count {
        case 10 where name.isName("connection"):
            if value.listContains("close") { self.keepAlive = false }
        case 14 where name.isName("content-length"):
            guard self.length == nil, let length = value.decimal else {
                throw HTTPError(.malformed, "Content-Length of the response is not one number")
            }
            self.length = length
        case 17 where name.isName("transfer-encoding"):
            guard !self.isChunked, value.isExactly("chunked"), self.isVersion11 else {
                throw HTTPError(.malformed, "Transfer-Encoding of the response is not once chunked")
            }
            self.isChunked = true
        default: break
        }
        self.head.fields.appendParsed(line: line, name: field.name, value: field.value)
    }

    private mutating func finish() throws(HTTPError) {
        guard !self.isChunked || self.length == nil else {
            throw HTTPError(.malformed, "the response has both Content-Length and Transfer-Encoding")
        }
        if self.head.status == 101 {
            guard let upgrade = self.upgrade, self.head.fields.listContains(.upgrade, upgrade) else {
                throw HTTPError(.malformed, "the peer switches to another protocol than asked for")
            }
            self.framing = .untilClose
            self.keepAlive = false
        } else if self.isHead || self.head.isBodyless {
            self.framing = .none
        } else if self.isChunked {
            self.framing = .chunked
        } else if let length = self.length {
            self.framing = length == 0 ? .none : .length(length)
        } else {
            self.framing = .untilClose
            self.keepAlive = false
        }
    }

    private mutating func passOverInterim() {
        self.sawInterim = true
        self.head = ResponseHead(status: 0)
        self.length = nil
        self.isChunked = false
    }
}
