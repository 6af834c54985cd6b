// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollPayments

/// Records that this process wrote lately, so that the next event of a payment under way does not read all that came before.
///
/// Others write to the ledger too, so a record is only taken from here when the payment, locked, still has as many events: they
/// are only ever appended.
final class RecentPayments: Sendable {
    /// At most twice this many are kept, of some kilobytes each.
    private static let countMax = 2_048

    private struct Recent {
        let eventCount: Int64
        let record: PaymentRecord
    }

    private struct State {
        var recent: [PaymentID: Recent] = [:]
        var older: [PaymentID: Recent] = [:]
    }

    private let state = Mutex(State())

    /// The record of a payment that has `eventCount` events, when it is known.
    func record(_ payment: PaymentID, eventCount: Int64) -> PaymentRecord? {
        let known = self.state.withLock { $0.recent[payment] ?? $0.older[payment] }
        return known?.eventCount == eventCount ? known?.record : nil
    }

    /// Keeps what was committed.
    func remember(_ payments: [StoredPayment]) {
        self.state.withLock { state in
            for payment in payments {
                if state.recent.count >= Self.countMax { (state.older, state.recent) = (state.recent, [:]) }
                state.recent[payment.record.id] = Recent(eventCount: payment.eventCount, record: payment.record)
            }
        }
    }
}
