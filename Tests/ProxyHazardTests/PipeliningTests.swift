// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing

/// Many requests in one packet: each is decided on alone, in order, and a refusal ends it all.
@Suite struct PipeliningTests {
    static func get(_ target: String) -> String { "GET \(target) HTTP/1.1\r\n\(Gate.host)\r\n" }

    @Test func `free and paid ones are answered in order, and only free ones go on`() async throws {
        let gate = try await Gate()
        let post = "POST /free/2 HTTP/1.1\r\n\(Gate.host)Content-Length: 5\r\n\r\nhello"
        let requests =
            Self.get("/free/1") + Self.get("/paid/1") + post + Self.get("/dear") + Self.get("/none") + Self.get("/paid/2")
            + Gate.last
        #expect(try gate.answers(to: requests).statuses == [200, 402, 200, 402, 404, 402, 200])
        #expect(await gate.targets() == ["/free/1", "/free/2", "/free/last"])
        #expect(gate.upstream.seen.map(\.body) == ["", "hello", ""])
    }

    @Test func `a thousand in one piece, then one that is refused`() async throws {
        let gate = try await Gate()
        let many = String(repeating: Self.get("/paid/1"), count: 1_000)
        let statuses = try gate.answers(to: many + "GET /free/x HTTP/1.1\r\nBad : 1\r\n\r\n" + Self.get("/free/after")).statuses
        #expect(statuses == Array(repeating: 402, count: 1_000) + [400])
        #expect(await gate.targets().isEmpty)
    }

    @Test func `nothing is read behind a request that closes`() async throws {
        let gate = try await Gate()
        #expect(try gate.answers(to: Gate.last + Self.get("/free/after")).statuses == [200])
        #expect(await gate.targets() == ["/free/last"])
    }

    @Test func `one empty line before a request is let pass, two are not`() async throws {
        let gate = try await Gate()
        #expect(try gate.answers(to: "\r\n" + Self.get("/free/1") + "\r\n" + Gate.last).statuses == [200, 200])
        try await Gate().expectRefusal(400, of: "\r\n\r\n" + Self.get("/free/1"))
    }
}
