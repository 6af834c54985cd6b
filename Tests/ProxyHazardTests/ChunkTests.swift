// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TollHTTP
import TollTestKit

/// Chunk sizes, extensions and trailers (RFC 9112 §7.1).
@Suite struct ChunkTests {
    static let head = "POST /free/x HTTP/1.1\r\n\(Gate.host)Transfer-Encoding: chunked\r\n\r\n"

    @Test(arguments: [
        "0x5\r\nhello\r\n0\r\n\r\n", "+5\r\nhello\r\n0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "5_\r\nhello\r\n0\r\n\r\n", "g\r\nhello\r\n0\r\n\r\n", "\r\nhello\r\n0\r\n\r\n", ";a\r\nhello\r\n0\r\n\r\n",
        "10000000000000005\r\nhello\r\n0\r\n\r\n", "fffffffffffffffff\r\nhello", "4\r\nhello\r\n0\r\n\r\n",
        "6\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n", "5 ; a\r\nhello\r\n0\r\n\r\n", "5;a\u{0}b\r\nhello\r\n0\r\n\r\n", "5;a\nb\r\nhello\r\n0\r\n\r\n",
        "0\r\nX : 1\r\n\r\n", "0\r\n folded\r\n\r\n", "0\r\nX\r\n\r\n",
    ])
    func `a chunk that can be read in two ways ends the request and the connection`(chunks: String) async throws {
        let gate = try await Gate()
        let answers = try gate.answers(to: Self.head + chunks + Gate.smuggled + Gate.last)
        #expect(answers.statuses == [400], "\(answers.text)")
        _ = await gate.targets()
        #expect(gate.upstream.seen.allSatisfy { !$0.isWhole && $0.target == "/free/x" }, "\(gate.upstream.seen)")
    }

    @Test func `a size beyond the limit is refused before it comes, and lines have a limit too`() async throws {
        var limits = ServerLimits.patient
        limits.bodyBytes = 1_000
        for (chunks, status) in [
            ("3e9\r\n\(String(repeating: "x", count: 1_001))\r\n0\r\n\r\n", 413),
            ("5;\(String(repeating: "a", count: 300))\r\nhello\r\n0\r\n\r\n", 413),
            (String(repeating: "1\r\nx\r\n", count: 1_001) + "0\r\n\r\n", 413),
        ] {
            let gate = try await Gate(limits: limits)
            #expect(try gate.answers(to: Self.head + chunks + Gate.smuggled + Gate.last).statuses == [status])
            _ = await gate.targets()
            #expect(gate.upstream.seen.allSatisfy { !$0.isWhole })
        }
    }

    @Test func `extensions, sizes with zeros in front and other cases are read and not passed on`() async throws {
        let gate = try await Gate()
        let chunks = "0005;name=\"va;lue\"\r\nhello\r\nA\r\n, you all!\r\n0;end\r\n\r\n"
        #expect(try gate.answers(to: Self.head + chunks + Gate.last).statuses == [200, 200])
        #expect(await gate.targets() == ["/free/x", "/free/last"])
        let body = try #require(gate.upstream.seen.first?.body)
        let lines = body.components(separatedBy: "\r\n").enumerated()
        // Sizes and chunks take turns.
        #expect(lines.filter { $0.offset % 2 == 1 }.map(\.element).joined() == "hello, you all!")
        #expect(lines.allSatisfy { !$0.element.contains(";") })
    }

    @Test func `trailers that would frame or route the request are not merged into it`() async throws {
        let gate = try await Gate()
        let chunks = "5\r\nhello\r\n0\r\nContent-Length: 90\r\nHost: evil.example\r\nTollgate-Payer: me\r\n\r\n"
        #expect(try gate.answers(to: Self.head + chunks + Gate.last).statuses == [200, 200])
        #expect(await gate.targets() == ["/free/x", "/free/last"])
        #expect(gate.upstream.seen.allSatisfy { !$0.description.contains("evil") && !$0.description.contains("Payer") })
    }
}
