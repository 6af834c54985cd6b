// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP

@testable import TollGateway

@Suite struct RoutePatternTests {
    @Test(
        arguments: [
            ("GET /weather/*", Method.get, [.literal("weather"), .any(name: nil)]),
            ("/", nil, [.literal("")]),
            ("/a/", nil, [.literal("a"), .literal("")]),
            ("/**", nil, [.rest]),
            ("POST /v1/{city}/**", Method.post, [.literal("v1"), .any(name: "city"), .rest]),
            ("M-SEARCH /a.b_c~d!$&'()+,=:@", Method("M-SEARCH"), [.literal("a.b_c~d!$&'()+,=:@")]),
        ] as [(String, Method?, [RoutePattern.Segment])]
    )
    func `a pattern is a method and segments`(text: String, method: Method?, segments: [RoutePattern.Segment]) throws {
        let pattern = try RoutePattern(text)
        #expect(pattern.method == method)
        #expect(pattern.segments == segments)
        #expect(pattern.description == text)
    }

    @Test(arguments: [
        ("get /a", "`get` is no method", "write `GET`"),
        ("GET: /a", "`GET:` is no method", "write `METHOD /path` or `/path`"),
        ("GET a", "the path does not begin with `/`", "write `GET /a`"),
        ("GET  /a", "has 2 words or stray spaces", "write `METHOD /path` or `/path`, with one space"),
        ("GET /a /b", "has 3 words or stray spaces", "write `METHOD /path` or `/path`, with one space"),
        ("/a/**/b", "`**` is not at the end", "write `*` for one segment within the path"),
        ("/a//b", "an empty segment (`//`)", "write one `/`"),
        ("/a/../b", "the segment `..` never reaches a route", "write the path it leads to"),
        ("/a*", "`*` cannot stand within a segment", "let `*` or `{name}` stand for the whole segment"),
        ("/***", "`*` cannot stand within a segment", "let `*` or `{name}` stand for the whole segment"),
        ("/{a}b", "`{` cannot stand within a segment", "let `*` or `{name}` stand for the whole segment"),
        ("/{}", "`{}` has no name of letters, digits and `_`", "write for example `{city}`"),
        ("/{a}/{a}", "a name stands in braces twice", "give each `{name}` its own"),
        ("/a%20b", "`%` cannot stand within a segment", "write `*` in place of the segment"),
        ("/a;v=1", "`;` cannot stand within a segment", "write `*` in place of the segment"),
        ("/a?b", "`?` cannot stand within a segment", "write `*` in place of the segment"),
        ("/caf\u{E9}", "`\u{E9}` cannot stand within a segment", "write `*` in place of the segment"),
        ("CONNECT /a", "CONNECT has no path, and is not forwarded", "name another method"),
        ("TRACE /a", "TRACE shows clients what proxies have added, and is refused", "name another method"),
    ])
    func `what is no pattern is refused with what to write`(text: String, message: String, remedy: String) {
        #expect(throws: RoutePattern.Problem(message: message, remedy: remedy)) { try RoutePattern(text) }
    }

    @Test(arguments: [
        ("/**", "GET /a", true), ("GET /**", "/a", false), ("GET /a", "HEAD /a", true), ("HEAD /a", "GET /a", false),
        ("/a/*", "/a/b", true), ("/a/*", "/a/{x}", true), ("/a/*", "/a/", false), ("/a/**", "/a/", true), ("/a/**", "/a", false),
        ("/a/**", "/a/*/c", true), ("/a/*", "/a/**", false), ("/a/b", "/a/*", false), ("/a/b", "/a/b", true),
        ("/*/b", "/a/*", false),
        ("/a/*", "/a/b/c", false), ("POST /**", "GET /a", false), ("/A", "/a", false), ("/**", "/", true), ("/*", "/", false),
    ])
    func `a pattern covers those it leaves nothing for`(earlier: String, later: String, expected: Bool) throws {
        #expect(try RoutePattern(earlier).covers(RoutePattern(later)) == expected)
    }
}
