// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Counts requests that present a credential: they go on for a moment after their clients have been answered.
final class ActiveCalls: Sendable {
    private let state = Mutex(0)

    var count: Int { self.state.withLock { $0 } }

    func begin() { self.state.withLock { $0 += 1 } }

    func end() { self.state.withLock { $0 -= 1 } }
}
