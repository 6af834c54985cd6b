// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing

/// CL.TE and TE.CL: a length and chunks, of which those in front obey one and those behind the other (RFC 9112 §6.1).
@Suite struct LengthAndChunksTests {
    @Test(arguments: [
        "Content-Length: 4\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "Transfer-Encoding: chunked\r\nContent-Length: 0", "Content-Length: 4\r\nX: 1\r\ntransfer-encoding: chunked",
    ])
    func `both are refused, in either order`(fields: String) async throws {
        let chunks = "5c\r\n\(Gate.smuggled)\r\n0\r\n\r\n"
        try await Gate().expectRefusal(400, of: "POST /free/x HTTP/1.1\r\n\(Gate.host)\(fields)\r\n\r\n\(chunks)")
    }

    @Test func `what goes upstream has one framing, ours`() async throws {
        let gate = try await Gate()
        let request = "POST /free/x HTTP/1.1\r\n\(Gate.host)Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        #expect(try gate.answers(to: request + Gate.last).statuses == [200, 200])
        #expect(await gate.targets() == ["/free/x", "/free/last"])
        let seen = try #require(gate.upstream.seen.first)
        #expect(seen.has("Content-Length") != seen.has("Transfer-Encoding"))
        #expect(seen.body.contains("hello"))
    }
}
