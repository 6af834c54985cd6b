// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing

/// Lines that end with LF or CR alone: where one side sees the end of a line, of a head or of a chunk, the other does not
/// (RFC 9112 §2.2).
@Suite struct LineEndTests {
    @Test(arguments: [
        "GET /free/x HTTP/1.1\n\(Gate.host)\r\n", "GET /free/x HTTP/1.1\r\nHost: api.example\n\r\n",
        "GET /free/x HTTP/1.1\r\n\(Gate.host)\n", "GET /free/x HTTP/1.1\n\n", "\nGET /free/x HTTP/1.1\r\n\(Gate.host)\r\n",
        "GET /free/x HTTP/1.1\r\n\(Gate.host)X: a\nContent-Length: 5\r\n\r\n",
        "GET /free/x HTTP/1.1\r\n\(Gate.host)X: a\rY: b\r\n\r\n",
        "GET /free/x HTTP/1.1\r\n\(Gate.host)X: a\r\r\n\r\n", "GET /free/x HTTP/1.1\r\n\(Gate.host)\r\r\n",
        "GET /free/x HTTP/1.1\r\r\n\(Gate.host)\r\n",
        "GET /free/x\rHTTP/1.1\r\n\(Gate.host)\r\n", "GET /free/x HTTP/1.1\r\n\(Gate.host)X: a\u{0}b\r\n\r\n",
    ])
    func `a head of other line ends is refused`(head: String) async throws {
        try await Gate().expectRefusal(400, of: head)
    }

    @Test(arguments: [
        "5\nhello\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "5\r\nhello\r\n0\n\r\n", "5\r\nhello\r\n0\r\n\n",
        "5\rhello\r\n0\r\n\r\n",
    ])
    func `a chunk of other line ends is refused`(chunks: String) async throws {
        let gate = try await Gate()
        let request = "POST /free/x HTTP/1.1\r\n\(Gate.host)Transfer-Encoding: chunked\r\n\r\n\(chunks)"
        #expect(try gate.answers(to: request + Gate.smuggled + Gate.last).statuses == [400])
        _ = await gate.targets()
        #expect(gate.upstream.seen.allSatisfy { !$0.isWhole && $0.target == "/free/x" })
    }
}
