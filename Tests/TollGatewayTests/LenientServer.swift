// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPrimitives

@testable import TollGateway

/// A server that reads paths in a way of its own, and paths to try it on.
enum LenientServer {
    /// One way in which a server makes segments of a path: some steps, in some order.
    enum Step: CaseIterable {
        case decode, foldBackslash, cutParameters, mergeSlashes, resolveDots, lowercase, dropLastSlash
    }

    static func serve(_ path: String, _ steps: [Step]) -> String? {
        steps.reduce(path as String?) { path, step in path.flatMap { self.apply(step, to: $0) } }
    }

    private static func apply(_ step: Step, to path: String) -> String? {
        let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        func join(_ segments: [some StringProtocol]) -> String { "/" + segments.joined(separator: "/") }
        switch step {
        case .decode: return self.decoded(path)
        case .foldBackslash: return String(path.map { $0 == "\\" ? "/" : $0 })
        case .cutParameters: return join(segments.map { $0.prefix { $0 != ";" } })
        case .mergeSlashes:
            return join(segments.enumerated().filter { !$0.element.isEmpty || $0.offset == segments.count - 1 }.map(\.element))
        case .lowercase: return path.lowercased()
        case .dropLastSlash: return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        case .resolveDots:
            var resolved: [Substring] = []
            for segment in segments {
                if segment == ".." { _ = resolved.popLast() } else if segment != "." { resolved.append(segment) }
            }
            return join(resolved)
        }
    }

    private static func decoded(_ path: String) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(path.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard rest.count >= 2, let value = Hex.decode(String(decoding: rest.prefix(2), as: UTF8.self))?.first else {
                    return nil
                }
                rest = rest.dropFirst(2)
                bytes.append(value)
            } else {
                bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Steps in any order, with decoding up to three times; whoever decodes last does so segment by segment.
    static func steps(_ random: inout SeededGenerator) -> [Step] {
        var steps = Step.allCases.filter { _ in Bool.random(using: &random) }.shuffled(using: &random)
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            steps.insert(.decode, at: Int.random(in: 0...steps.count, using: &random))
        }
        return steps
    }

    /// Whose resource a path is to a server, as it came out: the first pattern's that takes it.
    static func route(of path: String, among patterns: [RoutePattern], isLower: Bool) -> Int? {
        // A server that ignores case ignores it in its own names; one that drops the last slash does so in them.
        let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { Array($0.utf8) }
        return patterns.firstIndex { pattern in
            pattern.matches(Array(path.utf8)[...])
                || (isLower && pattern.matches(reading: segments.last == [] ? segments.dropLast() : segments))
        }
    }

    // MARK: - Paths

    private static let pieces = [
        "/", "/", "//", "/./", "/../", "..", ".", "free", "paid", "deep", "x", "caps", "CAPS", "Caps", "one", "list", "open", "a",
        "b",
        "%2e", "%2E%2e", "%252e%252e", "%2f", "%252f", "\\", "%5c", ";", ";v=1", "%3b", "..;", "p%61id", "P%41ID", "d%2565ep",
        "%20", "_",
        "/free/", "/paid/", "/deep/", "/x/", "/../", "/..%2f",
    ]

    /// Some pieces in a row.
    static func path(_ random: inout SeededGenerator) -> String {
        let pieces = (0..<Int.random(in: 1...9, using: &random)).map { _ in Self.pieces.randomElement(using: &random) ?? "" }
        return "/" + pieces.joined()
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers each time.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var z = self.state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
