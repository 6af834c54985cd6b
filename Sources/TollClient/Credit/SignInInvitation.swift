// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
public import TollPrimitives
public import TollProtocol

/// A server's invitation to sign in that may be answered.
public struct SignInInvitation: Hashable, Sendable {
    /// What is to be signed.
    public let info: X402V2.SignIn.Info
    private let chains: [X402V2.SignIn.SupportedChain]

    /// The invitation in `offer`, which came from `url`; nil when there is none, or none to answer.
    ///
    /// `domain` and `uri` must be those of the server that sent it. Otherwise the signature would be good at another server,
    /// and the one that asked for it could present it there.
    public init?(_ offer: ReceivedOffer, from url: URLParts) {
        guard case .v2(let required) = offer,
            let challenge = try? X402V2.SignIn.Challenge(extensions: required.extensions),
            challenge.info.domain == url.origin.authority,
            let uri = try? URLParts(parsing: challenge.info.uri), uri.origin == url.origin
        else { return nil }
        self.info = challenge.info
        self.chains = challenge.chains
    }

    /// Whether accounts of `chain` may answer it with EIP-191.
    public func includes(_ chain: ChainID) -> Bool {
        self.chains.contains(X402V2.SignIn.SupportedChain(chain, .eip191))
    }
}
