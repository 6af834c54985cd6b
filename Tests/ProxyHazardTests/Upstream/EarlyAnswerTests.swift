// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP
import TollPayments
import TollTestKit

/// An upstream that answers before it has read the request.
@Suite struct EarlyAnswerTests {
    @Test(arguments: UpstreamStand.Way.allCases)
    func `the answer is delivered, and its connection not used again`(way: UpstreamStand.Way) async throws {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        let stand = try await UpstreamStand([.init(answers: [answer], lingers: true), .init(answers: [UpstreamStand.next])])
        let outcome = try await stand.ask(way, .post, body: BodyStream([UInt8](repeating: 1, count: 8 << 20)))
        #expect(outcome.status == 200 && outcome.isWhole && outcome.body == Array("ok".utf8))
        #expect(try await stand.ask(.free).body == Array("next".utf8))
    }

    @Test(arguments: UpstreamStand.Way.allCases)
    func `an early refusal is heard, whatever becomes of the rest`(way: UpstreamStand.Way) async throws {
        let answer = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        let stand = try await UpstreamStand([.init(answers: [answer], lingers: true)])
        let outcome = try await stand.ask(way, .post, body: BodyStream([UInt8](repeating: 1, count: 8 << 20)))
        #expect(outcome.status == 413 && outcome.isWhole)
        // A refusal is the buyer's to pay for only where that was agreed.
        let phase: PaymentRecord.Phase? = way == .free ? nil : way == .before ? .settled : .released
        #expect(outcome.record?.phase == phase)
    }
}
