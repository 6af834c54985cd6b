// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// What a column holds. Floating point is left out: nothing in a ledger is.
enum SQLiteValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case text(String)
    case blob([UInt8])

    init(_ value: Bool) { self = .integer(value ? 1 : 0) }
    init(_ value: Int) { self = .integer(Int64(value)) }
    init(_ text: String?) { self = text.map(SQLiteValue.text) ?? .null }
    init(_ value: Int64?) { self = value.map(SQLiteValue.integer) ?? .null }
}
