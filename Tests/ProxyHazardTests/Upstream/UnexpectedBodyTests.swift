// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP
import TollTestKit

/// An upstream that sends a body where there is none.
@Suite struct UnexpectedBodyTests {
    private static let forged = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"

    @Test func `a body of a 204 is nobody's answer`() async throws {
        for fields in ["", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"] {
            let answer = "HTTP/1.1 204 No Content\r\n\(fields)\r\n" + Self.forged
            try await UpstreamStand.expectAnswer(204, "", from: .init(answers: [answer], lingers: true))
        }
    }

    @Test func `a body of an answer to HEAD neither`() async throws {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 44\r\n\r\n" + Self.forged
        try await UpstreamStand.expectAnswer(200, "", from: .init(answers: [answer], lingers: true), .head)
    }

    @Test(arguments: UpstreamStand.Way.allCases)
    func `a body of a 304 neither`(way: UpstreamStand.Way) async throws {
        let answer = "HTTP/1.1 304 Not Modified\r\nContent-Length: 44\r\n\r\n" + Self.forged
        let stand = try await UpstreamStand([.init(answers: [answer], lingers: true), .init(answers: [UpstreamStand.next])])
        let outcome = try await stand.ask(way)
        #expect(outcome.status == 304 && outcome.body.isEmpty && outcome.isWhole)
        #expect(try await stand.ask(.free).body == Array("next".utf8))
    }
}
