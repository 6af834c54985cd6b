// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Why a payment is invalid or did not settle, in the words that x402 peers understand. Others may come from outside.
///
/// Source: x402 core specification §9 and, for `exact` by EIP-3009, the literals of the reference SDKs, which differ in
/// places; these are the ones of the specification, then of the Python SDK.
public struct ErrorReason: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The text on the wire.
    public let rawValue: String

    /// Any text; the known ones are static members.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    private init(_ rawValue: String) {
        self.rawValue = rawValue
    }

    /// The text on the wire.
    public var description: String { self.rawValue }
}

/// Both versions, every scheme.
extension ErrorReason {
    /// The payer's balance is below the amount (the specification's name; see ``insufficientBalance``).
    public static let insufficientFunds = Self("insufficient_funds")
    /// Unknown network.
    public static let invalidNetwork = Self("invalid_network")
    /// The payload cannot be read.
    public static let invalidPayload = Self("invalid_payload")
    /// The requirements cannot be read.
    public static let invalidPaymentRequirements = Self("invalid_payment_requirements")
    /// Unknown scheme.
    public static let invalidScheme = Self("invalid_scheme")
    /// A scheme that this facilitator does not serve.
    public static let unsupportedScheme = Self("unsupported_scheme")
    /// A version of x402 that is not served.
    public static let invalidX402Version = Self("invalid_x402_version")
    /// The transaction reverted, or is not there.
    public static let invalidTransactionState = Self("invalid_transaction_state")
    /// Verification itself failed.
    public static let unexpectedVerifyError = Self("unexpected_verify_error")
    /// Settlement itself failed.
    public static let unexpectedSettleError = Self("unexpected_settle_error")
    /// Broadcast and not yet confirmed: not a failure; the transaction is named and settling may be asked for again.
    public static let settlementPending = Self("settlement_pending")
    /// Settled for someone before.
    public static let duplicateSettlement = Self("duplicate_settlement")
    /// The payload speaks of another network than the requirements.
    public static let networkMismatch = Self("network_mismatch")
    /// The payload is of no kind that the scheme knows.
    public static let unsupportedPayloadType = Self("unsupported_payload_type")
    /// What the server put into an extension did not come back whole.
    public static let extensionEchoMismatch = Self("extension_echo_mismatch")
    /// Permit2 has no allowance from the payer: answered with 412.
    public static let permit2AllowanceRequired = Self("permit2_allowance_required")
}

/// `exact` on EVM chains by EIP-3009: what the payload says.
extension ErrorReason {
    /// `validAfter` lies in the future.
    public static let validAfter = Self("invalid_exact_evm_payload_authorization_valid_after")
    /// `validBefore` is past, or too near.
    public static let validBefore = Self("invalid_exact_evm_payload_authorization_valid_before")
    /// The value is below what is required (v1).
    public static let value = Self("invalid_exact_evm_payload_authorization_value")
    /// The value is not the amount.
    public static let valueMismatch = Self("invalid_exact_evm_payload_authorization_value_mismatch")
    /// The signature is missing, malformed or another's.
    public static let signature = Self("invalid_exact_evm_payload_signature")
    /// `to` is not `payTo`.
    public static let recipientMismatch = Self("invalid_exact_evm_payload_recipient_mismatch")
    /// `extra.name` or `extra.version` is missing.
    public static let missingEIP712Domain = Self("missing_eip712_domain")
    /// No chain is configured under this network.
    public static let networkConfiguration = Self("invalid_exact_evm_failed_to_get_network_config")
    /// The asset cannot be looked up.
    public static let assetInformation = Self("invalid_exact_evm_failed_to_get_asset_info")
}

/// `exact` on EVM chains by EIP-3009: what the chain says.
extension ErrorReason {
    /// The check of the signature broke down.
    public static let signatureCheckFailed = Self("invalid_exact_evm_failed_to_verify_signature")
    /// The payer is no key and no contract, and the signature brings nothing to deploy one (ERC-6492).
    public static let undeployedSmartWallet = Self("invalid_exact_evm_payload_undeployed_smart_wallet")
    /// The wallet's factory (ERC-6492) is not on the list.
    public static let factoryNotAllowed = Self("eip6492_factory_not_allowed")
    /// The transaction that deploys the wallet failed.
    public static let walletDeploymentFailed = Self("smart_wallet_deployment_failed")
    /// There is no contract at the asset's address.
    public static let assetNotDeployed = Self("asset_not_deployed_contract")
    /// The asset does not answer `authorizationState`.
    public static let eip3009NotSupported = Self("invalid_exact_evm_eip3009_not_supported")
    /// The nonce is used or cancelled on chain.
    public static let nonceAlreadyUsed = Self("invalid_exact_evm_nonce_already_used")
    /// The asset's `name()` is not `extra.name`.
    public static let tokenNameMismatch = Self("invalid_exact_evm_token_name_mismatch")
    /// The asset's `version()` is not `extra.version`.
    public static let tokenVersionMismatch = Self("invalid_exact_evm_token_version_mismatch")
    /// The payer's balance is below the amount.
    public static let insufficientBalance = Self("invalid_exact_evm_insufficient_balance")
    /// The transfer reverts for a reason that could not be found.
    public static let simulationFailed = Self("invalid_exact_evm_transaction_simulation_failed")
    /// The transaction was refused or reverted.
    public static let transactionFailed = Self("transaction_failed")
    /// The transaction succeeded without the transfer.
    public static let transferEventMismatch = Self("invalid_exact_evm_transfer_event_mismatch")
}
