// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// An ordered header or trailer section: one byte buffer, in which each field stands as it is sent, and the places of names and
/// values in it, so that a parsed head costs no allocation per field and both buffers can be used again.
///
/// Names keep the case they were written in and are compared without regard to it (RFC 9110 §5.1). Order and
/// repeats are kept. A name is always a token and a value never contains a control other than HTAB: every way in
/// checks, except appendParsed(name:value:), which is for parsers that did.
public struct Fields: Sendable {
    /// Where one field stands in `buffer`: name, colon, space, value, CR, LF.
    fileprivate struct Entry: Sendable {
        private let start: UInt32
        private let nameEnd: UInt32
        private let valueEnd: UInt32

        init(start: Int, nameEnd: Int, valueEnd: Int) {
            self.start = UInt32(start)
            self.nameEnd = UInt32(nameEnd)
            self.valueEnd = UInt32(valueEnd)
        }

        var name: Range<Int> { Int(self.start)..<Int(self.nameEnd) }
        var value: Range<Int> { Int(self.nameEnd) + 2..<Int(self.valueEnd) }
        var line: Range<Int> { Int(self.start)..<Int(self.valueEnd) + 2 }

        /// The same field where its line starts at another place.
        func moved(to start: Int) -> Entry {
            Entry(start: start, nameEnd: start + self.name.count, valueEnd: start + self.line.count - 2)
        }
    }

    private var buffer: [UInt8]
    private var entries: [Entry]

    /// An empty section. Allocates nothing.
    public init() {
        self.buffer = []
        self.entries = []
    }

    /// The number of fields, repeats counted.
    public var count: Int { self.entries.count }

    /// True when there is no field.
    public var isEmpty: Bool { self.entries.isEmpty }

    /// The bytes that names and values take, without separators.
    public var byteCount: Int { self.entries.reduce(0) { $0 + $1.name.count + $1.value.count } }

    /// The bytes that all of it takes as it is sent, and what was removed from it.
    public var storedByteCount: Int { self.buffer.count }

    // MARK: Adding

    /// Appends one field. False, and nothing appended, when the name is no token or the value has a control (CR, LF
    /// and NUL among them) or a space or tab at either end: such a field cannot be sent and must not be repaired.
    @discardableResult
    public mutating func append(_ name: String, _ value: String) -> Bool {
        self.append(name.utf8Span.span, value.utf8Span.span)
    }

    /// Appends one field given as bytes, under the same rule as append(_:_:)-(String,_).
    @discardableResult
    public mutating func append(_ name: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
        guard Self.isToken(name), Self.isSendable(value) else { return false }
        self.appendParsed(name: name, value: value)
        return true
    }

    /// Appends one field given as bytes, under the same rule as append(_:_:)-(String,_).
    @discardableResult
    public mutating func append(_ name: some Collection<UInt8>, _ value: some Collection<UInt8>) -> Bool {
        guard !name.isEmpty, name.allSatisfy(ByteGrammar.isToken), Self.isSendable(value) else { return false }
        self.appendParsed(name: name, value: value)
        return true
    }

    /// Appends one field given as bytes under a known name, under the same rule as append(_:_:)-(String,_).
    @discardableResult
    public mutating func append(_ name: FieldName, _ value: some Collection<UInt8>) -> Bool {
        guard Self.isSendable(value) else { return false }
        self.appendParsed(name: name.bytes, value: value)
        return true
    }

    /// Appends every field of `other`.
    public mutating func append(contentsOf other: Fields) {
        let shift = self.buffer.count
        self.buffer.append(contentsOf: other.buffer)
        for entry in other.entries { self.entries.append(entry.moved(to: shift + entry.line.lowerBound)) }
    }

    /// Makes room for so many fields, of so many bytes in all, beside those that are there.
    public mutating func reserveCapacity(_ count: Int, byteCount: Int) {
        self.entries.reserveCapacity(self.entries.count + count)
        self.buffer.reserveCapacity(self.buffer.count + byteCount)
    }

