// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollTestKit

/// An upstream whose chunks are none.
@Suite struct BadChunkTests {
    @Test(arguments: [
        "x\r\nok\r\n0\r\n\r\n", "-2\r\nok\r\n0\r\n\r\n", " 2\r\nok\r\n0\r\n\r\n", "2 \r\nok\r\n0\r\n\r\n",
        "0x2\r\nok\r\n0\r\n\r\n",
        "2\nok\r\n0\r\n\r\n", "2\r\nokay\r\n0\r\n\r\n", "10000000000000002\r\nok\r\n0\r\n\r\n", "2;\u{0}\r\nok\r\n0\r\n\r\n",
        "\r\nok\r\n0\r\n\r\n", "2\r\nok\r\n0\r\nbad trailer\r\n\r\n", "2\r\nok\r\n0\r\n folded: 1\r\n\r\n",
    ])
    func `a bad chunk breaks the answer off`(body: String) async throws {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        try await UpstreamStand.expectNoAnswer(.init(answers: [head + body], lingers: true), noticed: .whenever)
    }

    @Test func `a chunk line or trailers without end break it off`() async throws {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        for body in ["2;" + String(repeating: "x", count: 10_000), "0\r\n" + String(repeating: "a: b\r\n", count: 5_000)] {
            try await UpstreamStand.expectNoAnswer(.init(answers: [head + body], lingers: true), noticed: .whenever)
        }
    }
}
