// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollRuntime

@testable import tollgate

/// When routes are settled, and what deferring may cost.
@Suite struct SettleConfigurationTests {
    private static func rule(_ settle: String, price: String = "$0.005") -> SettleRule? {
        Fixture.read(Fixture.route("price: \(price), settle: \(settle)")).configuration?.routes.first?.settle
    }

    @Test func `a word is a rule for everyone, but deferring asks for a payment before`() {
        #expect(Self.rule("before") == SettleRule(.before))
        #expect(Self.rule("after") == SettleRule(.after))
        #expect(Self.rule("deferred") == SettleRule(.deferred, settledPaymentsMin: 1, otherwise: .after))
    }

    @Test func `by the payer's history`() {
        #expect(
            Self.rule("{then: deferred, else: before}") == SettleRule(.deferred, settledPaymentsMin: 1, otherwise: .before))
        #expect(
            Self.rule("{after_payments: 5, then: after, else: before}")
                == SettleRule(.after, settledPaymentsMin: 5, otherwise: .before))
    }

    @Test(arguments: [("$0.0099", SettlePolicy.deferred), ("$0.01", .before), ("$1", .before)])
    func `by the amount`(price: String, policy: SettlePolicy) {
        #expect(Self.rule("{under: $0.01, then: deferred, else: before}", price: price)?.policy == policy)
    }

    @Test func `one rule at the top is every route's that has none`() throws {
        let text = Fixture.text(top: "settle: {under: $0.01, then: deferred, else: before}")
        #expect(Fixture.read(text).configuration?.routes.first?.settle == SettleRule(.deferred, otherwise: .before))
        let own = Fixture.text(top: "settle: before", route: "{match: /a, upstream: weather, price: $1, settle: after}")
        #expect(Fixture.read(own).configuration?.routes.first?.settle == SettleRule(.after))
    }

    @Test func `what is not said about deferring is a dollar a payer, fifty in all, half a minute, a hundred at once`() throws {
        let deferral = try #require(Fixture.read(Fixture.route("price: $1, settle: deferred")).configuration?.deferral)
        #expect(deferral.limits == DeferralLimits(perPayer: 1_000_000, total: 50_000_000))
        #expect(deferral.maxAge == .seconds(30) && deferral.batchSize == 100)
    }

    @Test func `what is said about deferring`() throws {
        let text = Fixture.text(
            top: "deferred: {exposure: {per_payer: $0.25, total: $1000}, max_age: 2m, batch_size: 7}",
            route: "{match: /a, upstream: weather, price: $1, settle: deferred}")
        let deferral = try #require(Fixture.read(text).configuration?.deferral)
        #expect(deferral.limits == DeferralLimits(perPayer: 250_000, total: 1_000_000_000))
        #expect(deferral.maxAge == .seconds(120) && deferral.batchSize == 7)
    }

    private static let mistakes = [
        Mistake(
            "an unknown policy", Fixture.route("price: $1, settle: {then: later, else: after}"),
            "8: error: routes[0].settle.then: `later` is not known here; write one of `before`, `after`, `deferred`"),
        Mistake(
            "half a rule", Fixture.route("price: $1, settle: {under: $1}"),
            "8: error: routes[0].settle: `then` is missing; write for example `then: deferred`",
            "8: error: routes[0].settle: `else` is missing; write for example `else: after`"),
        Mistake(
            "deferring who cannot be deferred", Fixture.route("price: $1, settle: {under: $1, then: after, else: deferred}"),
            "8: error: routes[0].settle.else: is for whoever cannot be deferred; write `then: deferred`, with `before` or "
                + "`after` under `else`"),
        Mistake(
            "the same twice", Fixture.route("price: $1, settle: {under: $1, then: after, else: after}"),
            "8: error: routes[0].settle: says `after` twice; write `settle: after`"),
        Mistake(
            "less trust for more payments", Fixture.route("price: $1, settle: {after_payments: 3, then: before, else: after}"),
            "8: error: routes[0].settle: would trust a payer less the more it has paid; write `then: after, else: before`"),
        Mistake(
            "no condition", Fixture.route("price: $1, settle: {then: after, else: before}"),
            "8: error: routes[0].settle: does not say when `else` holds; write `under: $0.01` or `after_payments: 5`, or "
                + "`settle: after`"),
        Mistake(
            "no amount", Fixture.route("price: $1, settle: {under: 1, after_payments: 0, then: after, else: before}"),
            "8: error: routes[0].settle.under: `1` is no amount of dollars; write for example `$1`",
            "8: error: routes[0].settle.after_payments: 0 is out of range; write a whole number from 1 to 1000000"),
        Mistake(
            "the settings of deferring",
            Fixture.text(
                top: "deferred: {exposure: {per_payer: 1, total: $0.0000001}, max_age: 30, batch_size: 0}",
                route: "{match: /a, upstream: weather, price: $1, settle: deferred}"),
            "1: error: deferred.exposure.per_payer: `1` is no amount of dollars; write for example `$1`",
            "1: error: deferred.exposure.total: `$0.0000001` cannot be counted; write at most six decimals, for example `$0.5`",
            "1: error: deferred.max_age: `30` has no unit; write `30s`, or another unit of ms, s, m, h, d",
            "1: error: deferred.batch_size: 0 is out of range; write a whole number from 1 to 1000"),
        Mistake(
            "settings that nothing uses", Fixture.text(top: "deferred: {max_age: 30s}"),
            "1: warning: deferred: does nothing: no route is deferred; write `settle: deferred` at a route, or remove it"),
        Mistake(
            "authorizations that end too soon", Fixture.route("price: $1, settle: deferred, max_timeout: 89s"),
            "8: error: routes[0].max_timeout: authorizations for 89s could end before their batch is mined: "
                + "`deferred.max_age` and a minute are 90s; write `max_timeout: 90s`, or a shorter `deferred.max_age`"),
        Mistake(
            "deferring through somebody else",
            Fixture.text(
                facilitator: "facilitator: {remote: \"https://facilitator.example\"}",
                route: "{match: /a, upstream: weather, price: $1, settle: deferred}"),
            "8: error: routes[0].settle: batches are sent by signers of your own, and `facilitator` names somebody else's; "
                + "write `after` or `before`, or `facilitator: {signers: …}`"),
        Mistake(
            "a token of unknown worth",
            Fixture.text(
                network: "eip155:8453: {rpc: \"https://rpc.example\"}",
                route:
                    "{match: /a, upstream: weather, price: {amount: \"5\", asset: EURC, network: eip155:8453}, "
                    + "settle: deferred}"),
            "8: error: routes[0].settle: EURC on eip155:8453 is not known to be worth a dollar, so that nothing could limit "
                + "what is lost by deferring; write `after`, or `dollar: true` at the asset"),
    ]

    @Test(arguments: mistakes)
    func `a mistake is named with its field`(mistake: Mistake) { mistake.check() }
}
