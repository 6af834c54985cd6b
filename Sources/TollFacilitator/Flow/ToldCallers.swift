// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollPayments

/// A caller that can prove to be the same again: its token, and the key it chose for one request.
struct Caller: Hashable, Sendable {
    /// The place of its token in the configuration.
    let token: Int
    /// Its `Idempotency-Key`.
    let idempotencyKey: String
}

/// Who was told of which payment, so that a caller whose answer was lost behind our back can have it again.
///
/// In memory alone: after a restart the repeat is a duplicate, which may cost a caller its answer and never tells two.
final class ToldCallers: Sendable {
    /// A caller repeats a lost request within minutes; this is that many at any rate a chain can settle.
    private static let countMax = 10_000

    private struct State {
        var callers: [PaymentID: Caller] = [:]
        /// The payments in the order they came, and where the oldest stands once the ring is full.
        var ring: [PaymentID] = []
        var oldest = 0
    }

    private let state = Mutex(State())

    /// `caller` was told of `payment`.
    func note(_ caller: Caller, _ payment: PaymentID) {
        self.state.withLock { state in
            guard state.callers.updateValue(caller, forKey: payment) == nil else { return }
            if state.ring.count < Self.countMax {
                state.ring.append(payment)
            } else {
                state.callers[state.ring[state.oldest]] = nil
                state.ring[state.oldest] = payment
                state.oldest = (state.oldest + 1) % Self.countMax
            }
        }
    }

    /// Whether it was this caller, asking under the same key, that was told of `payment`.
    func wasTold(_ caller: Caller, _ payment: PaymentID) -> Bool {
        self.state.withLock { $0.callers[payment] == caller }
    }
}