    /// Appends one field without checking it. Only for a parser that has checked both: a value with CR or LF in it
    /// becomes a header injection when the section is written.
    public mutating func appendParsed(name: some Collection<UInt8>, value: some Collection<UInt8>) {
        let start = self.buffer.count
        self.buffer.append(contentsOf: name)
        let nameEnd = self.buffer.count
        self.buffer.append(literal: ": ")
        self.buffer.append(contentsOf: value)
        self.endLine(from: start, nameEnd: nameEnd)
    }

    /// Appends one field without checking it; see ``appendParsed(name:value:)-(Collection<UInt8>,_)``.
    public mutating func appendParsed(name: Span<UInt8>, value: Span<UInt8>) {
        self.appendLine(nameCount: name.count, room: value.count) { line in
            line.append(span: name)
            line.append(literal: ": ")
            line.append(span: value)
        }
    }

    /// Appends one field without checking it: its name is written in source, and its value is made of what was checked.
    public mutating func appendParsed(name: StaticString, value: Span<UInt8>) {
        self.appendParsed(name: name, room: value.count) { $0.append(span: value) }
    }

    /// Appends one field without checking it, whose value is written where it is to stand, in room for so many bytes.
    public mutating func appendParsed(name: StaticString, room: Int, writing write: (inout OutputSpan<UInt8>) -> Void) {
        self.appendLine(nameCount: name.utf8CodeUnitCount, room: room) { line in
            line.append(literal: name)
            line.append(literal: ": ")
            write(&line)
        }
    }

    /// Appends one field that stands on `line`, without checking it; see ``appendParsed(name:value:)-(Collection<UInt8>,_)``.
    public mutating func appendParsed(line: Span<UInt8>, name: Range<Int>, value: Range<Int>) {
        // As nearly every one is written, it is copied in one piece.
        guard name.lowerBound == 0, value.lowerBound == name.upperBound + 2, line[name.upperBound + 1] == 0x20,
            value.upperBound == line.count
        else { return self.appendParsed(name: line.extracting(name), value: line.extracting(value)) }
        self.appendLine(nameCount: name.count, room: line.count) { $0.append(span: line) }
    }

    /// Appends a line as `write` has it, without its end.
    @inline(__always)
    private mutating func appendLine(nameCount: Int, room: Int, _ write: (inout OutputSpan<UInt8>) -> Void) {
        let start = self.buffer.count
        self.buffer.append(addingCapacity: nameCount + room + 4) { line in
            write(&line)
            line.append(0x0D)
            line.append(0x0A)
        }
        self.entries.append(Entry(start: start, nameEnd: start + nameCount, valueEnd: self.buffer.count - 2))
    }

    private mutating func endLine(from start: Int, nameEnd: Int) {
        self.entries.append(Entry(start: start, nameEnd: nameEnd, valueEnd: self.buffer.count))
        self.buffer.append(literal: "\r\n")
    }

    // MARK: Reading

    /// The value of the first field of this name.
    public func first(_ name: FieldName) -> ArraySlice<UInt8>? {
        guard let entry = self.firstEntry(name) else { return nil }
        return self.buffer[entry.value]
    }

