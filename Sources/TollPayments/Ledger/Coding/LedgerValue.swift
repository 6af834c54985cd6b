// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// What a column of a ledger in a database holds. Floating point is left out: nothing in a ledger is.
package enum LedgerValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case text(String)
    case blob([UInt8])

    package init(_ value: Bool) { self = .integer(value ? 1 : 0) }
    package init(_ value: Int) { self = .integer(Int64(value)) }
    package init(_ text: String?) { self = text.map(LedgerValue.text) ?? .null }
    package init(_ value: Int64?) { self = value.map(LedgerValue.integer) ?? .null }
}
