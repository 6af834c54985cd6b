// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP
import TollTestKit

/// Every head of the parser's corpus, through the whole gateway, with a request to be smuggled behind it.
@Suite struct HeadCorpusTests {
    @Test(arguments: Hazard.corpus)
    func `the upstream reads what the gate decided on, once, or nothing`(hazard: Hazard) async throws {
        let gate = try await Gate()
        let isEndless = hazard.fate == .incomplete || hazard.fate == Hazard.ok("/", .length(67_108_864))
        let behind = isEndless ? [] : Array((Gate.smuggled + Gate.last).utf8)
        let answers = try gate.answers(to: hazard.bytes + behind, endsOurSide: isEndless)
        let targets = await gate.targets()
        #expect(!targets.contains("/paid/smuggled"))
        switch hazard.fate {
        case .refused(let status, _):
            #expect(answers.statuses == [status])
            #expect(targets.isEmpty)
        case .accepted(let target, _):
            #expect(targets.allSatisfy { $0 == target || $0 == "/free/last" })
            #expect(targets.count <= 2)
        case .incomplete:
            #expect(answers.statuses.isEmpty && targets.isEmpty)
        }
    }
}
