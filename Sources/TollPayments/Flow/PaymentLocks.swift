// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Lets one request at a time work on a payment, within this process.
///
/// Whoever presents a credential while another request holds it waits, and then finds in the ledger how it ended. The claim in
/// the ledger is what makes a payment unique; this only keeps two requests of one process from both taking up an interruption.
public final class PaymentLocks: Sendable {
    private let held = Mutex<Set<PaymentID>>([])

    /// No payment is held.
    public init() {}

    /// Takes the payment; false when another request has it.
    public func tryAcquire(_ payment: PaymentID) -> Bool {
        self.held.withLock { $0.insert(payment).inserted }
    }

    /// Gives it back.
    public func release(_ payment: PaymentID) {
        self.held.withLock { _ = $0.remove(payment) }
    }
}
