// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

extension JSON {
    /// Why text is no JSON, and at which byte.
    public struct ParseError: Error, Hashable, Sendable, CustomStringConvertible {
        /// What is wrong, in words.
        public let reason: String
        /// Byte offset of the fault, from 0.
        public let offset: Int

        /// "unexpected end at byte 12".
        public var description: String { "\(self.reason) at byte \(self.offset)" }
    }

    /// Arrays and objects within each other, at most. Deeper is refused: a peer's value has under ten levels, and each level
    /// costs stack.
    public static let depthMax = 64

    /// Reads one value and nothing after it. Stricter than most: a repeated member name (or two that Unicode takes for equal),
    /// a lone surrogate, text that is not UTF-8 and nesting over ``depthMax`` are errors, since two readers may understand them
    /// differently.
    public init(parsing text: some Collection<UInt8>) throws(ParseError) {
        var parser = JSONParser(text: Array(text))
        self = try parser.document()
    }

    /// As ``init(parsing:)``, from text.
    public init(parsing text: String) throws(ParseError) {
        try self.init(parsing: Array(text.utf8))
    }
}

/// Recursive descent over the bytes of one document.
private struct JSONParser {
    let text: [UInt8]
    var index = 0

    init(text: [UInt8]) {
        self.text = text
    }

    mutating func document() throws(JSON.ParseError) -> JSON {
        self.skipSpace()
        let value = try self.value(depth: 0)
        self.skipSpace()
        guard self.index == self.text.count else { throw self.error("more after the value") }
        return value
    }

