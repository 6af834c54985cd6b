// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollTestKit

/// An upstream that does not speak HTTP.
@Suite struct GarbageTests {
    @Test(arguments: [
        "nonsense\r\n\r\n", "SSH-2.0-OpenSSH_9.2p1\r\n\r\n", "<html>\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n", "\r\n\r\n\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 099 X\r\n\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\n\n", "HTTP/1.1 200 O\u{0}K\r\n\r\n", "HTTP/1.1 200\r\n:\r\n\r\n",
    ])
    func `garbage is a bad gateway, and nobody's money`(answer: String) async throws {
        try await UpstreamStand.expectNoAnswer(.init(answers: [answer], lingers: true))
    }
}
