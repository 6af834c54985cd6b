// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollTestKit

/// Clients that shut their side of the connection: in a head, in a body, behind a request.
@Suite struct HalfClosedTests {
    @Test(arguments: [
        "", "GET", "GET /free/x HTTP/1.1\r\n", "GET /free/x HTTP/1.1\r\n\(Gate.host)", "GET /free/x HTTP/1.1\r\n\(Gate.host)\r",
    ])
    func `half a head is no request`(head: String) async throws {
        let gate = try await Gate()
        #expect(try gate.answers(to: head, endsOurSide: true).statuses.isEmpty)
        #expect(await gate.targets().isEmpty)
    }

    @Test(arguments: [
        "Content-Length: 10\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
    ])
    func `half a body is never a whole one upstream`(rest: String) async throws {
        let gate = try await Gate()
        let answers = try gate.answers(to: "POST /free/x HTTP/1.1\r\n\(Gate.host)\(rest)", endsOurSide: true)
        #expect(answers.statuses.allSatisfy { $0 >= 400 })
        _ = await gate.targets()
        #expect(gate.upstream.seen.allSatisfy { !$0.isWhole })
    }

    @Test func `a challenge still reaches a client that says no more`() async throws {
        let gate = try await Gate()
        let request = "GET /paid/x HTTP/1.1\r\n\(Gate.host)\r\n"
        #expect(try gate.answers(to: request, endsOurSide: true).statuses == [402])
        #expect(await gate.targets().isEmpty)
    }

    @Test func `a client that says no more and waits for an upstream counts as gone`() async throws {
        let gate = try await Gate()
        _ = try gate.answers(to: "GET /free/x HTTP/1.1\r\n\(Gate.host)\r\n", endsOurSide: true)
        #expect(await gate.targets().count <= 1)
    }
}