    private mutating func value(depth: Int) throws(JSON.ParseError) -> JSON {
        guard let first = self.peek else { throw self.error("unexpected end") }
        switch first {
        case UInt8(ascii: "{"): return .object(try self.object(depth: depth + 1))
        case UInt8(ascii: "["): return .array(try self.array(depth: depth + 1))
        case UInt8(ascii: "\""): return .string(try self.string())
        case UInt8(ascii: "t"): return try self.literal("true", .bool(true))
        case UInt8(ascii: "f"): return try self.literal("false", .bool(false))
        case UInt8(ascii: "n"): return try self.literal("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try self.number())
        default: throw self.error("unexpected character")
        }
    }

    private mutating func object(depth: Int) throws(JSON.ParseError) -> JSONObject {
        try self.check(depth)
        self.index += 1
        var object = JSONObject()
        var names: Set<String>?
        self.skipSpace()
        if self.take(UInt8(ascii: "}")) { return object }
        while true {
            self.skipSpace()
            guard self.peek == UInt8(ascii: "\"") else { throw self.error("a member name is missing") }
            let name = try self.string()
            guard Self.isNew(name, in: object, &names) else { throw self.error("a member name is repeated") }
            self.skipSpace()
            guard self.take(UInt8(ascii: ":")) else { throw self.error("a colon is missing") }
            self.skipSpace()
            object.appendUnique(name, try self.value(depth: depth))
            self.skipSpace()
            if self.take(UInt8(ascii: "}")) { return object }
            guard self.take(UInt8(ascii: ",")) else { throw self.error("a comma or a brace is missing") }
        }
    }

    /// Whether no member has this name yet. A few are looked through; from so many on that it would take long, they are hashed.
    private static func isNew(_ name: String, in object: JSONObject, _ names: inout Set<String>?) -> Bool {
        guard object.count >= 16 else { return !object.members.contains { $0.name == name } }
        if names == nil { names = Set(object.members.map(\.name)) }
        return names?.insert(name).inserted ?? true
    }

    private mutating func array(depth: Int) throws(JSON.ParseError) -> [JSON] {
        try self.check(depth)
        self.index += 1
        var elements: [JSON] = []
        self.skipSpace()
        if self.take(UInt8(ascii: "]")) { return elements }
        while true {
            self.skipSpace()
            elements.append(try self.value(depth: depth))
            self.skipSpace()
            if self.take(UInt8(ascii: "]")) { return elements }
            guard self.take(UInt8(ascii: ",")) else { throw self.error("a comma or a bracket is missing") }
        }
    }

    private mutating func literal(_ word: String, _ value: JSON) throws(JSON.ParseError) -> JSON {
        guard self.text[self.index...].starts(with: word.utf8) else { throw self.error("unexpected character") }
        self.index += word.utf8.count
        return value
    }

    private mutating func number() throws(JSON.ParseError) -> String {
        let start = self.index
        _ = self.take(UInt8(ascii: "-"))
        if !self.take(UInt8(ascii: "0")) { try self.digits() }
        if self.take(UInt8(ascii: ".")) { try self.digits() }
        if self.take(UInt8(ascii: "e")) || self.take(UInt8(ascii: "E")) {
            if !self.take(UInt8(ascii: "+")) { _ = self.take(UInt8(ascii: "-")) }
            try self.digits()
        }
        return String(decoding: self.text[start..<self.index], as: UTF8.self)
    }

    private mutating func digits() throws(JSON.ParseError) {
        let start = self.index
        while let byte = self.peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { self.index += 1 }
        guard self.index > start else { throw self.error("a digit is missing") }
    }

    private mutating func string() throws(JSON.ParseError) -> String {
        self.index += 1
        var bytes: [UInt8] = []
        while true {
            // Plain bytes, which are nearly all there are, are taken run by run.
            let start = self.index
            while let byte = self.peek, byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { self.index += 1 }
            let run = start..<self.index
            guard let byte = self.peek else { throw self.error("a string does not end") }
            switch byte {
            case UInt8(ascii: "\"") where bytes.isEmpty:
                self.index += 1
                return try self.text(run)
            case UInt8(ascii: "\""):
                bytes.append(contentsOf: self.text[run])
                self.index += 1
                guard let text = String(validating: bytes, as: UTF8.self) else { throw self.error("a string is not UTF-8") }
                return text
            case UInt8(ascii: "\\"):
                bytes.append(contentsOf: self.text[run])
                self.index += 1
                try self.escape(into: &bytes)
            default:
                throw self.error("a control character stands unescaped in a string")
            }
        }
    }

    /// A string that stands in one piece.
    private func text(_ range: Range<Int>) throws(JSON.ParseError) -> String {
        guard let text = String(validating: self.text[range], as: UTF8.self) else { throw self.error("a string is not UTF-8") }
        return text
    }

    private mutating func escape(into bytes: inout [UInt8]) throws(JSON.ParseError) {
        guard let byte = self.peek else { throw self.error("a string does not end") }
        self.index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(byte)
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0C)
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "u"): bytes.append(contentsOf: String(Character(try self.unicodeEscape())).utf8)
        default: throw self.error("an unknown escape")
        }
    }

    private mutating func unicodeEscape() throws(JSON.ParseError) -> Unicode.Scalar {
        let first = try self.fourDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard (0xD800..<0xDC00).contains(first), self.take(UInt8(ascii: "\\")), self.take(UInt8(ascii: "u")) else {
            throw self.error("a lone surrogate")
        }
        let second = try self.fourDigits()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw self.error("a lone surrogate") }
        return scalar
    }

    private mutating func fourDigits() throws(JSON.ParseError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = self.peek, let digit = Hex.value(of: byte) else {
                throw self.error("four hexadecimal digits are missing")
            }
            value = value << 4 | UInt32(digit)
            self.index += 1
        }
        return value
    }

    private var peek: UInt8? {
        self.index < self.text.count ? self.text[self.index] : nil
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard self.peek == byte else { return false }
        self.index += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = self.peek, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { self.index += 1 }
    }

    private func check(_ depth: Int) throws(JSON.ParseError) {
        guard depth <= JSON.depthMax else { throw self.error("nested more than \(JSON.depthMax) deep") }
    }

    private func error(_ reason: String) -> JSON.ParseError {
        JSON.ParseError(reason: reason, offset: self.index)
    }
}
