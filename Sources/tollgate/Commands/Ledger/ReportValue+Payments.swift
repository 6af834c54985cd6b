// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPayments
import TollPrimitives
import TollRuntime

/// The words of payments as reports show them.
extension ReportValue {
    /// A payment's name: its first ten digits in a table, which commands take for the whole.
    static func payment(_ id: PaymentID) -> ReportValue {
        .long(id.description, short: String(id.description.prefix(10)))
    }

    /// An account: `0x857b…6b66` in a table.
    static func account(_ address: String) -> ReportValue {
        .long(address, short: Self.shortened(address))
    }

    /// A transaction: `0x12345678…` in a table; nothing where there is none.
    static func transaction(_ hash: String?) -> ReportValue {
        guard let hash, !hash.isEmpty else { return .none }
        return .long(hash, short: hash.count > 12 ? hash.prefix(10) + "…" : hash)
    }

    /// A route's pattern, cut to what fits beside the rest.
    static func route(_ pattern: String) -> ReportValue {
        .long(pattern, short: pattern.count > 24 ? pattern.prefix(23) + "…" : pattern)
    }

    /// Units of an asset.
    static func units(_ units: UInt256, of asset: Asset) -> ReportValue {
        .amount(units, decimals: asset.decimals, symbol: asset.symbol)
    }

    /// Words, or nothing.
    static func words(_ text: String?) -> ReportValue {
        text.map { .text($0) } ?? .none
    }

    /// A number, or nothing.
    static func count(_ number: UInt64?) -> ReportValue {
        number.map { .number(Int64(clamping: $0)) } ?? .none
    }

    static func shortened(_ address: String) -> String {
        address.count > 14 ? "\(address.prefix(6))…\(address.suffix(4))" : address
    }
}
