// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives

@testable import tollgate

@Suite struct GasHistoryTests {
    private static let ether = UInt256(1_000_000_000_000_000_000)

    private func milliether(_ count: UInt64) -> UInt256 { UInt256(count).multiplied(by: 1_000_000_000_000_000) ?? .zero }

    @Test func `a signer that spends a thousandth an hour lasts as many hours as it has thousandths`() throws {
        var history = GasHistory()
        for hour in 0...10 { history.note(self.milliether(UInt64(100 - hour)), at: .seconds(hour * 3_600)) }
        let left = try #require(history.secondsLeft(at: .seconds(36_000)))
        #expect(abs(left - 90 * 3_600) < 1)
        #expect(abs(history.balance - 0.09) < 1e-12)
    }

    @Test func `what is paid in in between is not taken for earnings`() throws {
        var history = GasHistory()
        history.note(self.milliether(10), at: .zero)
        history.note(self.milliether(9), at: .seconds(1_800))
        history.note(self.milliether(109), at: .seconds(1_900))
        history.note(self.milliether(108), at: .seconds(3_600))
        #expect(abs(try #require(history.secondsLeft(at: .seconds(3_600))) - 54 * 3_600) < 1)
    }

    @Test func `of what was seen for minutes nothing is said, and who spends nothing lasts for ever`() {
        var history = GasHistory()
        history.note(self.milliether(10), at: .zero)
        history.note(self.milliether(9), at: .seconds(60))
        #expect(history.secondsLeft(at: .seconds(60)) == nil)
        var idle = GasHistory()
        for minute in stride(from: 0, through: 60, by: 1) { idle.note(self.milliether(10), at: .seconds(minute * 60)) }
        #expect(idle.secondsLeft(at: .seconds(3_600)) == .infinity)
    }

    @Test func `what was spent before yesterday is forgotten`() throws {
        var history = GasHistory()
        for hour in 0...24 { history.note(self.milliether(UInt64(1_000 - 10 * hour)), at: .seconds(hour * 3_600)) }
        for hour in 25...72 { history.note(self.milliether(UInt64(760 - (hour - 24))), at: .seconds(hour * 3_600)) }
        let left = try #require(history.secondsLeft(at: .seconds(72 * 3_600)))
        #expect(abs(left / 3_600 - 712) < 20)
    }
}
