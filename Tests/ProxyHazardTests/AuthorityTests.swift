// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing

/// Whom a request means: absolute-form against Host, two hosts, user names (RFC 9112 §3.2).
@Suite struct AuthorityTests {
    @Test(arguments: [
        "GET /free/x HTTP/1.1\r\n\(Gate.host)\(Gate.host)\r\n", "GET /free/x HTTP/1.1\r\n\(Gate.host)host: evil.example\r\n\r\n",
        "GET /free/x HTTP/1.1\r\n\r\n", "GET /free/x HTTP/1.1\r\nHost:\r\n\r\n", "GET /free/x HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET /free/x HTTP/1.1\r\nHost: api.example, evil.example\r\n\r\n", "GET /free/x HTTP/1.1\r\nHost: me@api.example\r\n\r\n",
        "GET /free/x HTTP/1.1\r\nHost: api.example/paid\r\n\r\n", "GET /free/x HTTP/1.1\r\nHost: api.example:0x50\r\n\r\n",
        "GET /free/x HTTP/1.1\r\nHost: api.example#\r\n\r\n", "GET http://me@api.example/free/x HTTP/1.1\r\n\(Gate.host)\r\n",
        "GET http:///free/x HTTP/1.1\r\n\(Gate.host)\r\n", "GET http:/free/x HTTP/1.1\r\n\(Gate.host)\r\n",
        "GET ftp://api.example/free/x HTTP/1.1\r\n\(Gate.host)\r\n",
        "GET //api.example@evil/free/x#y HTTP/1.1\r\n\(Gate.host)\r\n",
        "GET http://api.example\\@evil/free/x HTTP/1.1\r\n\(Gate.host)\r\n", "GET http://api.example/free/x HTTP/1.1\r\n\r\n",
    ])
    func `a request that names nobody, two, or a trick is refused`(head: String) async throws {
        try await Gate().expectRefusal(400, of: head)
    }

    @Test func `an absolute target is decided on, and sent on, by its path`() async throws {
        let gate = try await Gate()
        let requests =
            "GET http://api.example/paid/x HTTP/1.1\r\nHost: evil.example\r\n\r\n"
            + "GET HTTPS://evil.example/free/y?z HTTP/1.1\r\n\(Gate.host)\r\n"
        #expect(try gate.answers(to: requests + Gate.last).statuses == [402, 200, 200])
        #expect(await gate.targets() == ["/free/y?z", "/free/last"])
        #expect(gate.upstream.seen.allSatisfy { !$0.line.contains("evil") })
    }
}
