// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Lets one thread wait for a value from another.
final class ThreadGate<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)
    private let bell: Bell

    init(bell: Bell) { self.bell = bell }

    func open(_ value: Value) {
        self.value.withLock { $0 = value }
        self.bell.ring()
    }

    /// Blocks until the gate is open. `poller` is the one whose bell the gate rings.
    func wait(_ poller: Poller) -> Value {
        while true {
            if let value = self.value.withLock({ $0 }) { return value }
            _ = poller.wait(milliseconds: -1)
        }
    }
}
