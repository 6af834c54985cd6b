// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP

/// What a route's `match` says: an optional method, and a path whose segments are literal, `*` or `{name}` (one segment that is
/// not empty) or, as the last, `**` (all that is left, which may be nothing after its slash).
public struct RoutePattern: Hashable, Sendable, CustomStringConvertible {
    enum Segment: Hashable, Sendable {
        /// Exactly this; empty only as the last, for a path that ends in `/`.
        case literal(String)
        /// One segment, with the name it was given.
        case any(name: String?)
        /// The rest of the path.
        case rest
    }

    /// Why a text is no pattern.
    public struct Problem: Error, Equatable {
        /// What is wrong.
        public let message: String
        /// What to write instead.
        public let remedy: String
    }

    /// Nil for every method.
    public let method: Method?
    /// What stands between the slashes; `/` is one empty literal.
    let segments: [Segment]
    /// The path as written.
    public let path: String
    /// The bytes of the only path that matches, where there is no wildcard.
    private let literalPath: [UInt8]?

    /// `GET /weather/*`.
    public var description: String { self.method.map { "\($0) \(self.path)" } ?? self.path }

    /// Reads `[METHOD ]/path`.
    public init(_ text: String) throws(Problem) {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard (1...2).contains(words.count), !words.contains(""), let path = words.last else {
            let remedy = "write `METHOD /path` or `/path`, with one space"
            throw Problem(message: "has \(words.count(where: { !$0.isEmpty })) words or stray spaces", remedy: remedy)
        }
        self.method = words.count == 2 ? try Self.method(words[0]) : nil
        guard path.hasPrefix("/") else {
            throw Problem(
                message: "the path does not begin with `/`",
                remedy: "write `\(self.method.map { "\($0) " } ?? "")/\(path)`"
            )
        }
        self.path = String(path)
        let texts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        var segments: [Segment] = []
        for (index, text) in texts.enumerated() {
            segments.append(try Self.segment(text, isLast: index == texts.count - 1))
        }
        let names = segments.compactMap { segment -> String? in
            if case .any(let name) = segment { name } else { nil }
        }
        guard Set(names).count == names.count else {
            throw Problem(message: "a name stands in braces twice", remedy: "give each `{name}` its own")
        }
        self.segments = segments
        let isLiteral = segments.allSatisfy { if case .literal = $0 { true } else { false } }
        self.literalPath = isLiteral ? Array(path.utf8) : nil
    }

    private static func method(_ word: Substring) throws(Problem) -> Method {
        guard let method = Method(String(word)), word.utf8.allSatisfy({ (0x41...0x5A).contains($0) || $0 == 0x2D }) else {
            let isLetters = word.utf8.allSatisfy { (0x41...0x5A).contains($0 & 0xDF) }
            let remedy = isLetters ? "write `\(word.uppercased())`" : "write `METHOD /path` or `/path`"
            throw Problem(message: "`\(word.prefix(20))` is no method", remedy: remedy)
        }
        guard word != "CONNECT" else {
            throw Problem(message: "CONNECT has no path, and is not forwarded", remedy: "name another method")
        }
        guard word != "TRACE" else {
            throw Problem(message: "TRACE shows clients what proxies have added, and is refused", remedy: "name another method")
        }
        return method
    }

    private static func segment(_ text: Substring, isLast: Bool) throws(Problem) -> Segment {
        switch text {
        case "*":
            return .any(name: nil)
        case "**":
            guard isLast else {
                throw Problem(message: "`**` is not at the end", remedy: "write `*` for one segment within the path")
            }
            return .rest
        case "":
            guard isLast else { throw Problem(message: "an empty segment (`//`)", remedy: "write one `/`") }
            return .literal("")
        case ".", "..":
            throw Problem(message: "the segment `\(text)` never reaches a route", remedy: "write the path it leads to")
        default:
            break
        }
        if text.hasPrefix("{"), text.hasSuffix("}") {
            let name = text.dropFirst().dropLast()
            guard !name.isEmpty, name.utf8.allSatisfy(Self.isNameByte) else {
                throw Problem(message: "`\(text)` has no name of letters, digits and `_`", remedy: "write for example `{city}`")
            }
            return .any(name: String(name))
        }
        if let odd = text.unicodeScalars.first(where: { !Self.isLiteral($0) }) {
            let remedy =
                "\"*{}".unicodeScalars.contains(odd)
                ? "let `*` or `{name}` stand for the whole segment" : "write `*` in place of the segment"
            throw Problem(message: "`\(odd)` cannot stand within a segment", remedy: remedy)
        }
        return .literal(String(text))
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || byte == 0x5F
    }

