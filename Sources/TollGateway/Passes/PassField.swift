// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments

/// Where passes travel: in `Tollgate-Pass`, as a bearer token (RFC 6750 §2.1), and in the cookies of browsers.
enum PassField {
    /// Both ways: in a paid answer the token, in a request the token too.
    static let name: FieldName = "tollgate-pass"
    /// In answers: when the access that was paid for ends, in seconds since 1970.
    static let expires: FieldName = "tollgate-pass-expires"
    /// What a pass of ours in a request may stand in besides: answers depend on them.
    static let varying = "Authorization, Cookie, Tollgate-Pass"
    /// What the names of our cookies begin with.
    static let cookiePrefix = Array("tollgate-pass-".utf8)

    private static let scheme = Array("bearer".utf8)
    private static let (space, semicolon, equals) = (UInt8(ascii: " "), UInt8(ascii: ";"), UInt8(ascii: "="))

    /// The token in a value of `Authorization`, where it is one of ours: bearer tokens of others are none of our business.
    static func bearer(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard value.count > self.scheme.count + PassKeys.prefix.count else { return nil }
        var place = value.startIndex
        for byte in self.scheme {
            guard ByteGrammar.lowercased(value[place]) == byte else { return nil }
            place += 1
        }
        guard value[place] == self.space else { return nil }
        let token = value[place...].drop { $0 == self.space }
        return token.starts(with: PassKeys.prefix) ? token : nil
    }

    /// Calls `body` with name and value of each of our cookies in a value of `Cookie` (RFC 6265 §4.2.1), until it says stop.
    static func eachCookie(
        in value: ArraySlice<UInt8>, _ body: (_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) -> Bool
    ) {
        var start = value.startIndex
        while start < value.endIndex {
            let end = value[start...].firstIndex(of: self.semicolon) ?? value.endIndex
            let pair = self.trimmed(value[start..<end])
            if pair.starts(with: self.cookiePrefix), let mark = pair.firstIndex(of: self.equals) {
                guard body(pair[..<mark], pair[(mark + 1)...]) else { return }
            }
            start = end < value.endIndex ? end + 1 : end
        }
    }

    /// Takes passes out of fields that go upstream: in the hands of an upstream they would open the route to it. What else stands
    /// in `Authorization` and `Cookie` stays. `Tollgate-Pass` goes with all that looks like ours.
    static func strip(_ fields: inout Fields) {
        if fields.contains(.authorization) {
            let values = fields.values(of: .authorization)
            if values.contains(where: { self.bearer($0) != nil }) {
                fields.remove(.authorization)
                for value in values where self.bearer(value) == nil { fields.append("Authorization".utf8, value) }
            }
        }
        guard fields.contains(.cookie) else { return }
        let values = fields.values(of: .cookie)
        guard values.contains(where: self.hasCookie) else { return }
        fields.remove(.cookie)
        for value in values {
            guard self.hasCookie(value) else {
                fields.append("Cookie".utf8, value)
                continue
            }
            let others = value.split(separator: self.semicolon).map(self.trimmed).filter {
                !$0.isEmpty && !$0.starts(with: self.cookiePrefix)
            }
            if !others.isEmpty { fields.append("Cookie".utf8, Array(others.joined(separator: [self.semicolon, self.space]))) }
        }
    }

    private static func hasCookie(_ value: ArraySlice<UInt8>) -> Bool {
        var hasOne = false
        self.eachCookie(in: value) { _, _ in
            hasOne = true
            return false
        }
        return hasOne
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes.drop { $0 == self.space || $0 == 0x09 }
        while let last = bytes.last, last == self.space || last == 0x09 { bytes.removeLast() }
        return bytes
    }
}

extension Pass {
    /// What an answer to a request that came with the pass says of it.
    var fields: [(name: String, value: String)] {
        [("Tollgate-Pass-Expires", String(self.expires)), ("Vary", PassField.varying)]
    }
}
