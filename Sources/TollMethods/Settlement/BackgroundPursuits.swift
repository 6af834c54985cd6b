// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollRuntime

/// Settlements that go on when nobody waits for them any more: one pursuit for each payment, however often it is presented again
/// and given up again.
struct BackgroundPursuits: Sendable {
    private let work: BackgroundWork
    private let pursued = PaymentLocks()

    init(_ work: BackgroundWork) {
        self.work = work
    }

    /// Begins to pursue a payment, unless that is done already.
    func start(_ payment: PaymentID, _ pursuit: @escaping BackgroundWork.Work) {
        guard self.pursued.tryAcquire(payment) else { return }
        self.work.start {
            await pursuit()
            self.pursued.release(payment)
        }
    }
}
