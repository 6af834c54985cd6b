// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP
import TollRuntime
import TollTestKit

@testable import TollGateway

/// What is kept for a proxy to fetch takes no more room than it may.
@Suite struct KeptAnswersTests {
    private static func answers() -> KeptAnswers {
        var environment = ManualTime(start: .zero).environment
        let number = Counter()
        environment.randomBytes = { _ in Array("\(number.next())".utf8) }
        return KeptAnswers(environment: environment)
    }

    private static func answer(_ byteCount: Int) -> KeptAnswers.Answer {
        KeptAnswers.Answer(head: ResponseHead(status: 402), body: [UInt8](repeating: 0, count: byteCount))
    }

    @Test func `over the room the oldest go, and the others stay`() {
        let kept = Self.answers()
        let ids = (0..<33).map { _ in kept.keep(Self.answer(1 << 20)) }
        #expect(kept.take(ids[0]) == nil && kept.take(ids[1]) == nil)
        #expect(ids[2...].allSatisfy { kept.take($0)?.body.count == 1 << 20 })
        // What was fetched leaves its room to others.
        let more = (0..<31).map { _ in kept.keep(Self.answer(1 << 20)) }
        #expect(more.allSatisfy { kept.take($0) != nil })
    }

    @Test func `what is never fetched is bounded by number too`() {
        let kept = Self.answers()
        let first = kept.keep(Self.answer(0))
        for _ in 0..<100_000 { _ = kept.keep(Self.answer(0)) }
        #expect(kept.take(first) == nil)
    }
}
