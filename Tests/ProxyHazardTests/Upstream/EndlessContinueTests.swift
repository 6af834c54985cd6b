// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollTestKit

/// An upstream that says `100 Continue`, and nothing else.
@Suite struct EndlessContinueTests {
    @Test func `interim answers without end are a bad gateway`() async throws {
        let interim = String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 10_000)
        try await UpstreamStand.expectNoAnswer(.init(answers: [interim], lingers: true))
    }

    @Test func `some of them, hints among them, are passed over`() async throws {
        let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 9\r\n\r\n"
        let answer = interim + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
        try await UpstreamStand.expectAnswer(200, "ok", from: .init(answers: [answer]))
    }

    @Test func `a switch of protocols that nobody asked for is a bad gateway`() async throws {
        let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        try await UpstreamStand.expectNoAnswer(.init(answers: [answer], lingers: true))
    }
}
