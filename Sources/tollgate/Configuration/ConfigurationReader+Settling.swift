// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPrimitives
import TollRuntime

/// How settlements on a chain are made: how deep, how patiently, at what cost.
extension ConfigurationReader {
    /// `confirmations_over: {$10: finalized}`.
    mutating func confirmationsOver(_ value: ConfigurationValue) -> [Configuration.ConfirmationsOver] {
        guard let mapping = value.mapping(example: "$10: finalized", &self.findings) else { return [] }
        var depths: [Configuration.ConfirmationsOver] = []
        for (key, value) in mapping.entries {
            let amount = DollarText.parse(key).flatMap { try? $0.units(decimals: 6).uint64 }
            if amount == nil {
                value.refuse(
                    "`\(Finding.excerpt(key))` is no amount of dollars", remedy: "write for example `$10`", &self.findings)
            }
            guard let confirmations = self.confirmations(value), let amount else { continue }
            depths.append(Configuration.ConfirmationsOver(microdollars: amount, confirmations: confirmations))
        }
        return depths
    }

    /// `timeouts: {call: 5s, inclusion: 30s}`.
    mutating func timeouts(_ value: ConfigurationValue) -> Configuration.Timeouts {
        var timeouts = Configuration.Timeouts()
        guard let mapping = value.mapping(keys: ["call", "inclusion"], &self.findings) else { return timeouts }
        let call = mapping["call"]?.duration(in: .seconds(1) ... .seconds(60), &self.findings)
        let inclusion = mapping["inclusion"]?.duration(in: .seconds(5) ... .seconds(3_600), &self.findings)
        timeouts.call = call ?? timeouts.call
        timeouts.inclusion = inclusion ?? timeouts.inclusion
        return timeouts
    }

    /// `gas: {max_fee_gwei: 500, limit: 2000000, batch_limit: 16000000}`.
    mutating func gas(_ value: ConfigurationValue) -> Configuration.Gas {
        var gas = Configuration.Gas()
        guard let mapping = value.mapping(keys: ["max_fee_gwei", "limit", "batch_limit"], &self.findings) else { return gas }
        gas.maxFeeGwei = mapping["max_fee_gwei"]?.integer(in: 1...1_000_000, &self.findings) ?? gas.maxFeeGwei
        gas.limit = mapping["limit"]?.integer(in: 100_000...30_000_000, &self.findings) ?? gas.limit
        gas.batchLimit = mapping["batch_limit"]?.integer(in: 100_000...30_000_000, &self.findings) ?? gas.batchLimit
        return gas
    }
}
