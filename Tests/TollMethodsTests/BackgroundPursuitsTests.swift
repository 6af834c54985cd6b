// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollPayments
import TollRuntime
import TollTestKit

@testable import TollMethods

@Suite struct BackgroundPursuitsTests {
    @Test func `a payment that is given up again and again is pursued once, and again when that has ended`() async throws {
        let work = BackgroundWork()
        let pursuits = BackgroundPursuits(work)
        let (first, second) = (SamplePayment.claim(1).id, SamplePayment.claim(2).id)
        let pursued = Mutex<[PaymentID: Int]>([:])
        let begin = { (payment: PaymentID) in
            pursuits.start(payment) { pursued.withLock { $0[payment, default: 0] += 1 } }
        }
        for payment in [first, second, first, first] { begin(payment) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await work.run() }
            while pursued.withLock({ $0.values.reduce(0, +) }) < 2 { await Task.yield() }
            #expect(pursued.withLock { $0 } == [first: 1, second: 1])
            while pursued.withLock({ $0[first] }) == 1 {
                begin(first)
                await Task.yield()
            }
            group.cancelAll()
        }
        #expect(pursued.withLock { $0[second] } == 1)
    }
}
