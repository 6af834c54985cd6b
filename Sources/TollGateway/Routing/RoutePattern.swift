// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP

/// What a route matches: an optional method and a path pattern, `GET /weather/*`.
///
/// In a path, `*` stands for one or more characters within a segment, `{name}` for one whole segment, and `**`, as the last
/// segment, for everything below, the bare prefix included. Everything else is itself, byte for byte.
public struct RoutePattern: Hashable, Sendable, CustomStringConvertible {
    /// What is wrong with a pattern.
    public struct ParseError: Error, Hashable, Sendable, CustomStringConvertible {
        /// What is wrong, and what to write instead.
        public let description: String
    }

    private enum Segment: Hashable, Sendable {
        case literal([UInt8])
        /// The pieces between stars: `a*b` is ["a", "b"].
        case glob([[UInt8]])
        case name
    }

    /// The pattern as it was written.
    public let description: String
    /// Nil matches every method.
    public let method: Method?
    /// The path part as it was written.
    public let path: String
    private let segments: [Segment]
    private let takesRest: Bool

    /// Reads `[METHOD ]/path`.
    public init(_ text: String) throws(ParseError) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        switch parts.count {
        case 1: self.method = nil
        case 2:
            guard let method = Method(parts[0]), parts[0] == parts[0].uppercased() else {
                throw ParseError(description: "\"\(parts[0])\" is no method; write it in capitals, such as GET")
            }
            self.method = method
        default: throw ParseError(description: "write a method, one space and a path, such as GET /weather/*")
        }
        self.description = text
        self.path = parts[parts.count - 1]
        guard self.path.hasPrefix("/") else { throw ParseError(description: "a path begins with /, such as /weather/*") }
        guard self.path.utf8.allSatisfy({ ByteGrammar.isTarget($0) && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "\\") }) else {
            throw ParseError(description: "a path has no spaces, ?, #, \\ or characters beyond ASCII; write them percent-encoded")
        }
        var texts = self.path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        self.takesRest = texts.last == "**"
        if self.takesRest { texts.removeLast() }
        var segments: [Segment] = []
        for text in texts { segments.append(try Self.segment(text)) }
        self.segments = segments
    }

    private static func segment(_ text: String) throws(ParseError) -> Segment {
        if text.contains("**") { throw ParseError(description: "** stands for everything below and can only be the last segment") }
        if text.hasPrefix("{"), text.hasSuffix("}"), text.count > 2 { return .name }
        if text.contains("{") || text.contains("}") {
            throw ParseError(description: "{name} stands for one whole segment, such as /users/{id}/posts")
        }
        if text == "." || text == ".." { throw ParseError(description: "a path has no . or .. segment") }
        guard text.contains("*") else { return .literal(Array(text.utf8)) }
        return .glob(text.split(separator: "*", omittingEmptySubsequences: false).map { Array($0.utf8) })
    }

    /// Whether the pattern has no wildcard, so that one path is all it matches.
    public var isLiteral: Bool {
        !self.takesRest && self.segments.allSatisfy { if case .literal = $0 { true } else { false } }
    }

    /// The same pattern for the second reading of a path: literals read leniently too, empty segments gone.
    var lenient: RoutePattern {
        let segments: [Segment] = self.segments.compactMap { segment in
            switch segment {
            case .literal(let bytes):
                let reading = PathReading.lenientSegment(bytes)
                return reading.isEmpty ? nil : .literal(reading)
            case .glob(let pieces): return .glob(pieces.map(PathReading.lenientSegment))
            case .name: return .name
            }
        }
        return RoutePattern(copying: self, segments: segments)
    }

    private init(copying other: RoutePattern, segments: [Segment]) {
        self.description = other.description
        self.method = other.method
        self.path = other.path
        self.takesRest = other.takesRest
        self.segments = segments
    }

    /// Whether `method` is taken. GET takes HEAD.
    public func takes(_ method: Method) -> Bool {
        guard let own = self.method else { return true }
        return own == method || (own == .get && method == .head)
    }

    /// Whether the pattern matches exactly these bytes of a path.
    public func matches(_ path: ArraySlice<UInt8>) -> Bool {
        guard path.first == UInt8(ascii: "/") else { return false }
        var rest = path.dropFirst()
        var isExhausted = false
        for segment in self.segments {
            guard !isExhausted else { return false }
            let end = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
            guard Self.matches(segment, rest[rest.startIndex..<end]) else { return false }
            isExhausted = end == rest.endIndex
            rest = isExhausted ? rest[end...] : rest[(end + 1)...]
        }
        return self.takesRest || isExhausted || (self.segments.isEmpty && rest.isEmpty)
    }

    private static func matches(_ segment: Segment, _ text: ArraySlice<UInt8>) -> Bool {
        switch segment {
        case .literal(let bytes): text.elementsEqual(bytes)
        case .name: !text.isEmpty
        case .glob(let pieces): glob(pieces, text)
        }
    }

    /// Each star takes at least one byte. Taking the first place where the next piece fits is enough: a later place leaves
    /// less for what follows.
    private static func glob(_ pieces: [[UInt8]], _ text: ArraySlice<UInt8>) -> Bool {
        guard text.starts(with: pieces[0]) else { return false }
        var rest = text.dropFirst(pieces[0].count)
        for piece in pieces.dropFirst().dropLast() {
            guard let place = firstRange(of: piece, in: rest.dropFirst()) else { return false }
            rest = rest[(place + piece.count)...]
        }
        let last = pieces[pieces.count - 1]
        return rest.count > last.count && rest.suffix(last.count).elementsEqual(last)
    }

    private static func firstRange(of piece: [UInt8], in text: ArraySlice<UInt8>) -> Int? {
        guard text.count >= piece.count else { return nil }
        return (text.startIndex...(text.endIndex - piece.count)).first { text[$0...].starts(with: piece) }
    }
}
