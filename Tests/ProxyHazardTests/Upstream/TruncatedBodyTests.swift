// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollTestKit

/// An upstream that announces more than it sends.
@Suite struct TruncatedBodyTests {
    @Test func `a short body that is cut is a bad gateway: none of it has gone out`() async throws {
        try await UpstreamStand.expectNoAnswer(.init(answers: ["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"]))
    }

    @Test func `a long one breaks off`() async throws {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n"
        try await UpstreamStand.expectNoAnswer(.init(answers: [head + String(repeating: "x", count: 70_000)]), noticed: .within)
    }

    @Test func `chunks without a last one break off`() async throws {
        let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"
        try await UpstreamStand.expectNoAnswer(.init(answers: [answer]), noticed: .whenever)
    }
}