    /// RFC 3986 §3.3 `pchar` without `%` and `;`: encoded characters and parameters are read away before the route is checked
    /// a second time, so that a pattern with them would never agree with itself.
    private static func isLiteral(_ scalar: Unicode.Scalar) -> Bool {
        guard let byte = UInt8(exactly: scalar.value) else { return false }
        return (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || "-._~!$&'()+,=:@".utf8.contains(byte)
    }

    /// Whether every request that `other` matches is matched by this one, so that `other` behind it never has a turn.
    public func covers(_ other: RoutePattern) -> Bool {
        let isMethodCovered =
            self.method == nil || self.method == other.method || (self.method == .get && other.method == .head)
        return isMethodCovered && Self.covers(self.segments[...], other.segments[...])
    }

    private static func covers(_ mine: ArraySlice<Segment>, _ others: ArraySlice<Segment>) -> Bool {
        guard let first = mine.first, let other = others.first else { return mine.isEmpty && others.isEmpty }
        switch (first, other) {
        case (.rest, _): return true
        case (_, .rest): return false
        case (.any, .literal(let text)): guard !text.isEmpty else { return false }
        case (.any, .any): break
        case (.literal, .any): return false
        case (.literal(let text), .literal(let otherText)): guard text == otherText else { return false }
        }
        return self.covers(mine.dropFirst(), others.dropFirst())
    }

    // MARK: - Matching

    /// Whether the pattern has no wildcard, so that one path is all it matches.
    public var isLiteral: Bool { self.literalPath != nil }

    /// Whether `method` is taken. GET takes HEAD.
    public func takes(_ method: Method) -> Bool {
        guard let own = self.method else { return true }
        return own == method || (own == .get && method == .head)
    }

    /// Whether the pattern matches exactly these bytes of a path.
    public func matches(_ path: ArraySlice<UInt8>) -> Bool {
        if let literal = self.literalPath { return path.count == literal.count && path.elementsEqual(literal) }
        guard path.first == UInt8(ascii: "/") else { return false }
        var rest = path.dropFirst()
        for (index, segment) in self.segments.enumerated() {
            if segment == .rest { return true }
            let end = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
            switch segment {
            case .literal(let text): guard rest[rest.startIndex..<end].elementsEqual(text.utf8) else { return false }
            case .any, .rest: guard end > rest.startIndex else { return false }
            }
            let isLast = index == self.segments.count - 1
            guard isLast == (end == rest.endIndex) else { return false }
            rest = isLast ? [] : rest[(end + 1)...]
        }
        return true
    }

    /// Whether these segments of a path, decoded and in lower case, are ones that this pattern would match if it were read as
    /// leniently: without regard to case and to a slash at the end.
    func matches(reading segments: [[UInt8]]) -> Bool {
        let own = self.segments.last == .literal("") ? self.segments.dropLast() : self.segments[...]
        let rest = self.unmatched(own, segments)
        return rest == [] || rest == [.rest]
    }

    /// The same without regard to case alone: a slash at the end, which is an empty segment, counts as in ``matches(_:)``.
    func matches(exactReading segments: [[UInt8]]) -> Bool { self.unmatched(self.segments[...], segments) == [] }

    /// What of `own` is left when these segments have been matched; nil when one of them is not.
    private func unmatched(_ own: ArraySlice<Segment>, _ segments: [[UInt8]]) -> ArraySlice<Segment>? {
        var own = own
        for segment in segments {
            guard let wanted = own.popFirst() else { return nil }
            switch wanted {
            case .rest: return []
            case .any: guard !segment.isEmpty else { return nil }
            case .literal(let text): guard segment.elementsEqual(text.utf8.lazy.map(ByteGrammar.lowercased)) else { return nil }
            }
        }
        return own
    }

    /// Whether a lenient server could take a plain path for this pattern's though it is not, byte by byte.
    var isLoose: Bool {
        guard self.segments != [.literal("")], self.segments != [.rest] else { return false }
        return self.segments.last == .rest || self.segments.last == .literal("")
            || self.segments.contains { if case .literal(let text) = $0 { text != text.lowercased() } else { false } }
    }
}
