// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollTestKit

/// An upstream that resets the connection.
@Suite struct ResetTests {
    @Test func `a reset in place of an answer is a bad gateway`() async throws {
        try await UpstreamStand.expectNoAnswer(.init(answers: [""], ending: .reset))
    }

    @Test func `a reset within the body breaks the answer off, wherever it is noticed`() async throws {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n"
        try await UpstreamStand.expectNoAnswer(
            .init(answers: [head + String(repeating: "x", count: 70_000)], ending: .reset), noticed: .whenever)
    }
}
