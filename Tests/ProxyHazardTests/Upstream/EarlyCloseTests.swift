// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollTestKit

/// An upstream that closes without a word.
@Suite struct EarlyCloseTests {
    @Test(arguments: [
        "", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", "HTTP/1.1 100 Continue\r\n\r\n",
    ])
    func `a close before the head is whole is a bad gateway`(answer: String) async throws {
        try await UpstreamStand.expectNoAnswer(.init(answers: [answer]))
    }
}
