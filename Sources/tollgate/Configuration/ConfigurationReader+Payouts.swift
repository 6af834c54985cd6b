// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollCrypto
import TollPrimitives
import TollRuntime

extension Configuration {
    /// A wallet that pays refunds back, apart from those that settle.
    struct Payouts: Sendable {
        /// 32 bytes as hexadecimal digits, with or without `0x`.
        var signer: ResolvedSecret
        /// The most it pays within a day, in millionths of a dollar.
        var maxPerDay: Int64
        var place: Place

        /// The wallet's key; nil when the secret holds none.
        var key: PrivateKey? {
            self.signer.value.withExposed { Hex.decode($0).flatMap { PrivateKey(bytes: $0) } }
        }
    }
}

/// Who pays refunds.
extension ConfigurationReader {
    mutating func payouts(_ value: ConfigurationValue?, beside signers: [Facilitator.Signer]) -> Configuration.Payouts? {
        guard let value, let mapping = value.mapping(keys: ["signer", "max_per_day"], &self.findings) else { return nil }
        let key = mapping.required("signer", example: "env:TOLLGATE_PAYOUT_KEY", &self.findings).flatMap { self.signerKey($0) }
        let maxPerDay = mapping.required("max_per_day", example: "$100", &self.findings).flatMap { self.dailyLimit($0) }
        if let key, let signer = signers.first(where: { Self.holdSameKey($0.key, key) }) {
            let remedy = "make another key: a wallet that pays out should hold no more than a few days' refunds"
            mapping["signer"]?.refuse("holds the key of `\(signer.key.reference)`, which settles", remedy: remedy, &self.findings)
        }
        guard let key, let maxPerDay else { return nil }
        return Configuration.Payouts(signer: key, maxPerDay: maxPerDay, place: self.place(value))
    }

    /// Dollars in millionths: not zero, not finer, and not above what is worth counting.
    private mutating func dailyLimit(_ value: ConfigurationValue) -> Int64? {
        guard let text = value.text(example: "$100", &self.findings) else { return nil }
        guard let amount = DollarText.parse(text) else {
            value.refuse("`\(Finding.excerpt(text))` is no amount of dollars", remedy: "write for example `$100`", &self.findings)
            return nil
        }
        guard let units = try? amount.units(decimals: 6), let limit = units.uint64.flatMap({ Int64(exactly: $0) }), limit > 0
        else {
            let remedy = "write an amount from `$0.000001` on, with at most six decimals"
            value.refuse("`\(Finding.excerpt(text))` is no limit", remedy: remedy, &self.findings)
            return nil
        }
        return limit
    }
}
