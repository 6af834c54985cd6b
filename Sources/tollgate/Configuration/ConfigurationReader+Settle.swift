// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPayments
import TollPrimitives
import TollRuntime

/// What `settle` says, before it is known what is sold under it.
struct SettleSetting {
    /// `then`.
    var rule: SettleRule
    /// What prices must be below for `then`; nil for all.
    var under: DecimalAmount?
    /// Who wrote it; nil for the default.
    var value: ConfigurationValue?

}

/// When routes are settled, and what deferring may cost.
extension ConfigurationReader {
    private static let settleKeys = ["under", "then", "else", "after_payments"]
    private static let policies: [SettlePolicy] = [.before, .after, .deferred]
    /// A transaction is given this long to be mined, so long must an authorization live when its batch is sent.
    private static let settlementTime = Duration.seconds(60)

    /// What routes have that say nothing. Where another proxy asks, no answer can be waited for.
    var usualSetting: SettleSetting {
        SettleSetting(rule: SettleRule(self.isForwardAuth ? .before : .after), under: nil, value: nil)
    }

    /// `before`, `after`, `deferred`, or `{under, then, else, after_payments}`.
    mutating func settleSetting(_ value: ConfigurationValue) -> SettleSetting? {
        guard case .mapping = value.node.content else {
            let otherwise = self.usualSetting.rule.policy
            return self.policy(value).map { SettleSetting(rule: SettleRule($0, otherwise: otherwise), under: nil, value: value) }
        }
        guard let mapping = value.mapping(keys: Self.settleKeys, &self.findings) else { return nil }
        let errorCount = self.findings.count(.error)
        let then = mapping.required("then", example: "deferred", &self.findings).flatMap { self.policy($0) }
        let otherwise = mapping.required("else", example: "after", &self.findings).flatMap { self.policy($0) }
        let under = mapping["under"].flatMap { self.positiveDollars($0) }
        let payments = mapping["after_payments"]?.integer(in: 1...1_000_000, &self.findings)
        guard let then, let otherwise, self.findings.count(.error) == errorCount else { return nil }
        if otherwise == .deferred {
            let remedy = "write `then: deferred`, with `before` or `after` under `else`"
            mapping["else"]?.refuse("is for whoever cannot be deferred", remedy: remedy, &self.findings)
        } else if then == otherwise {
            value.refuse("says `\(then.rawValue)` twice", remedy: "write `settle: \(then.rawValue)`", &self.findings)
        } else if then == .before, payments != nil {
            let remedy = "write `then: after, else: before`"
            value.refuse("would trust a payer less the more it has paid", remedy: remedy, &self.findings)
        } else if then != .deferred, payments == nil, under == nil {
            let remedy = "write `under: $0.01` or `after_payments: 5`, or `settle: \(then.rawValue)`"
            value.refuse("does not say when `else` holds", remedy: remedy, &self.findings)
        }
        guard self.findings.count(.error) == errorCount else { return nil }
        return SettleSetting(
            rule: SettleRule(then, settledPaymentsMin: payments ?? 0, otherwise: otherwise), under: under, value: value)
    }

    private mutating func policy(_ value: ConfigurationValue) -> SettlePolicy? {
        let policy = value.choice(of: Self.policies.map(\.rawValue), &self.findings).flatMap(SettlePolicy.init)
        guard policy == .after, self.isForwardAuth else { return policy }
        let message = "waits for an answer, and beside `auth` none is seen"
        value.refuse(message, remedy: "write `before`, or `deferred`", &self.findings)
        return nil
    }

    /// The rule for a route with these ways to pay.
    mutating func settleRule(_ setting: SettleSetting, _ options: [PaymentOption]) -> SettleRule {
        let rule = self.ruleByAmount(setting, options)
        guard rule.policy == .deferred, let value = setting.value else { return rule }
        if let option = options.first(where: { !$0.asset.isDollarPegged }) {
            let message =
                "\(option.asset.symbol) on \(option.network) is not known to be worth a dollar, so that nothing could "
                + "limit what is lost by deferring"
            value.refuse(message, remedy: "write `after`, or `dollar: true` at the asset", &self.findings)
        }
        return rule
    }

