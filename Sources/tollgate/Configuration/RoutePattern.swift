// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// What a route's `match` says: an optional method, and a path whose segments are literal, `*` or `{name}` (one segment that is
/// not empty) or, as the last, `**` (all that is left, which may be nothing after its slash).
struct RoutePattern: Hashable, Sendable, CustomStringConvertible {
    enum Segment: Hashable, Sendable {
        /// Exactly this; empty only as the last, for a path that ends in `/`.
        case literal(String)
        /// One segment, with the name it was given.
        case any(name: String?)
        /// The rest of the path.
        case rest
    }

    /// Why a text is no pattern.
    struct Problem: Error, Equatable {
        var message: String
        var remedy: String
    }

    /// Nil for every method.
    let method: String?
    /// What stands between the slashes; `/` is one empty literal.
    let segments: [Segment]
    /// The path as written.
    let path: String

    /// `GET /weather/*`.
    var description: String { self.method.map { "\($0) \(self.path)" } ?? self.path }

    init(_ text: String) throws(Problem) {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard (1...2).contains(words.count), !words.contains(""), let path = words.last else {
            let remedy = "write `METHOD /path` or `/path`, with one space"
            throw Problem(message: "has \(words.count(where: { !$0.isEmpty })) words or stray spaces", remedy: remedy)
        }
        self.method = words.count == 2 ? try Self.method(words[0]) : nil
        guard path.hasPrefix("/") else {
            throw Problem(
                message: "the path does not begin with `/`",
                remedy: "write `\(self.method.map { $0 + " " } ?? "")/\(path)`"
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
    }

    private static func method(_ word: Substring) throws(Problem) -> String {
        guard word.utf8.allSatisfy({ (0x41...0x5A).contains($0) || $0 == 0x2D }) else {
            let isLetters = word.utf8.allSatisfy { (0x41...0x5A).contains($0 & 0xDF) }
            let remedy = isLetters ? "write `\(word.uppercased())`" : "write `METHOD /path` or `/path`"
            throw Problem(message: "`\(word.prefix(20))` is no method", remedy: remedy)
        }
        guard word != "CONNECT" else {
            throw Problem(message: "CONNECT has no path, and is not forwarded", remedy: "name another method")
        }
        return String(word)
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
    func covers(_ other: RoutePattern) -> Bool {
        let isMethodCovered =
            self.method == nil || self.method == other.method || (self.method == "GET" && other.method == "HEAD")
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
}
