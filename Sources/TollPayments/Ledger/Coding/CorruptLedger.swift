// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

extension StoreError {
    /// Something stands in the ledger that this program never writes. Nothing is concluded from it (invariant I7).
    package static func corrupt(_ what: String) -> StoreError { .unavailable("corrupt ledger: \(what)") }
}
