// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollGateway
import TollRuntime

/// How often one client may ask.
extension ConfigurationReader {
    private static let units = ["s": 1, "m": 60, "h": 3_600]
    private static let rateRemedy = "write for example `10/s`, `600/m` or `10000/h`"
    /// More than one client can send in a second; up to it, counting is exact to a thousandth.
    private static let rateMax = 1_000_000

    /// `{unpaid, address, payer, pass}`, each a limit, several, or none (`[]`).
    mutating func rateLimits(_ value: ConfigurationValue?, isFree: Bool = false) -> RateLimits {
        guard let mapping = value?.mapping(keys: ["unpaid", "address", "payer", "pass"], &self.findings) else {
            return RateLimits()
        }
        if isFree {
            for key in ["unpaid", "payer", "pass"] {
                mapping[key]?.report(.warning, "does nothing on a free route", remedy: "remove the line", &self.findings)
            }
        }
        return RateLimits(
            unpaid: mapping["unpaid"].map { self.rates($0) }, address: mapping["address"].map { self.rates($0) },
            payer: mapping["payer"].map { self.rates($0) }, pass: mapping["pass"].map { self.rates($0) })
    }

    private mutating func rates(_ value: ConfigurationValue) -> [RateLimit] {
        var limits: [RateLimit] = []
        for item in value.listOrSingle(&self.findings) ?? [] {
            guard let limit = self.rate(item) else { continue }
            guard !limits.contains(where: { $0.seconds == limit.seconds }) else {
                item.refuse("is a second limit for the same time", remedy: "write the lower one", &self.findings)
                continue
            }
            limits.append(limit)
        }
        return limits
    }

    private mutating func rate(_ value: ConfigurationValue) -> RateLimit? {
        guard let text = value.text(example: "10/s", &self.findings) else { return nil }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int(parts[0]),
            let seconds = Self.units[String(parts[1])]
        else {
            value.refuse("`\(Finding.excerpt(text))` is no limit", remedy: Self.rateRemedy, &self.findings)
            return nil
        }
        guard (1...Self.rateMax).contains(count) else {
            let reason = count == 0 ? "lets nobody ask" : "is more than anybody can ask"
            value.refuse("`\(text)` \(reason)", remedy: Self.rateRemedy, &self.findings)
            return nil
        }
        return RateLimit(count, per: seconds)
    }
}
