// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP

/// Takes the framing off a body: a known length, chunks, or everything until close.
public struct BodyDecoder: Sendable {
    private enum State {
        case length(UInt64)
        case untilClose
        case chunkLine
        case chunk(UInt64)
        case chunkEnd
        case trailers
        case done
    }

    /// The trailers of a chunked body, complete when the body is (RFC 9110 §6.5). Never merged with the fields.
    public private(set) var trailers = Fields()
    /// Body bytes given out so far.
    public private(set) var byteCount: UInt64 = 0

    private var state: State
    private var lines: LineReader

    /// Chunk lines with their extensions: a size has 16 digits at most, extensions are of no use to us.
    private static let chunkLineMax = 256
    /// A trailer section: far more than any in use.
    private static let trailerMax = 8 * 1024
    private static let trailerCountMax = 32

    /// A decoder for the body of a request.
    public init(request framing: BodyFraming) {
        switch framing {
        case .none: self.init(state: .done)
        case .length(let length): self.init(state: length == 0 ? .done : .length(length))
        case .chunked: self.init(state: .chunkLine)
        }
    }

    /// A decoder for the body of a response.
    public init(response framing: ResponseParser.Framing) {
        switch framing {
        case .none: self.init(state: .done)
        case .length(let length): self.init(state: length == 0 ? .done : .length(length))
        case .chunked: self.init(state: .chunkLine)
        case .untilClose: self.init(state: .untilClose)
        }
    }

    private init(state: State) {
        self.state = state
        self.lines = LineReader(limit: Self.chunkLineMax)
    }

    /// True when the body is whole.
    public var isDone: Bool {
        if case .done = self.state { true } else { false }
    }

    /// Bytes still to come, when known.
    public var remaining: UInt64? {
        switch self.state {
        case .length(let rest): rest
        case .done: 0
        default: nil
        }
    }

    /// The peer has closed its side. That ends a body until close and breaks any other.
    public mutating func close() throws(HTTPError) {
        switch self.state {
        case .untilClose: self.state = .done
        case .done: break
        default: throw HTTPError(.disconnected, "the connection ended inside a body")
        }
    }

    /// Decodes from the start of `input`, giving out at most `room` bytes.
    ///
    /// - Returns: How many bytes of the input were used: all of them unless the body or the room ended.
    public mutating func decode(_ input: Span<UInt8>, room: Int, into output: inout [UInt8]) throws(HTTPError) -> Int {
        var place = 0
        var room = room
        while true {
            switch self.state {
            case .done:
                return place
            case .untilClose:
                guard self.copy(input, &place, &room, .max, &output) > 0 else { return place }
            case .length(let rest):
                let count = self.copy(input, &place, &room, rest, &output)
                self.state = rest == count ? .done : .length(rest - count)
                guard count > 0 else { return place }
            case .chunk(let rest):
                let count = self.copy(input, &place, &room, rest, &output)
                self.state = rest == count ? .chunkEnd : .chunk(rest - count)
                guard count > 0 else { return place }
            case .chunkLine, .chunkEnd, .trailers:
                guard let line = try self.nextLine(input, &place) else { return place }
                switch line {
                case .inInput(let range): try self.take(input.extracting(range))
                case .inKept:
                    let kept = self.lines.kept
                    try self.take(kept.span)
                }
            }
        }
    }

    private mutating func copy(
        _ input: Span<UInt8>,
        _ place: inout Int,
        _ room: inout Int,
        _ rest: UInt64,
        _ output: inout [UInt8]
    ) -> UInt64 {
        let count = Int(min(UInt64(min(room, input.count - place)), rest))
        output.append(span: input.extracting(place..<(place + count)))
        place += count
        room -= count
        self.byteCount += UInt64(count)
        return UInt64(count)
    }

    private mutating func nextLine(_ input: Span<UInt8>, _ place: inout Int) throws(HTTPError) -> LineReader.Line? {
        do throws(LineReader.Fault) {
            return try self.lines.next(input, from: &place)
        } catch {
            switch error {
            case .tooLong where self.isAfterChunk: throw HTTPError(.malformed, "a chunk is longer than its size says")
            case .tooLong: throw HTTPError(.tooLarge, "a chunk line or the trailers are over the limit")
            case .bareLineFeed: throw HTTPError(.malformed, "a chunk line ends without CRLF")
            }
        }
    }

    private var isAfterChunk: Bool {
        if case .chunkEnd = self.state { true } else { false }
    }

    private mutating func take(_ line: Span<UInt8>) throws(HTTPError) {
        switch self.state {
        case .chunkLine:
            let size = try Self.chunkSize(line)
            self.state = size == 0 ? .trailers : .chunk(size)
            self.lines.reset(limit: size == 0 ? Self.trailerMax : 2)
        case .chunkEnd:
            guard line.isEmpty else { throw HTTPError(.malformed, "a chunk is longer than its size says") }
            self.state = .chunkLine
            self.lines.reset(limit: Self.chunkLineMax)
        default:
            try self.takeTrailer(line)
        }
    }

    private mutating func takeTrailer(_ line: Span<UInt8>) throws(HTTPError) {
        guard !line.isEmpty else { return self.state = .done }
        guard let field = FieldLine(line), self.trailers.count < Self.trailerCountMax else {
            throw HTTPError(.malformed, "a trailer line is no field")
        }
        self.trailers.appendParsed(line: line, name: field.name, value: field.value)
    }

    /// `1*HEXDIG [ ";" … ]` (RFC 9112 §7.1): no sign, no prefix, no space, below 2^64. Extensions are checked for
    /// controls and ignored.
    private static func chunkSize(_ line: Span<UInt8>) throws(HTTPError) -> UInt64 {
        var size: UInt64 = 0
        var place = 0
        while place < line.count, let digit = Self.hex(line[place]) {
            guard size >> 60 == 0 else { throw HTTPError(.malformed, "a chunk size is over 2^64") }
            size = size << 4 | UInt64(digit)
            place += 1
        }
        guard place > 0, place == line.count || line[place] == UInt8(ascii: ";") else {
            throw HTTPError(.malformed, "a chunk size is not hexadecimal digits")
        }
        for rest in place..<line.count where !ByteGrammar.isValue(line[rest]) {
            throw HTTPError(.malformed, "a control character in a chunk extension")
        }
        return size
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        if ByteGrammar.isDigit(byte) { return byte - 0x30 }
        let letter = ByteGrammar.lowercased(byte) &- 0x61
        return letter < 6 ? letter + 10 : nil
    }
}
