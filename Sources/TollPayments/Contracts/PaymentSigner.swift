// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives
public import TollProtocol

/// The buyer's counterpart of a ``PaymentMethod``: signs payments of one scheme with one key. Knows nothing of HTTP, budgets
/// or whether the payment is wanted: whoever calls has decided that.
public protocol PaymentSigner: Sendable {
    /// The scheme whose payloads it makes: `exact`.
    var scheme: String { get }

    /// The payer's account, as the chain's people write it.
    var account: String { get }

    /// Whether the key has an account on `network`.
    func canPay(on network: ChainID) -> Bool

    /// Why `option` must not be signed, in words: a payee that is no address, or a mistyped one. Nil when it may.
    func objection(to option: PaymentOption) -> String?

    /// The scheme's payload: a permission to move exactly `option.amount` to `option.payTo`.
    ///
    /// - Throws: When there is an ``objection(to:)``.
    func sign(_ option: PaymentOption, _ validity: AuthorizationValidity) throws(PaymentSigningError) -> JSONObject

    /// Signs in with its account on `chain`; nil when accounts there cannot. Whoever calls has seen to it that the text names
    /// the server that will get it.
    func signIn(_ info: X402V2.SignIn.Info, on chain: ChainID) -> X402V2.SignIn.Proof?
}

extension PaymentSigner {
    /// Signs in nowhere.
    public func signIn(_ info: X402V2.SignIn.Info, on chain: ChainID) -> X402V2.SignIn.Proof? { nil }
}

/// When an authorization holds, and what makes it unique.
public struct AuthorizationValidity: Hashable, Sendable {
    /// Seconds since 1970 that must lie in the past.
    public let validAfter: UInt64
    /// Seconds since 1970 that must lie in the future.
    public let validBefore: UInt64
    /// Random, used once: a chain takes one authorization of a payer under it.
    public let nonce: Bytes32

    /// A validity by all its fields.
    public init(validAfter: UInt64, validBefore: UInt64, nonce: Bytes32) {
        self.validAfter = validAfter
        self.validBefore = validBefore
        self.nonce = nonce
    }
}

/// Why nothing was signed.
public struct PaymentSigningError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The objection, for a person.
    public let description: String

    /// An error with this reason.
    public init(_ description: String) {
        self.description = description
    }
}
