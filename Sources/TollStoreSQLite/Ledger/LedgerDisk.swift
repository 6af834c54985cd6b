// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments

/// Where a ledger's file lies, and on whose thread it is waited for.
package struct LedgerDisk: Sendable {
    /// The name of SQLite's VFS; nil for the operating system's files.
    let vfs: String?

    /// The operating system's files, waited for on threads of the ledger's own.
    package static let system = LedgerDisk(vfs: nil)

    /// A disk that SQLite knows as the VFS `name`. Every call happens on the caller's thread before it returns, so that a
    /// simulation has one order of events; no lock keeps a second store out.
    package static func simulated(_ name: String) -> LedgerDisk { LedgerDisk(vfs: name) }

    /// The thread for work called `label`.
    func thread(_ label: String) -> LedgerThread { self.vfs == nil ? .own(label) : .callers }
}
