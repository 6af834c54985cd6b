// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// What one option asks for, checked against what the buyer knows: nothing of a token but its address and the amount is
/// taken from the server.
public struct OptionReview: Sendable {
    /// The shortest time that a payment may take, in seconds: below it an authorization could end before it is settled.
    public static let timeoutMin = 10
    /// The longest life an authorization is given, in seconds, whatever the server asks for.
    public static let timeoutMax = 3_600

    /// The option as it came.
    public let offered: OfferedOption
    /// The option with the directory's token; nil when the network or the token is unknown.
    public let option: PaymentOption?
    /// Whether a token is worth a dollar; false when it is unknown.
    public let isDollarPegged: Bool
    /// When the money moves, seen from the server's work; nil when the server names a flow that is unknown.
    public let isUpfront: Bool?
    /// Why it cannot be paid at all, most telling first; empty when it can.
    public let problems: [String]

    /// Checks `offered`.
    public init(_ offered: OfferedOption, _ directory: NetworkDirectory) {
        self.offered = offered
        var problems: [String] = []
        if offered.scheme != "exact" { problems.append("scheme \(offered.scheme) is unknown") }
        let network = Self.network(of: offered, directory)
        let known = network.flatMap { directory.asset(offered.asset, on: $0.chain) }
        if network == nil {
            problems.append("network \(offered.network) is unknown")
        } else if known == nil {
            problems.append("asset \(offered.asset) on \(offered.network) is unknown")
        } else if known?.takesAuthorizations == false {
            problems.append("asset \(offered.asset) on \(offered.network) takes no signed transfers (EIP-3009)")
        }
        if let known { problems += Self.domainProblems(offered, known.asset) }
        self.isUpfront = Self.isUpfront(offered)
        if self.isUpfront == nil { problems.append("extra.paymentFlow is none that is known") }
        if let method = offered.extra?["assetTransferMethod"], !method.isNull, method.string != "eip3009" {
            problems.append("extra.assetTransferMethod is \(method.string ?? "no text"), not eip3009")
        }
        if offered.maxTimeoutSeconds < Self.timeoutMin {
            problems.append("maxTimeoutSeconds is \(offered.maxTimeoutSeconds), below \(Self.timeoutMin)")
        }
        self.option = known.map {
            PaymentOption(
                scheme: offered.scheme,
                asset: $0.asset,
                amount: offered.amount,
                payTo: offered.payTo,
                maxTimeoutSeconds: min(offered.maxTimeoutSeconds, Self.timeoutMax)
            )
        }
        self.isDollarPegged = known?.isDollarPegged ?? false
        self.problems = problems
    }

    private static func network(of offered: OfferedOption, _ directory: NetworkDirectory) -> PayableNetwork? {
        switch offered.wire {
        case .v2(let requirements): directory.network(requirements.network)
        case .v1(let requirements): directory.network(legacyName: requirements.network)
        }
    }

    /// The signature is made for the domain of the directory, and a server that expects another one could not use it.
    private static func domainProblems(_ offered: OfferedOption, _ asset: Asset) -> [String] {
        [("name", asset.domainName), ("version", asset.domainVersion)].compactMap { member, expected in
            guard let value = offered.extra?[member], !value.isNull else { return nil }
            guard let text = value.string else { return "extra.\(member) is no text" }
            return text.utf8.elementsEqual(expected.utf8) ? nil : "extra.\(member) is \(text), but the token's is \(expected)"
        }
    }

    private static func isUpfront(_ offered: OfferedOption) -> Bool? {
        guard case .v2(let requirements) = offered.wire else { return false }
        return (try? requirements.paymentFlow()).map { $0 == .upfront }
    }
}
