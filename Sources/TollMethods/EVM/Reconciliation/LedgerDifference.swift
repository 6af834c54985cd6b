// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
public import TollPayments
public import TollPrimitives

/// Something in which ledger and chain are not the same, or that is worth knowing about both.
public struct LedgerDifference: Hashable, Sendable {
    /// What it is. The texts are stable: programs compare them.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        // Differences.

        /// The ledger says settled, and the chain has no such Transfer.
        case missingOnChain = "missing_on_chain"
        /// The ledger has the payment settled by another Transfer than the chain.
        case settledElsewhere = "settled_elsewhere"
        /// The Transfer moved something else than the ledger says.
        case otherTransfer = "other_transfer"
        /// Two payments of the ledger are settled by one Transfer.
        case sharedTransfer = "shared_transfer"
        /// The money of a payment moved, and the ledger says that it will not.
        case notSettledInLedger = "not_settled_in_ledger"
        /// Our signer sent a Transfer that the ledger does not know.
        case notInLedger = "not_in_ledger"
        /// The ledger says refunded, and the chain has no such Transfer.
        case refundMissingOnChain = "refund_missing_on_chain"
        /// The payout wallet sent a Transfer that the ledger does not know.
        case payoutNotInLedger = "payout_not_in_ledger"

        // Notices.

        /// The money of a payment under way moved: the gateway takes it up.
        case underWay = "under_way"
        /// The money of a refund under way moved.
        case refundUnderWay = "refund_under_way"
        /// A Transfer looks like a refund that was written for somebody to sign, or that an open debt waits for.
        case refundUnconfirmed = "refund_unconfirmed"
        /// Money came in that belongs to no payment of the ledger and that none of our signers sent.
        case unattributed = "unattributed"
        /// The node tells no finalized block.
        case notFinalized = "not_finalized"

        /// Whether ledger and chain agree nevertheless.
        public var isNotice: Bool {
            switch self {
            case .missingOnChain, .settledElsewhere, .otherTransfer, .sharedTransfer, .notSettledInLedger, .notInLedger,
                .refundMissingOnChain, .payoutNotInLedger:
                false
            case .underWay, .refundUnderWay, .refundUnconfirmed, .unattributed, .notFinalized: true
            }
        }
    }

    /// What it is.
    public let kind: Kind
    /// The payment it is about, when the ledger has one.
    public let payment: PaymentID?
    /// The transaction it is about; empty when there is none.
    public let transaction: String
    /// The block of that transaction, when it is known.
    public let block: UInt64?
    /// The Transfer's place in the block, when it is known.
    public let logIndex: UInt64?
    /// The token's address.
    public let asset: String
    /// How much, in the asset's smallest unit.
    public let units: UInt256
    /// What there is, in one sentence.
    public let message: String
    /// What to do; empty when there is nothing to do.
    public let remedy: String

    init(
        _ kind: Kind, payment: PaymentID? = nil, transaction: String = "", block: UInt64? = nil, logIndex: UInt64? = nil,
        asset: String = "", units: UInt256 = .zero, _ message: String, remedy: String = ""
    ) {
        self.kind = kind
        self.payment = payment
        self.transaction = transaction
        self.block = block
        self.logIndex = logIndex
        self.asset = asset
        self.units = units
        self.message = message
        self.remedy = remedy
    }
}

extension LedgerDifference {
    /// About a Transfer on chain.
    init(_ kind: Kind, payment: PaymentID? = nil, _ entry: TransferLogs.Entry, _ message: String, remedy: String = "") {
        self.init(
            kind, payment: payment, transaction: entry.transaction.description, block: entry.block, logIndex: entry.logIndex,
            asset: entry.transfer.token.description, units: entry.transfer.value, message, remedy: remedy)
    }

    /// About a Transfer that the ledger has.
    init(
        _ kind: Kind, _ expected: ReconciliationIndex.Expected, transaction: Bytes32, logIndex: UInt64?, _ message: String,
        remedy: String
    ) {
        self.init(
            kind, payment: expected.payment, transaction: transaction.description,
            block: expected.block > 0 ? expected.block : nil, logIndex: logIndex, asset: expected.asset.description,
            units: expected.units, message, remedy: remedy)
    }
}
