// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// What a client is told about its payment. Each dialect prints it in its own field.
public struct Receipt: Hashable, Sendable {
    /// Whether the money moved, or what it bought was served before it does.
    public let isSuccess: Bool
    /// The standard reason, when it did not.
    public let errorReason: String?
    /// The transaction; empty when there is none.
    public let transaction: String
    /// The chain.
    public let network: ChainID
    /// Who paid, when that is known.
    public let payer: String?

    /// The receipt of a payment that is settled, or that was served before it is (nil).
    public static func success(_ settlement: Settlement?, for claim: Claim) -> Receipt {
        Receipt(
            isSuccess: true, errorReason: nil, transaction: claim.shownTransaction ?? settlement?.transaction ?? "",
            network: claim.option.network,
            payer: claim.payer)
    }

    /// The receipt of a payment that did not settle, or not yet.
    public static func failure(_ reason: String, transaction: String?, network: ChainID, payer: String?) -> Receipt {
        Receipt(isSuccess: false, errorReason: reason, transaction: transaction ?? "", network: network, payer: payer)
    }

    private init(isSuccess: Bool, errorReason: String?, transaction: String, network: ChainID, payer: String?) {
        self.isSuccess = isSuccess
        self.errorReason = errorReason
        self.transaction = transaction
        self.network = network
        self.payer = payer
    }
}