    private mutating func ruleByAmount(_ setting: SettleSetting, _ options: [PaymentOption]) -> SettleRule {
        guard let under = setting.under, let value = setting.value, !options.isEmpty else { return setting.rule }
        guard let foreign = options.first(where: { !$0.asset.isDollarPegged }) else {
            let isUnder = Set(options.map { Self.isLess(DecimalAmount(units: $0.amount, decimals: $0.asset.decimals), under) })
            if isUnder.count > 1 {
                let message = "the prices of a route stand on both sides of $\(under)"
                value.refuse(message, remedy: "give each price a route of its own, or one policy to all", &self.findings)
            }
            return isUnder == [true] ? setting.rule : SettleRule(setting.rule.otherwise)
        }
        let message = "\(foreign.asset.symbol) on \(foreign.network) is not known to be worth a dollar, and cannot be compared"
        value.refuse(message, remedy: "write one policy, or `dollar: true` at the asset", &self.findings)
        return setting.rule
    }

    private static func isLess(_ left: DecimalAmount, _ right: DecimalAmount) -> Bool {
        let decimals = max(left.scale, right.scale)
        return (try? left.units(decimals: decimals)) ?? .max < (try? right.units(decimals: decimals)) ?? .max
    }

    // MARK: Deferring

    mutating func deferral(_ value: ConfigurationValue?) -> Configuration.Deferral {
        var deferral = Configuration.Deferral()
        guard let mapping = value?.mapping(keys: ["exposure", "max_age", "batch_size"], &self.findings) else { return deferral }
        let exposure = mapping["exposure"]?.mapping(keys: ["per_payer", "total"], &self.findings)
        deferral.limits.perPayer = exposure?["per_payer"].flatMap { self.millionths($0) } ?? deferral.limits.perPayer
        deferral.limits.total = exposure?["total"].flatMap { self.millionths($0) } ?? deferral.limits.total
        deferral.maxAge = self.duration(mapping["max_age"], in: .seconds(1) ... .seconds(3_600), default: deferral.maxAge)
        deferral.batchSize = mapping["batch_size"]?.integer(in: 1...1_000, &self.findings) ?? deferral.batchSize
        return deferral
    }

    /// Dollars in millionths.
    private mutating func millionths(_ value: ConfigurationValue) -> Int64? {
        guard let dollars = self.positiveDollars(value) else { return nil }
        guard let units = try? dollars.units(decimals: 6), let count = units.uint64.flatMap(Int64.init(exactly:)) else {
            let remedy = "write at most six decimals, for example `$0.5`"
            value.refuse("`\(Finding.excerpt(value.scalarText ?? ""))` cannot be counted", remedy: remedy, &self.findings)
            return nil
        }
        return count
    }

    private mutating func positiveDollars(_ value: ConfigurationValue) -> DecimalAmount? {
        guard let text = value.text(example: "$1", &self.findings) else { return nil }
        guard let dollars = DollarText.parse(text) else {
            let remedy = "write for example `$1`"
            value.refuse("`\(Finding.excerpt(text))` is no amount of dollars", remedy: remedy, &self.findings)
            return nil
        }
        guard dollars.significand != .zero else {
            value.refuse("is zero", remedy: "write for example `$1`", &self.findings)
            return nil
        }
        return dollars
    }

    mutating func reviewDeferral(_ sections: Sections, _ root: ConfigurationMapping) {
        let deferred = sections.routes.filter { $0.settle.policy == .deferred && !$0.isFree }
        guard let first = deferred.first else {
            // A route with a mistake may have wanted to be.
            guard !self.findings.hasErrors else { return }
            let remedy = "write `settle: deferred` at a route, or remove it"
            root["deferred"]?.report(.warning, "does nothing: no route is deferred", remedy: remedy, &self.findings)
            return
        }
        if sections.facilitator?.remotes.isEmpty == false {
            self.findings.add(
                .error, file: self.file, line: first.place.line, path: "\(first.place.path).settle",
                "batches are sent by signers of your own, and `facilitator` names somebody else's",
                remedy: "write `after` or `before`, or `facilitator: {signers: …}`")
        }
        let least = sections.deferral.maxAge + Self.settlementTime
        for route in deferred where route.maxTimeout < least {
            let seconds = least.components.seconds
            self.findings.add(
                .error, file: self.file, line: route.place.line, path: "\(route.place.path).max_timeout",
                "authorizations for \(route.maxTimeout.components.seconds)s could end before their batch is mined: "
                    + "`deferred.max_age` and a minute are \(seconds)s",
                remedy: "write `max_timeout: \(seconds)s`, or a shorter `deferred.max_age`")
        }
    }
}
