// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPrimitives

/// Amounts of dollars as prices are written: `$0.001`.
enum DollarText {
    /// Nil when `text` is not a `$` and a plain decimal number.
    static func parse(_ text: String) -> DecimalAmount? {
        text.hasPrefix("$") ? DecimalAmount(text.dropFirst()) : nil
    }
}
