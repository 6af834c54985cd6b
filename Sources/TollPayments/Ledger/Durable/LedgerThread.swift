// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Dispatch

/// Where calls that block, because they wait for a disk or a database, are made.
package struct LedgerThread: Sendable {
    private let queue: DispatchQueue?

    /// A thread of its own, so that no caller's is blocked.
    package static func own(_ label: String) -> LedgerThread { LedgerThread(queue: DispatchQueue(label: label)) }

    /// The caller's thread, before the call returns: for tests and simulations, which want one order of events and not several.
    package static let callers = LedgerThread(queue: nil)

    /// Runs `work` there.
    func run(_ work: @escaping @Sendable () -> Void) {
        if let queue = self.queue { queue.async(execute: work) } else { work() }
    }
}
