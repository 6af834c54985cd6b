// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing

/// CL.CL: of two lengths, those in front take one and those behind the other (RFC 9112 §6.3).
@Suite struct ContentLengthTests {
    static let length = Gate.smuggled.utf8.count

    @Test(arguments: [
        "Content-Length: 0\r\nContent-Length: \(length)", "Content-Length: \(length)\r\nContent-Length: 0",
        "Content-Length: \(length)\r\nContent-Length: \(length)", "content-length: 0\r\nX: 1\r\nCONTENT-LENGTH: \(length)",
        "Content-Length: 0, \(length)", "Content-Length: \(length), \(length)", "Content-Length: +\(length)",
        "Content-Length: -1",
        "Content-Length: 0x10", "Content-Length: 1e1", "Content-Length: \(length)\u{0B}", "Content-Length: ٣",
        "Content-Length: \"0\"",
        "Content-Length: 18446744073709551616", "Content-Length: 0;1", "Content-Length:",
    ])
    func `two lengths, or one that is no number, are refused`(fields: String) async throws {
        try await Gate().expectRefusal(400, of: "POST /free/x HTTP/1.1\r\n\(Gate.host)\(fields)\r\n\r\n", fields)
    }

    @Test func `a length beyond all limits is refused before any of it is read`() async throws {
        for length in ["18446744073709551615", "9223372036854775808", "67108865"] {
            try await Gate().expectRefusal(413, of: "POST /free/x HTTP/1.1\r\n\(Gate.host)Content-Length: \(length)\r\n\r\n")
        }
    }

    @Test func `a request inside a body is a body`() async throws {
        let gate = try await Gate()
        let request = "POST /free/x HTTP/1.1\r\n\(Gate.host)Content-Length: \(Self.length)\r\n\r\n\(Gate.smuggled)"
        #expect(try gate.answers(to: request + Gate.last).statuses == [200, 200])
        #expect(await gate.targets() == ["/free/x", "/free/last"])
        #expect(gate.upstream.seen.first?.body == Gate.smuggled)
    }

    @Test func `a body on GET is the GET's`() async throws {
        let gate = try await Gate()
        let request = "GET /free/x HTTP/1.1\r\n\(Gate.host)Content-Length: \(Self.length)\r\n\r\n\(Gate.smuggled)"
        #expect(try gate.answers(to: request + Gate.last).statuses == [200, 200])
        #expect(await gate.targets() == ["/free/x", "/free/last"])
    }

    @Test func `the body of a request that is asked to pay is no request`() async throws {
        let gate = try await Gate()
        let inner = "GET /free/inner HTTP/1.1\r\n\(Gate.host)\r\n"
        let request = "POST /paid/x HTTP/1.1\r\n\(Gate.host)Content-Length: \(inner.utf8.count)\r\n\r\n\(inner)"
        #expect(try gate.answers(to: request + Gate.last).statuses == [402, 200])
        #expect(await gate.targets() == ["/free/last"])
    }
}
