// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollProtocol

extension SettleCall.Ending {
    /// What `/settle` answers; nil when nothing can be said about the payment.
    ///
    /// - Parameter network: As the caller named it.
    func response(network: String) -> SettlementResponse? {
        switch self {
        case .success(let record):
            SettlementResponse(success: true, payer: record.claim.payer, transaction: record.knownTransaction, network: network)
        case .toldBefore(let record), .taken(let record):
            SettlementResponse(
                success: false,
                errorReason: .duplicateSettlement,
                payer: record.claim.payer,
                transaction: record.knownTransaction,
                network: network
            )
        case .refused(let refusal, let payer):
            Self.failure(refusal, payer: payer, transaction: "", network)
        case .failed(let refusal, let transaction, let payer):
            Self.failure(refusal, payer: payer, transaction: transaction ?? "", network)
        case .pending(let transaction, let payer):
            SettlementResponse(
                success: false,
                errorReason: .settlementPending,
                payer: payer,
                transaction: transaction,
                network: network
            )
        case .unavailable: nil
        }
    }

    private static func failure(
        _ refusal: PaymentRefusal,
        payer: String?,
        transaction: String,
        _ network: String
    ) -> SettlementResponse {
        SettlementResponse(
            success: false,
            errorReason: ErrorReason(rawValue: refusal.reason),
            errorMessage: refusal.message,
            payer: payer,
            transaction: transaction,
            network: network
        )
    }
}

extension PaymentRecord {
    /// Where the money moved, or is to move; empty when nothing was signed.
    var knownTransaction: String { self.settlement?.transaction ?? self.transaction?.hash ?? "" }
}

extension PaymentRefusal {
    /// For people; nil when there is nothing to add to the reason.
    var message: String? { self.detail.isEmpty ? nil : self.detail }
}
