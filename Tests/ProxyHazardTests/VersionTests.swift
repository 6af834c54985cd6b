// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing

/// Versions other than HTTP/1.1.
@Suite struct VersionTests {
    @Test(arguments: [
        ("GET /free/x\r\n", 400), ("GET /free/x\r\n\r\n", 400), ("GET /free/x HTTP/0.9\r\n\r\n", 505),
        ("GET /free/x HTTP/2.0\r\n\(Gate.host)\r\n", 505),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505), ("GET /free/x HTTP/1.2\r\n\(Gate.host)\r\n", 505),
        ("GET /free/x http/1.1\r\n\(Gate.host)\r\n", 400),
        ("GET /free/x HTTP/1.1.\r\n\(Gate.host)\r\n", 400), ("GET /free/x HTTP/11\r\n\(Gate.host)\r\n", 400),
        ("GET /free/x HTTP/1.1 HTTP/1.1\r\n\(Gate.host)\r\n", 400),
        ("GET /free/x HTTP /1.1\r\n\(Gate.host)\r\n", 400), ("GET /free/x XTTP/1.1\r\n\(Gate.host)\r\n", 400),
    ])
    func `a version that is not spoken here is refused`(head: String, status: Int) async throws {
        try await Gate().expectRefusal(status, of: head)
    }

    @Test(arguments: ["", "Connection: keep-alive\r\n", "Connection: Keep-Alive\r\nKeep-Alive: timeout=60\r\n"])
    func `a connection of HTTP 1.0 has one request, whatever it asks for`(fields: String) async throws {
        let gate = try await Gate()
        let answers = try gate.answers(to: "GET /free/x HTTP/1.0\r\n\(fields)\r\n" + Gate.smuggled + Gate.last)
        #expect(answers.statuses == [200])
        #expect(answers.text.contains("\r\nConnection: close\r\n"))
        #expect(await gate.targets() == ["/free/x"])
    }

    @Test func `an upgrade to HTTP 2 is not taken up, and not passed on`() async throws {
        let gate = try await Gate()
        let fields = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
        #expect(try gate.answers(to: "GET /free/x HTTP/1.1\r\n\(Gate.host)\(fields)\r\n" + Gate.last).statuses == [200, 200])
        #expect(await gate.targets() == ["/free/x", "/free/last"])
        #expect(gate.upstream.seen.first.map { !$0.has("Upgrade") && !$0.has("HTTP2-Settings") } == true)
    }
}
