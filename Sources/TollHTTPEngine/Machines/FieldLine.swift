// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// One line of a header or trailer section, without its CRLF: `field-name ":" OWS field-value OWS` (RFC 9112 §5).
struct FieldLine {
    let name: Range<Int>
    let value: Range<Int>

    /// Nil when the line is none: no colon, a name that is no token (a space before the colon or an obs-fold make it
    /// so), a control in the value.
    init?(_ line: Span<UInt8>) {
        var colon = 0
        while colon < line.count, ByteGrammar.isToken(line[colon]) { colon += 1 }
        guard colon > 0, colon < line.count, line[colon] == UInt8(ascii: ":") else { return nil }
        var start = colon + 1
        while start < line.count, Self.isBlank(line[start]) { start += 1 }
        var end = start
        while end < line.count, ByteGrammar.isValue(line[end]) { end += 1 }
        guard end == line.count else { return nil }
        while end > start, Self.isBlank(line[end - 1]) { end -= 1 }
        self.name = 0..<colon
        self.value = start..<end
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}

extension Span<UInt8> {
    /// Whether the bytes are `text` (lower case), in any case.
    func isName(_ text: StaticString) -> Bool {
        guard self.count == text.utf8CodeUnitCount else { return false }
        for place in self.indices where unsafe ByteGrammar.lowercased(self[place]) != text.utf8Start[place] { return false }
        return true
    }

    /// Whether the bytes are exactly `text`.
    func isExactly(_ text: StaticString) -> Bool {
        guard self.count == text.utf8CodeUnitCount else { return false }
        for place in self.indices where unsafe self[place] != text.utf8Start[place] { return false }
        return true
    }

    /// Digits only, at least one, below 2^64.
    var decimal: UInt64? {
        guard !self.isEmpty else { return nil }
        var number: UInt64 = 0
        for place in self.indices {
            guard ByteGrammar.isDigit(self[place]) else { return nil }
            let (tens, over) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(UInt64(self[place] - 0x30))
            guard !over, !carry else { return nil }
            number = sum
        }
        return number
    }

    /// Whether a comma-separated list has `token` (lower case) as a member.
    func listContains(_ token: StaticString) -> Bool {
        var start = 0
        for place in 0...self.count where place == self.count || self[place] == UInt8(ascii: ",") {
            var (first, end) = (start, place)
            while first < end, self[first] == 0x20 || self[first] == 0x09 { first += 1 }
            while first < end, self[end - 1] == 0x20 || self[end - 1] == 0x09 { end -= 1 }
            if self.extracting(first..<end).isName(token) { return true }
            start = place + 1
        }
        return false
    }
}
