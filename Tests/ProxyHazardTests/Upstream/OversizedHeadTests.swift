// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollTestKit

/// An upstream whose head does not end.
@Suite struct OversizedHeadTests {
    @Test func `a head over the limit is a bad gateway`() async throws {
        for head in [
            "X: " + String(repeating: "x", count: 100_000), String(repeating: "X: y\r\n", count: 300),
            String(repeating: "x", count: 100_000),
        ] {
            try await UpstreamStand.expectNoAnswer(.init(answers: ["HTTP/1.1 200 OK\r\n\(head)\r\n\r\n"], lingers: true))
        }
    }
}
