// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// The second reading of a path: how a lenient server behind us might understand it.
///
/// Upstreams differ in what they decode, fold and resolve. Where the lenient reading leads to another route than the raw
/// bytes, somebody may be trying to have a priced resource under a free name, and the request is refused.
enum PathReading {
    /// What a second reading came to.
    enum Outcome: Hashable {
        /// The same as the raw path for every pattern: nothing in it can be read in two ways.
        case same
        /// Another path.
        case other([UInt8])
        /// Malformed: a percent sign without two digits, a control, `#`.
        case malformed
    }

    /// Reads `path` leniently: percent-decoded until it no longer changes, `\` read as `/`, `;…` cut from each segment, empty
    /// and dot segments resolved, lower case.
    static func second(_ path: ArraySlice<UInt8>) -> Outcome {
        guard !isPlain(path) else { return .same }
        guard let decoded = decoded(Array(path)),
            decoded.allSatisfy({ $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "#") })
        else { return .malformed }
        return .other(resolved(decoded.map(folded)))
    }

    /// Percent-decoded until it no longer changes; nil when malformed.
    private static func decoded(_ text: [UInt8]) -> [UInt8]? {
        var decoded = text
        while true {
            guard let next = percentDecoded(decoded) else { return nil }
            guard next.count < decoded.count else { return decoded }  // Each round that changes anything shortens it.
            decoded = next
        }
    }

    private static func folded(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "\\"): UInt8(ascii: "/")
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
        default: byte
        }
    }

    /// Lower-case unreserved characters in non-empty segments that are not dots: what every reader reads alike. One pass, since
    /// nearly every request ends here.
    private static func isPlain(_ path: ArraySlice<UInt8>) -> Bool {
        var previous: UInt8 = 0
        for byte in path {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                break
            case UInt8(ascii: "/"), UInt8(ascii: "."):
                if previous == UInt8(ascii: "/") { return false }
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
                guard index + 2 < text.count, let high = digit(text[index + 1]), let low = digit(text[index + 2]) else { return nil }
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

    /// Cuts parameters and resolves empty and dot segments.
    private static func resolved(_ path: [UInt8]) -> [UInt8] {
        var segments: [ArraySlice<UInt8>] = []
        for part in path.split(separator: UInt8(ascii: "/")) {
            let segment = part.prefix { $0 != UInt8(ascii: ";") }
            if segment.elementsEqual("..".utf8) {
                _ = segments.popLast()
            } else if !segment.isEmpty, !segment.elementsEqual(".".utf8) {
                segments.append(segment)
            }
        }
        var resolved: [UInt8] = []
        for segment in segments {
            resolved.append(UInt8(ascii: "/"))
            resolved.append(contentsOf: segment)
        }
        return resolved.isEmpty ? [UInt8(ascii: "/")] : resolved
    }
}
