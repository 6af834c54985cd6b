// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// The other readings of a path: how lenient servers behind us might understand it.
///
/// Upstreams differ in what they decode, fold, cut and resolve, in how often, and in which order. Where a lenient reading leads
/// to another route than the raw bytes, somebody may be trying to have a priced resource under a free name, and the request is
/// refused. Reading it once in the most lenient way is not enough: `/free/../priced/..%2ffree` comes out free, but a server that
/// resolves what it sees before it decodes serves what is priced.
enum PathReading {
    /// What reading a path came to.
    enum Outcome: Equatable {
        /// The same for every reader, but for case and a slash at the end of their own patterns.
        case plain
        /// Every way to read it, each as the segments of the path, decoded, in lower case; with an empty one at the end where
        /// a slash ends it.
        case readings([[[UInt8]]])
        /// A percent sign without two digits, a control, `#`, or escapes of escapes beyond measure.
        case malformed
    }

    /// Escapes of escapes of escapes: nobody means more, and each round takes time.
    private static let roundsMax = 4
    /// A path of which more can be made than this means nothing good.
    private static let textsMax = 128

    private static let (slash, backslash, semicolon) = (UInt8(ascii: "/"), UInt8(ascii: "\\"), UInt8(ascii: ";"))

    /// Reads `path` in every way that a server might.
    static func read(_ path: ArraySlice<UInt8>) -> Outcome {
        guard !self.isPlain(path, takingCapitals: false) else { return .plain }
        guard !self.isPlain(path, takingCapitals: true) else {
            return .readings([self.segments(Array(path)).map(self.fullyDecoded)])
        }
        guard let texts = self.texts(Array(path)) else { return .malformed }
        var readings: [[[UInt8]]] = []
        for text in texts {
            // Segments may also be decoded one by one, so that an escaped slash parts nothing, and be cut after that.
            let segments = self.segments(text).map(self.fullyDecoded)
            readings.append(segments)
            if segments.contains(where: { $0.contains(self.semicolon) }) {
                readings.append(segments.map { Array(self.cut($0[...])) })
            }
        }
        return .readings(readings)
    }

    /// Everything that decoding, folding, cutting, merging and resolving make of a path, in any order; nil when it is malformed.
    private static func texts(_ path: [UInt8]) -> [[UInt8]]? {
        guard self.isWellFormed(path) else { return nil }
        var texts = [path]
        var seen: Set<[UInt8]> = [path]
        var next = 0
        while next < texts.count {
            let text = texts[next]
            let segments = self.segments(text)
            let made = [
                self.percentDecoded(text), text.map { $0 == self.backslash ? self.slash : $0 },
                self.joined(segments.map(self.cut)),
                self.joined(segments.filter { !$0.isEmpty } + self.end(of: segments)),
                self.joined(self.resolved(segments)), self.joined(self.resolved(segments) + self.endOfDots(segments)),
            ]
            for case let made? in made where seen.insert(made).inserted { texts.append(made) }
            guard texts.count <= self.textsMax else { return nil }
            next += 1
        }
        return texts
    }

    private static func isWellFormed(_ path: [UInt8]) -> Bool {
        var (decoded, rounds) = (path, 0)
        while decoded.contains(UInt8(ascii: "%")) {
            guard rounds < self.roundsMax, let next = self.percentDecoded(decoded) else { return false }
            (decoded, rounds) = (next, rounds + 1)
        }
        return decoded.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "#") }
    }

    // MARK: - Segments

    /// What stands between the slashes, and an empty one behind a slash at the end.
    private static func segments(_ path: [UInt8]) -> [ArraySlice<UInt8>] {
        path.dropFirst(path.first == self.slash ? 1 : 0).split(separator: self.slash, omittingEmptySubsequences: false)
    }

    /// The empty segment that stands for a slash at the end, if there is one.
    private static func end(of segments: [ArraySlice<UInt8>]) -> [ArraySlice<UInt8>] {
        segments.last?.isEmpty == true ? [[]] : []
    }

    /// The same where dots at the end leave a slash behind (RFC 3986 §5.2.4); not every server leaves it.
    private static func endOfDots(_ segments: [ArraySlice<UInt8>]) -> [ArraySlice<UInt8>] {
        guard let last = segments.last else { return [] }
        return last.elementsEqual(".".utf8) || last.elementsEqual("..".utf8) ? [[]] : []
    }

    private static func joined(_ segments: [ArraySlice<UInt8>]) -> [UInt8] {
        segments.isEmpty ? [self.slash] : segments.reduce(into: []) { $0 += [self.slash] + $1 }
    }

    private static func cut(_ segment: ArraySlice<UInt8>) -> ArraySlice<UInt8> { segment.prefix { $0 != self.semicolon } }

    private static func resolved(_ segments: [ArraySlice<UInt8>]) -> [ArraySlice<UInt8>] {
        var resolved: [ArraySlice<UInt8>] = []
        for segment in segments {
            if segment.elementsEqual("..".utf8) {
                _ = resolved.popLast()
            } else if !segment.elementsEqual(".".utf8) {
                resolved.append(segment)
            }
        }
        return resolved
    }

    // MARK: - Bytes

    /// Decoded until it no longer changes, in lower case.
    private static func fullyDecoded(_ segment: ArraySlice<UInt8>) -> [UInt8] {
        var decoded = Array(segment)
        while decoded.contains(UInt8(ascii: "%")), let next = self.percentDecoded(decoded) { decoded = next }
        return decoded.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    }

    /// Unreserved characters in non-empty segments that are not dots: what every reader reads alike, but for capitals.
    /// One pass, since nearly every request ends here.
    private static func isPlain(_ path: ArraySlice<UInt8>, takingCapitals: Bool) -> Bool {
        var previous: UInt8 = 0
        for byte in path {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                break
            case UInt8(ascii: "/"), UInt8(ascii: "."):
                if previous == UInt8(ascii: "/") { return false }
            case UInt8(ascii: "A")...UInt8(ascii: "Z") where takingCapitals: break
            default: return false
            }
            previous = byte
        }
        return previous != UInt8(ascii: "/") || path.count == 1
    }

    /// One round; nil when a percent sign is not followed by two digits.
    private static func percentDecoded(_ text: [UInt8]) -> [UInt8]? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            if text[index] == UInt8(ascii: "%") {
                guard index + 2 < text.count, let high = digit(text[index + 1]), let low = digit(text[index + 2]) else {
                    return nil
                }
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(text[index])
                index += 1
            }
        }
        return decoded
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
