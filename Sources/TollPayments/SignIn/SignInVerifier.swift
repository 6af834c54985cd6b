// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives
public import TollProtocol

/// Whether a sign-in was signed by the account it names: one implementation a kind of chain. What the text says is not its
/// business, see ``SignInExpectation``.
public protocol SignInVerifier: Sendable {
    /// Checks the signature of `proof`. Changes nothing.
    func verify(_ proof: X402V2.SignIn.Proof) async -> SignInVerification
}

/// What checking a sign-in came to.
public enum SignInVerification: Hashable, Sendable {
    /// The account signed it.
    case valid(SignedInAccount)
    /// It did not, or it cannot be told for accounts of this kind.
    case invalid(SignInRefusal)
    /// The chain did not answer: nothing is known.
    case unavailable(reason: String)
}

/// An account whose holder is known to be the one who asks.
public struct SignedInAccount: Hashable, Sendable {
    /// The account as its chain's people write it.
    public let account: String
    /// The only chain on which it is the holder's; nil for a key, which has the same account on every chain of its kind. A
    /// contract's address may belong to somebody else on another chain.
    public let network: ChainID?
    /// The sign-in's nonce, lower case: what is bought with it is bought once.
    public let nonce: String
    /// The chain that the sign-in names.
    public let chain: ChainID

    /// An account that has signed `proof`.
    public init(_ proof: X402V2.SignIn.Proof, account: String, onlyOn network: ChainID?) {
        self.account = account
        self.network = network
        self.nonce = proof.info.nonce.lowercased()
        self.chain = proof.chain
    }

    /// Whether the account is the holder's on `chain` too.
    public func isHolder(on chain: ChainID) -> Bool {
        guard chain.namespace == self.chain.namespace else { return false }
        return self.network.map { $0 == chain } ?? true
    }

    /// Whether the holder is who pays, or paid, under `key`.
    public func isPayer(of key: PaymentKey) -> Bool {
        key.payer == self.account.lowercased() && self.isHolder(on: key.network)
    }
}

/// Why a sign-in is refused.
public struct SignInRefusal: Error, Hashable, Sendable {
    /// The reasons as the SDKs name them. Source: x402 specs/extensions/sign-in-with-x.md and the SDKs' error codes.
    public enum Reason: String, Hashable, Sendable {
        /// `domain` is another server's.
        case domain = "invalid_siwx_domain_mismatch"
        /// `uri` is of another origin.
        case uri = "invalid_siwx_uri_mismatch"
        /// `issuedAt` is over five minutes old.
        case tooOld = "invalid_siwx_issued_at_too_old"
        /// `issuedAt` lies ahead.
        case inFuture = "invalid_siwx_issued_at_in_future"
        /// `expirationTime` is over.
        case expired = "invalid_siwx_expired"
        /// `notBefore` lies ahead.
        case notYetValid = "invalid_siwx_not_yet_valid"
        /// Accounts of this chain, or this type of signature, are not taken.
        case unsupportedChain = "invalid_siwx_unsupported_chain"
        /// The signature, or the address, has no form that could be right.
        case malformedSignature = "invalid_siwx_malformed_signature"
        /// The account did not sign it.
        case signature = "invalid_siwx_signature"
    }

    /// The reason.
    public let reason: Reason
    /// What was expected and what was found; nothing secret.
    public let detail: String

    /// A refusal by its reason.
    public init(_ reason: Reason, _ detail: String) {
        self.reason = reason
        self.detail = detail
    }
}
