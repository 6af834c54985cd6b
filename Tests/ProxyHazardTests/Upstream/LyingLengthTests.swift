// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollTestKit

/// An upstream whose length is not one, or not that of what it sends.
@Suite struct LyingLengthTests {
    @Test(arguments: [
        "Content-Length: 2\r\nContent-Length: 3", "Content-Length: 2\r\nContent-Length: 2", "Content-Length: -2",
        "Content-Length: +2",
        "Content-Length: 2, 2", "Content-Length: 0x2", "Content-Length: ", "Content-Length: 99999999999999999999999",
        "Content-Length: 2\r\nTransfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding:\u{0B}chunked",
    ])
    func `a length that can be read in two ways is a bad gateway`(fields: String) async throws {
        try await UpstreamStand.expectNoAnswer(
            .init(answers: ["HTTP/1.1 200 OK\r\n\(fields)\r\n\r\n2\r\nok\r\n0\r\n\r\n"], lingers: true))
    }

    @Test func `what comes behind the announced length is nobody's answer`() async throws {
        let smuggled = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + smuggled
        try await UpstreamStand.expectAnswer(200, "ok", from: .init(answers: [answer], lingers: true))
    }
}
