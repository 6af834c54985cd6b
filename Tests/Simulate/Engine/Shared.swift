// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A value that closures share.
final class Shared<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>

    init(_ value: Value) { self.mutex = Mutex(value) }

    func withLock<Result: Sendable>(_ body: (inout sending Value) -> Result) -> Result {
        self.mutex.withLock { value in body(&value) }
    }

    var value: Value { self.mutex.withLock { $0 } }
}
