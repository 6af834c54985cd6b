// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP
import TollPrimitives
import TollTestKit

@testable import TollGateway

/// No path reaches an upstream unpaid that some upstream would take for a priced one.
@Suite struct PathReadingTests {
    @Test(arguments: [
        "/free/../paid/1", "/free/..%2fpaid%2f1", "/free/%252e%252e/paid/1", "/free/..;x/paid/1", "/free\\..\\paid\\1",
        "/FREE/../PAID/1",
        "/free/../paid/..%2ffree", "/free/../p%61id/..%2ffree", "/free/../deep;/..;/free/x", "/free/../deep/%2e%2e/free/x",
        "/free//../../paid/1", "/free/./../paid/1", "/free/../deep/..%2f../free/x",
    ])
    func `a trick never reaches the upstream`(path: String) async throws {
        let bench = try Bench()
        let answer = try await bench.ask(.get, path)
        #expect(answer.status == 400 && answer.code == "ambiguous_path", "\(answer.status)")
        #expect(try await bench.isUntouched())
    }

    @Test(arguments: ["/free/%", "/free/%zz", "/free/%00", "/free/%2500", "/free/%23", "/free/%25252525252e"])
    func `a malformed path neither`(path: String) async throws {
        let bench = try Bench()
        let answer = try await bench.ask(.get, path)
        #expect(answer.status == 400 && answer.code == "malformed_path")
        #expect(bench.upstream.sent.isEmpty)
    }

    @Test func `a path of nothing but escapes of escapes costs little`() {
        let path = Array(("/free/%" + String(repeating: "25", count: 4_000) + "2e").utf8)
        #expect(PathReading.read(path[...]) == .malformed)
    }

    @Test(arguments: [
        ("/shop/item", false), ("/SHOP/item", true), ("/shop/list", true), ("/shop/list/", false), ("/shop/tree", true),
    ])
    func `a plain path is held against patterns in capitals, with a slash at the end, and with a rest`(
        path: String,
        isServed: Bool
    ) throws {
        let router = Router(
            try [("/Shop/Item", true), ("/shop/list/", true), ("/shop/deep/**", true), ("/**", false)].map {
                (try RoutePattern($0.0), $0.1)
            }
        )
        let decision = router.decide(.get, path: Array(path.utf8)[...])
        switch path {
        case "/shop/item", "/SHOP/item", "/shop/list": #expect(decision == .ambiguous)
        case "/shop/list/": #expect(decision == .route(1))
        default: #expect(decision == .route(3))
        }
        #expect(router.decide(.get, path: Array("/shop/deep".utf8)[...]) == .ambiguous)
        #expect(router.decide(.get, path: Array("/Shop/Item".utf8)[...]) == .route(0))
    }

    // MARK: - Many paths, many servers

    /// One way in which a server makes segments of a path: some steps, in some order.
    private enum Step: CaseIterable {
        case decode, foldBackslash, cutParameters, mergeSlashes, resolveDots, lowercase, dropLastSlash
    }

    private static func serve(_ path: String, _ steps: [Step]) -> String? {
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

    private static let routes: [(String, Bool)] = [
        ("/free/**", false), ("/paid/*", true), ("/deep/**", true), ("/x/{a}/{b}", true), ("/x/**", false), ("/Caps/one", true),
        ("/list/", true), ("/open", false), ("/**", false),
    ]
    /// What each route's resources are to a server that reads like that: the first that takes the path as it came out.
    private static func isPriced(_ path: String, _ patterns: [(pattern: RoutePattern, isPriced: Bool)], isLower: Bool) -> Bool {
        // A server that ignores case ignores it in its own names; one that drops the last slash does so in them.
        let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { Array($0.utf8) }
        let own = patterns.first { entry in
            entry.pattern.matches(Array(path.utf8)[...])
                || (isLower && entry.pattern.matches(reading: segments.last == [] ? segments.dropLast() : segments))
        }
        return own?.isPriced ?? false
    }

    private static let pieces = [
        "/", "/", "//", "/./", "/../", "..", ".", "free", "paid", "deep", "x", "caps", "CAPS", "Caps", "one", "list", "open", "a",
        "b",
        "%2e", "%2E%2e", "%252e%252e", "%2f", "%252f", "\\", "%5c", ";", ";v=1", "%3b", "..;", "p%61id", "P%41ID", "d%2565ep",
        "%20", "_",
        "/free/", "/paid/", "/deep/", "/x/", "/../", "/..%2f",
    ]

    @Test(arguments: 0..<8)
    func `whatever a lenient server makes of a path, it does not make it free`(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed) &+ 1)
        let patterns = try Self.routes.map { (pattern: try RoutePattern($0.0), isPriced: $0.1) }
        let router = Router(patterns)
        var (forwarded, priced) = (0, 0)
        for _ in 0..<250 {
            let path =
                "/"
                + (0..<Int.random(in: 1...9, using: &random)).map { _ in Self.pieces.randomElement(using: &random) ?? "" }
                .joined()
            guard case .route(let index) = router.decide(.get, path: Array(path.utf8)[...]), !patterns[index].isPriced else {
                continue
            }
            forwarded += 1
            for _ in 0..<12 {
                // In any order, with decoding up to three times; whoever decodes last does so segment by segment.
                var steps = Step.allCases.filter { _ in Bool.random(using: &random) }.shuffled(using: &random)
                for _ in 0..<Int.random(in: 0...2, using: &random) {
                    steps.insert(.decode, at: Int.random(in: 0...steps.count, using: &random))
                }
                guard let served = Self.serve(path, steps) else { continue }
                let isPriced = Self.isPriced(served, patterns, isLower: steps.contains(.lowercase))
                if isPriced { priced += 1 }
                #expect(!isPriced, "\(path) is served free as \(served) by \(steps)")
                guard !isPriced else { return }
            }
        }
        #expect(forwarded > 10)
        #expect(priced == 0)
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
