// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
public import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// What instructions ask for, checked against what the buyer knows and asked for. Who vouches for them is another question.
public struct TransferReview: Sendable {
    /// Seconds that must be left before the instructions end: a transfer has to get into a block by then.
    public static let timeMin: UInt64 = 30

    /// The instructions as they came.
    public let offer: TransferOffer
    /// What would be transferred, with the directory's token; nil when the network or the token is unknown.
    public let option: PaymentOption?
    /// Whether a token is worth a dollar; false when it is unknown.
    public let isDollarPegged: Bool
    /// Why it cannot be paid at all, most telling first; empty when it can.
    public let problems: [String]

    /// Checks `offer`, which came at `time` (seconds since 1970) in answer to a request of `url`.
    public init(_ offer: TransferOffer, from url: URLParts, at time: UInt64, _ directory: NetworkDirectory) {
        let instructions = offer.instructions
        self.offer = offer
        let known = directory.asset(instructions.asset, on: instructions.network)
        var problems: [String] = []
        if directory.network(instructions.network) == nil {
            problems.append("network \(instructions.network) is unknown")
        } else if known == nil {
            problems.append("asset \(instructions.asset) on \(instructions.network) is unknown")
        }
        if let known, Int(instructions.decimals) != known.asset.decimals {
            problems.append("decimals is \(instructions.decimals), but the token has \(known.asset.decimals)")
        }
        if !Self.names(instructions.resource, url) {
            problems.append("resource is \(instructions.resource), and not what was asked for")
        }
        let left = max(instructions.expires, 0).magnitude.subtractingReportingOverflow(time)
        let seconds = left.overflow ? 0 : left.partialValue
        if seconds < Self.timeMin {
            problems.append("expires leaves \(seconds) seconds, and a transfer needs \(Self.timeMin) at least")
        }
        if instructions.amount == .zero { problems.append("the amount is zero") }
        self.option = known.map {
            PaymentOption(
                scheme: TransferOffer.scheme, asset: $0.asset, amount: instructions.amount, payTo: instructions.recipient,
                maxTimeoutSeconds: Int(clamping: seconds))
        }
        self.isDollarPegged = known?.isDollarPegged ?? false
        self.problems = problems
    }

    /// Whether `resource` is what a request of `url` asks for. Servers may leave the query out of what they call a resource.
    private static func names(_ resource: String, _ url: URLParts) -> Bool {
        guard let named = try? URLParts(parsing: resource), named.origin == url.origin else { return false }
        return named.target == url.target || named.target.elementsEqual(url.target.prefix { $0 != UInt8(ascii: "?") })
    }
}

/// A transfer that may be made under a policy.
public struct TransferCandidate: Sendable {
    /// The instructions as they came.
    public let offer: TransferOffer
    /// What would be transferred.
    public let option: PaymentOption
    /// What it costs the budget. Gas comes on top and is not counted: its price in dollars is not known here.
    public let cost: Dollars
    /// Who would send it.
    public let sender: any TransferSender

    /// Chooses who makes the transfer that `review` is about.
    init(_ review: TransferReview, policy: PurchasePolicy, senders: [any TransferSender]) throws(OptionRefusal) {
        if let problem = review.problems.first { throw OptionRefusal(reason: problem) }
        guard let option = review.option else { throw OptionRefusal(reason: "it is unknown") }
        guard policy.allowsTransfers else { throw OptionRefusal(reason: "transfers are not allowed here") }
        try policy.checkAsset(option.asset, isDollarPegged: review.isDollarPegged)
        guard !senders.isEmpty else { throw OptionRefusal(reason: "there is no key for \(option.network)") }
        guard let sender = senders.first(where: { $0.reaches(option.network) }) else {
            throw OptionRefusal(reason: "a transfer needs a node of \(option.network), and none is set")
        }
        if let objection = sender.objection(to: option) { throw OptionRefusal(reason: objection) }
        self.cost = try policy.cost(of: option)
        self.offer = review.offer
        self.option = option
        self.sender = sender
    }
}
