// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollTestKit

@Suite struct MemoryOutboxTests {
    @Test(arguments: NoticeOutboxConformance.Rule.allCases) func conforms(rule: NoticeOutboxConformance.Rule) async throws {
        try await NoticeOutboxConformance.run(rule, MemoryPaymentStore())
    }
}