    /// The value of the first field of this name as text; bytes that are not UTF-8 become U+FFFD.
    public func firstText(_ name: FieldName) -> String? {
        self.first(name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// How many fields have this name.
    public func count(of name: FieldName) -> Int {
        self.entries.reduce(0) { self.isNamed($1, name) ? $0 + 1 : $0 }
    }

    /// The values of all fields of this name, in order.
    public func values(of name: FieldName) -> [ArraySlice<UInt8>] {
        self.entries.compactMap { self.isNamed($0, name) ? self.buffer[$0.value] : nil }
    }

    /// True when some field has this name.
    public func contains(_ name: FieldName) -> Bool { self.firstEntry(name) != nil }

    /// True when some field has one of these names.
    public func contains(anyOf names: FieldNameSet) -> Bool {
        self.entries.contains { names.contains(self.buffer.span.extracting($0.name)) }
    }

    /// True when a comma-separated list under this name has `token` (lower case) as a member, in any field of the
    /// name and any case, as in `Connection: keep-alive, Upgrade` (RFC 9110 §5.6.1).
    public func listContains(_ name: FieldName, _ token: String) -> Bool {
        self.entries.contains { entry in
            self.isNamed(entry, name)
                && self.buffer[entry.value].split(separator: 0x2C).contains { Self.equal(Self.trimmed($0), token.utf8) }
        }
    }

    // MARK: Changing

    /// Removes every field of this name.
    public mutating func remove(_ name: FieldName) {
        let buffer = self.buffer
        self.dropEntries { Self.isNamed(buffer, $0, name) }
    }

    /// Removes every field of one of these names.
    public mutating func removeAll(named names: [FieldName]) {
        let buffer = self.buffer
        self.dropEntries { entry in names.contains { Self.isNamed(buffer, entry, $0) } }
    }

    /// Replaces all fields of this name by one at the end. False, and nothing changed, when the value cannot be sent.
    @discardableResult
    public mutating func set(_ name: FieldName, _ value: String) -> Bool {
        guard Self.isSendable(value.utf8) else { return false }
        self.remove(name)
        self.appendParsed(name: name.bytes, value: value.utf8)
        return true
    }

    /// Removes every field whose name, as written, satisfies the condition.
    public mutating func removeAll(where condition: (_ name: ArraySlice<UInt8>) -> Bool) {
        let buffer = self.buffer
        self.dropEntries { condition(buffer[$0.name]) }
    }

    /// Most of the time there is nothing to drop, and then nothing is copied.
    private mutating func dropEntries(where isDropped: (Entry) -> Bool) {
        guard var end = self.entries.firstIndex(where: isDropped) else { return }
        for index in (end + 1)..<self.entries.count where !isDropped(self.entries[index]) {
            self.entries[end] = self.entries[index]
            end += 1
        }
        self.entries.removeLast(self.entries.count - end)
    }

    /// Empties the section, by default keeping its memory for the next one.
    public mutating func removeAll(keepingCapacity: Bool = true) {
        self.buffer.removeAll(keepingCapacity: keepingCapacity)
        self.entries.removeAll(keepingCapacity: keepingCapacity)
    }

    /// Removes what belongs to one connection and not to the message: `Connection` and the fields it names,
    /// `Keep-Alive`, `Proxy-Connection`, `TE`, `Trailer`, `Transfer-Encoding`, `Upgrade` (RFC 9110 §7.6.1), and
    /// `Content-Length`, which whoever sends the message writes anew.
    ///
    /// - Parameter isDropped: Says of which other names, as written, the fields are removed with them.
    public mutating func removeHopByHop(and isDropped: (_ name: Span<UInt8>) -> Bool = { _ in false }) {
        let (buffer, options) = (self.buffer, self.connectionOptions)
        self.dropEntries { entry in
            let name = buffer.span.extracting(entry.name)
            return Self.hopByHop.contains(name) || options.contains { Self.equal(name, $0.span) } || isDropped(name)
        }
    }

    /// Appends what ``removeHopByHop(and:)`` would leave of `other`, and makes room for `count` fields more, of so many bytes.
    public mutating func append(
        endToEnd other: Fields, roomFor count: Int, byteCount: Int, without isDropped: (_ name: Span<UInt8>) -> Bool
    ) {
        self.reserveCapacity(other.count + count, byteCount: other.buffer.count + byteCount)
        let options = other.connectionOptions
        for entry in other.entries {
            let name = other.buffer.span.extracting(entry.name)
            guard !Self.hopByHop.contains(name), !options.contains(where: { Self.equal(name, $0.span) }), !isDropped(name) else {
                continue
            }
            self.entries.append(entry.moved(to: self.buffer.count))
            self.buffer.append(span: other.buffer.span.extracting(entry.line))
        }
    }

    /// The names in `Connection`. None where it says only whether the connection is kept, as nearly every one does.
    private var connectionOptions: [ArraySlice<UInt8>] {
        guard self.entries.contains(where: { self.isNamed($0, .connection) && !self.saysOnlyWhether($0) }) else { return [] }
        return self.values(of: .connection).flatMap { $0.split(separator: 0x2C).map(Self.trimmed) }
    }

    private func saysOnlyWhether(_ entry: Entry) -> Bool {
        let value = self.buffer[entry.value]
        return Self.equal(value, "keep-alive".utf8) || Self.equal(value, "close".utf8)
    }

    private static let hopByHop = FieldNameSet([
        .connection, .keepAlive, .proxyConnection, .te, .trailer, .transferEncoding, .upgrade, .contentLength,
    ])
}

// MARK: Parts

extension Fields {
    private func firstEntry(_ name: FieldName) -> Entry? { self.entries.first { self.isNamed($0, name) } }

    private func isNamed(_ entry: Entry, _ name: FieldName) -> Bool { Self.isNamed(self.buffer, entry, name) }

    private static func isNamed(_ buffer: [UInt8], _ entry: Entry, _ name: FieldName) -> Bool {
        guard entry.name.count == name.bytes.count else { return false }
        var place = entry.name.lowerBound
        for byte in name.bytes {
            guard ByteGrammar.lowercased(buffer[place]) == byte else { return false }
            place += 1
        }
        return true
    }

    /// Appends `Name: value` lines; those that stand next to each other in one copy.
    func append(linesTo bytes: inout OutputSpan<UInt8>) {
        var lines = 0..<0
        for entry in self.entries {
            if entry.line.lowerBound != lines.upperBound {
                bytes.append(span: self.buffer.span.extracting(lines))
                lines = entry.line
            } else {
                lines = lines.lowerBound..<entry.line.upperBound
            }
        }
        bytes.append(span: self.buffer.span.extracting(lines))
    }

    private static func isToken(_ name: Span<UInt8>) -> Bool {
        for place in name.indices where !ByteGrammar.isToken(name[place]) { return false }
        return !name.isEmpty
    }

    /// A value that can stand on a field line as it is.
    static func isSendable(_ value: Span<UInt8>) -> Bool {
        for place in value.indices where !ByteGrammar.isValue(value[place]) { return false }
        return value.isEmpty || !(Self.isBlank(value[0]) || Self.isBlank(value[value.count - 1]))
    }

    /// A value that can stand on a field line as it is.
    static func isSendable(_ value: some Collection<UInt8>) -> Bool {
        guard let first = value.first else { return true }
        guard value.allSatisfy(ByteGrammar.isValue), !Self.isBlank(first) else { return false }
        return !Self.isBlank(value[value.index(value.startIndex, offsetBy: value.count - 1)])
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        while let first = bytes.first, Self.isBlank(first) { bytes.removeFirst() }
        while let last = bytes.last, Self.isBlank(last) { bytes.removeLast() }
        return bytes
    }

    private static func equal(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        for place in left.indices {
            guard ByteGrammar.lowercased(left[place]) == ByteGrammar.lowercased(right[place]) else { return false }
        }
        return true
    }

    private static func equal(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { ByteGrammar.lowercased($0) == ByteGrammar.lowercased($1) }
    }
}

extension Fields: Sequence {
    /// Walks the fields in order as pairs of name (as written) and value.
    public struct Iterator: IteratorProtocol {
        private let buffer: [UInt8]
        private var entries: IndexingIterator<[Entry]>

        fileprivate init(_ buffer: [UInt8], _ entries: [Entry]) {
            self.buffer = buffer
            self.entries = entries.makeIterator()
        }

        /// The next field.
        public mutating func next() -> (name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)? {
            guard let entry = self.entries.next() else { return nil }
            return (self.buffer[entry.name], self.buffer[entry.value])
        }
    }

    /// The fields in order.
    public func makeIterator() -> Iterator { Iterator(self.buffer, self.entries) }
}

extension Fields: ExpressibleByDictionaryLiteral {
    /// A section written in source. A name or value that cannot be sent is a programmer's error and traps.
    public init(dictionaryLiteral fields: (String, String)...) {
        self.init()
        for (name, value) in fields {
            let accepted = self.append(name, value)
            precondition(accepted, "Not a header field: \(name)")
        }
    }
}

extension Fields: Equatable {
    /// Same names (in any case) with the same values in the same order.
    public static func == (left: Self, right: Self) -> Bool {
        left.count == right.count
            && zip(left, right).allSatisfy { Self.equal($0.name, $1.name) && $0.value == $1.value }
    }
}

extension Fields: CustomStringConvertible {
    /// The names only: values may be credentials and do not belong in logs.
    public var description: String {
        "[" + self.map { String(decoding: $0.name, as: UTF8.self) }.joined(separator: ", ") + "]"
    }
}
