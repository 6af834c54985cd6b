// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollPayments
internal import TollRuntime

/// Bounds the payments that are on their way to the chain: those whose requests wait, and those that go on in the background
/// after their requests were told to come again.
///
/// A chain that stands still would otherwise fill memory with waiting requests, and the ledger with transactions.
final class SettlementBacklog: Sendable {
    /// How often the ledger is asked how many are on their way.
    private static let interval = Duration.seconds(1)

    private struct State {
        /// Requests between their claim and their answer.
        var waiting = 0
        /// On their way when the ledger was last asked.
        var underWay = 0
        /// Whether some may be on their way that no request waits for: only then the ledger has to be asked. After a restart
        /// there may be.
        var mayGoOnUnwatched = true
        var nextAsked: Duration
    }

    private let store: any PaymentStore
    private let environment: Environment
    private let state: Mutex<State>

    /// Of payments of the ledger `store`.
    init(store: any PaymentStore, environment: Environment) {
        self.store = store
        self.environment = environment
        self.state = Mutex(State(nextAsked: environment.monotonic()))
    }

    /// Joins; false when there are `countMax` already. One that joined ends with ``leave(isSettling:)``.
    func enter(upTo countMax: Int) async -> Bool {
        if self.isDue() {
            // A ledger that does not answer refuses the claim that comes next.
            let query = PaymentQuery(in: [.signed, .broadcast, .unknown], limit: countMax)
            let count = (try? await self.store.records(query).count) ?? 0
            self.state.withLock { state in
                state.underWay = count
                state.mayGoOnUnwatched = count > state.waiting
            }
        }
        return self.state.withLock { state in
            guard max(state.waiting, state.underWay) < countMax else { return false }
            state.waiting += 1
            return true
        }
    }

    /// Leaves; `isSettling` when the settlement goes on.
    func leave(isSettling: Bool) {
        self.state.withLock { state in
            state.waiting -= 1
            if isSettling { state.mayGoOnUnwatched = true }
        }
    }

    /// Whether this request is the one to ask the ledger.
    private func isDue() -> Bool {
        let now = self.environment.monotonic()
        return self.state.withLock { state in
            guard state.mayGoOnUnwatched, now >= state.nextAsked else { return false }
            state.nextAsked = now + Self.interval
            return true
        }
    }
}
