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

    private static let routes: [(String, Bool)] = [
        ("/free/**", false), ("/paid/*", true), ("/deep/**", true), ("/x/{a}/{b}", true), ("/x/**", false), ("/Caps/one", true),
        ("/list/", true), ("/open", false), ("/**", false),
    ]
    @Test(arguments: 0..<8)
    func `whatever a lenient server makes of a path, it does not make it free`(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed) &+ 1)
        let patterns = try Self.routes.map { (pattern: try RoutePattern($0.0), isPriced: $0.1) }
        let router = Router(patterns)
        var (forwarded, priced) = (0, 0)
        for _ in 0..<250 {
            let path = LenientServer.path(&random)
            guard case .route(let index) = router.decide(.get, path: Array(path.utf8)[...]), !patterns[index].isPriced else {
                continue
            }
            forwarded += 1
            for _ in 0..<12 {
                let steps = LenientServer.steps(&random)
                guard let served = LenientServer.serve(path, steps) else { continue }
                let own = LenientServer.route(of: served, among: patterns.map(\.pattern), isLower: steps.contains(.lowercase))
                let isPriced = own.map { patterns[$0].isPriced } ?? false
                if isPriced { priced += 1 }
                #expect(!isPriced, "\(path) is served free as \(served) by \(steps)")
                guard !isPriced else { return }
            }
        }
        #expect(forwarded > 10)
        #expect(priced == 0)
    }
}
