// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP
import TollRuntime

@testable import TollGateway

/// Under whatever routes there are, and however a server reads: what has a price is had for that price and not as another route.
@Suite struct PathConfusionTests {
    private static let segments = ["free", "paid", "deep", "x", "Caps", "one", "list", "open", "*", "{name}"]
    /// Tables, and paths for each: some thousand pairs that are decided, in a second; many more where time is no matter.
    private static let tables = EnvironmentVariables.value(of: "TOLLGATE_TEST_LONG") == nil ? 160 : 2_000
    private static let paths = 100

    private static func pattern(_ random: inout SeededGenerator) -> RoutePattern? {
        var parts = (0..<Int.random(in: 1...3, using: &random)).map { _ in Self.segments.randomElement(using: &random) ?? "" }
        if Int.random(in: 0..<3, using: &random) == 0 { parts.append(["**", ""].randomElement(using: &random) ?? "") }
        return try? RoutePattern("/" + parts.joined(separator: "/"))
    }

    @Test(arguments: 0..<8)
    func `no reading of a path lets a priced resource through as another route`(seed: UInt64) {
        var random = SeededGenerator(seed: seed &+ 101)
        var (pairs, refused) = (0, 0)
        for _ in 0..<(Self.tables / 8) {
            var patterns = (0..<Int.random(in: 2...8, using: &random)).compactMap { _ in Self.pattern(&random) }
            if let rest = try? RoutePattern("/**"), Bool.random(using: &random) { patterns.append(rest) }
            let isPriced = patterns.map { _ in Bool.random(using: &random) }
            let router = Router(Array(zip(patterns, isPriced)).map { (pattern: $0, isPriced: $1) })
            for _ in 0..<Self.paths {
                let path = LenientServer.path(&random)
                let decision = router.decide(.get, path: Array(path.utf8)[...])
                if decision == .ambiguous { refused += 1 }
                guard case .route(let index) = decision else { continue }
                for _ in 0..<12 {
                    let steps = LenientServer.steps(&random)
                    guard let served = LenientServer.serve(path, steps) else { continue }
                    pairs += 1
                    let own = LenientServer.route(of: served, among: patterns, isLower: steps.contains(.lowercase))
                    guard let own, own != index else { continue }
                    // With and without a slash at the end there may be two prices, of which one is paid.
                    guard !(isPriced[index] && steps.contains(.dropLastSlash)) else { continue }
                    #expect(
                        !isPriced[own],
                        "\(path) of \(patterns[index]) is served as \(served) of \(patterns[own]) by \(steps): \(patterns)"
                    )
                    guard !isPriced[own] else { return }
                }
            }
        }
        // Paths that lead elsewhere are among them, and it is the router that keeps them out.
        #expect(pairs > 100 && refused > 100, "\(pairs), \(refused)")
    }
}
