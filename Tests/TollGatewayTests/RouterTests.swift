// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP

@testable import TollGateway

@Suite struct RouterTests {
    private static func router(_ routes: [(String, Bool)]) throws -> Router {
        Router(try routes.map { (try RoutePattern($0.0), $0.1) })
    }

    private static let shop = [
        ("GET /health", false), ("GET /weather/*", true), ("POST /weather/*", true), ("/files/{name}/raw", true),
        ("/img/*", true), ("/deep/**", true), ("GET /public/**", false),
    ]

    @Test(arguments: [
        ("GET", "/health", Router.Decision.route(0)), ("HEAD", "/health", .route(0)),
        ("GET", "/weather/paris", .route(1)), ("HEAD", "/weather/paris", .route(1)), ("POST", "/weather/paris", .route(2)),
        ("DELETE", "/weather/paris", .methodNotAllowed(allow: ["GET", "POST"])), ("GET", "/weather", .notFound),
        ("GET", "/weather/a/b", .notFound), ("GET", "/nowhere", .notFound), ("GET", "/", .notFound),
        ("PUT", "/files/x/raw", .route(3)), ("GET", "/files/x/y/raw", .notFound), ("GET", "/files/x", .notFound),
        ("GET", "/img/a.png", .route(4)), ("GET", "/img/", .notFound), ("GET", "/deep", .notFound), ("GET", "/deep/", .route(5)),
        ("GET", "/deep/a/b/c", .route(5)), ("GET", "/deeper", .notFound),
        ("GET", "/public/a", .route(6)),
    ])
    func `the first match wins`(method: String, path: String, expected: Router.Decision) throws {
        let router = try Self.router(Self.shop)
        #expect(router.decide(try #require(Method(method)), path: Array(path.utf8)[...]) == expected)
    }

    @Test(arguments: [
        "/public/../weather/paris", "/public/%2e%2e/weather/paris", "/public/%252e%252e/weather/paris",
        "/public/..;/weather/paris", "/public/..\\weather\\paris", "/public//../weather/paris",
        "/public/..%2fweather%2fparis", "/public/%2E./weather/paris",
        "/WEATHER/paris", "/Weather/Paris", "/weather/paris/", "/weather//paris", "/weather/./paris", "/weather%2Fparis",
        "/weather/x/../paris", "/weather;v=1/paris", "/w%65ather/paris", "/%77eather/paris", "//weather/paris",
    ])
    func `a path that a lenient reader takes for a priced one is refused`(path: String) throws {
        let router = try Self.router(Self.shop)
        #expect(router.decide(.get, path: Array(path.utf8)[...]) == .ambiguous)
    }

    @Test(arguments: [
        "/weather/%", "/weather/%2", "/weather/%zz", "/public/%00", "/public/%250a", "/weather/a%23b", "/health%7f",
    ])
    func `malformed escapes and controls are refused`(path: String) throws {
        let router = try Self.router(Self.shop)
        #expect(router.decide(.get, path: Array(path.utf8)[...]) == .malformed)
    }

    @Test(arguments: ["/weather/S%C3%A3o", "/weather/Paris", "/weather/a;b", "/public/A/../b", "/public/x/"])
    func `odd paths that lead to the same route are served`(path: String) throws {
        let router = try Self.router(Self.shop)
        guard case .route = router.decide(.get, path: Array(path.utf8)[...]) else {
            Issue.record("\(path) is refused")
            return
        }
    }

    @Test func `a method does not hide that the other reading is priced`() throws {
        let router = try Self.router([("GET /a", false), ("POST /a", true), ("/**", false)])
        #expect(router.decide(.post, path: Array("/%61".utf8)[...]) == .ambiguous)
    }
}
