// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TollFacilitator

@Suite struct GasBudgetTests {
    @Test func `a settlement over the hour's gas waits until an older one is an hour old`() {
        let budget = GasBudget(gasPerHour: 2 * GasBudget.perSettlement)
        #expect(budget.take(at: .seconds(100)) == nil)
        #expect(budget.take(at: .seconds(200)) == nil)
        #expect(budget.take(at: .seconds(300)) == .seconds(3400))
        #expect(budget.take(at: .seconds(3700)) == nil)
    }

    @Test func `what was refused does not count`() {
        let budget = GasBudget(gasPerHour: GasBudget.perSettlement)
        #expect(budget.take(at: .zero) == nil)
        budget.giveBack()
        #expect(budget.take(at: .zero) == nil)
        #expect(budget.take(at: .zero) != nil)
    }

    @Test func `a budget below one settlement allows none`() {
        #expect(GasBudget(gasPerHour: 1).take(at: .zero) == .seconds(3600))
    }
}
