// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments
internal import TollProtocol

/// An option that may be paid under a policy.
public struct Candidate: Sendable {
    /// The option as it came.
    public let offered: OfferedOption
    /// What would be signed.
    public let option: PaymentOption
    /// What it costs the budget.
    public let cost: Dollars
    /// Who would sign.
    public let signer: any PaymentSigner
    /// Whether the server wants the money before it works.
    public let isUpfront: Bool
}

/// The options of an offer that may be paid, best first.
public struct OptionSelection: Sendable {
    /// Never empty. Payment after the server's work comes before payment in advance, then the cheaper before the dearer, then
    /// the server's own order.
    public let candidates: [Candidate]

    /// Chooses among the options of `offer`. Every check is made on the option that would be signed, none on its neighbours.
    ///
    /// - Throws: ``PurchaseFailure/Code/overLimit`` when the limit alone stands in the way, else
    ///   ``PurchaseFailure/Code/noAcceptableOffer`` with the reason for each option.
    public init(
        _ offer: ReceivedOffer,
        policy: PurchasePolicy,
        directory: NetworkDirectory,
        signers: [any PaymentSigner]
    ) throws(PurchaseFailure) {
        var candidates: [Candidate] = []
        var refusals: [OptionRefusal] = []
        for offered in offer.options {
            do throws(OptionRefusal) {
                candidates.append(try Self.candidate(OptionReview(offered, directory), policy, signers))
            } catch {
                refusals.append(error)
            }
        }
        guard !candidates.isEmpty else {
            if let overLimit = refusals.first(where: \.isOverLimit) { throw PurchaseFailure(.overLimit, overLimit.reason) }
            throw PurchaseFailure(.noAcceptableOffer, Self.summary(refusals, offer))
        }
        self.candidates = candidates.enumerated().sorted { left, right in
            let (first, second) = (left.element, right.element)
            if first.isUpfront != second.isUpfront { return !first.isUpfront }
            return first.cost == second.cost ? left.offset < right.offset : first.cost < second.cost
        }.map(\.element)
    }

    private static func candidate(
        _ review: OptionReview,
        _ policy: PurchasePolicy,
        _ signers: [any PaymentSigner]
    ) throws(OptionRefusal) -> Candidate {
        if let problem = review.problems.first { throw OptionRefusal(reason: problem) }
        guard let option = review.option, let isUpfront = review.isUpfront else { throw OptionRefusal(reason: "it is unknown") }
        try policy.checkAsset(option.asset, isDollarPegged: review.isDollarPegged)
        guard let signer = signers.first(where: { $0.scheme == option.scheme && $0.canPay(on: option.network) }) else {
            throw OptionRefusal(reason: "there is no key for \(option.network)")
        }
        if let objection = signer.objection(to: option) { throw OptionRefusal(reason: objection) }
        let cost = try policy.cost(of: option)
        return Candidate(offered: review.offered, option: option, cost: cost, signer: signer, isUpfront: isUpfront)
    }

    private static func summary(_ refusals: [OptionRefusal], _ offer: ReceivedOffer) -> String {
        let reasons = refusals.map(\.reason) + offer.unreadable.map(\.description)
        if reasons.isEmpty { return "the server asks for payment and offers no way to pay" }
        return "none of the server's options can be paid: " + reasons.joined(separator: "; ")
    }
}
