// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives

@testable import tollgate

@Suite struct GasHistoryTests {
    private func milliether(_ count: UInt64) -> UInt256 { UInt256(count).multiplied(by: 1_000_000_000_000_000) ?? .zero }

    @Test func `a signer that spends a thousandth an hour lasts as many hours as it has thousandths`() {
        var history = GasHistory()
        for hour in 0...10 { history.note(self.milliether(UInt64(100 - hour)), at: .seconds(hour * 3_600)) }
        #expect(history.lasting(at: .seconds(36_000)) == .seconds(90 * 3_600))
        #expect(history.balance == 90_000_000)
    }

    @Test func `what is paid in is not taken for earnings`() {
        var history = GasHistory()
        history.note(self.milliether(10), at: .zero)
        history.note(self.milliether(9), at: .seconds(1_800))
        history.note(self.milliether(109), at: .seconds(1_900))
        history.note(self.milliether(108), at: .seconds(3_600))
        #expect(history.lasting(at: .seconds(3_600)) == .seconds(54 * 3_600))
    }

    @Test func `of what was seen for minutes nothing is said, and who spends nothing lasts for ever`() {
        var history = GasHistory()
        history.note(self.milliether(10), at: .zero)
        history.note(self.milliether(9), at: .seconds(60))
        #expect(history.lasting(at: .seconds(60)) == .unknown)
        var idle = GasHistory()
        for minute in 0...60 { idle.note(self.milliether(10), at: .seconds(minute * 60)) }
        #expect(idle.lasting(at: .seconds(3_600)) == .forever)
    }

    @Test func `what was spent before yesterday is forgotten`() {
        var history = GasHistory()
        for hour in 0...24 { history.note(self.milliether(UInt64(1_000 - 10 * hour)), at: .seconds(hour * 3_600)) }
        for hour in 25...72 { history.note(self.milliether(UInt64(760 - (hour - 24))), at: .seconds(hour * 3_600)) }
        #expect(history.lasting(at: .seconds(72 * 3_600)) == .seconds(712 * 3_600))
    }
}
