// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// What a request brings to be known as the one that claimed a payment.
///
/// The credential itself proves nothing: once it is broadcast, all of it is public. The challenge was given to the claimant
/// alone, the identifier is the claimant's own, and a sign-in is made by the payer's key.
public struct Claimant: Hashable, Sendable {
    private let challengeHash: Bytes32?
    private let identifier: String?
    private let signedIn: SignedInAccount?

    /// Who presents `credential`, signed in or not (nil).
    public init(_ credential: Credential, signedIn: SignedInAccount?) {
        self.challengeHash = credential.challengeHash
        self.identifier = credential.identifier
        self.signedIn = signedIn
    }

    /// Whether it has brought anything that the same client can bring again.
    public var hasSecret: Bool { self.challengeHash != nil || self.identifier != nil || self.signedIn != nil }

    /// Whether it is the one that made `claim`. Missing never equals missing.
    public func made(_ claim: Claim) -> Bool {
        if let challenge = self.challengeHash, challenge == claim.challengeHash { return true }
        if let hash = self.identifierHash(of: claim.key.payer), hash == claim.identifierHash { return true }
        return self.signedIn?.isPayer(of: claim.key) ?? false
    }

    /// The digest under which the ledger knows the identifier, which is the payer's own: another's may be the same. Nil when
    /// there is none.
    public func identifierHash(of payer: String) -> Bytes32? {
        self.identifier.map { Keccak256.hash(text: "\(payer.lowercased())/\($0)") }
    }
}
