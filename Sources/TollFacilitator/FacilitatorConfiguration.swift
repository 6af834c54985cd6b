// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments
public import TollPrimitives
public import TollProtocol

/// What a facilitator serves, and to whom.
public struct FacilitatorConfiguration: Sendable {
    /// A network whose payments are verified and settled.
    public struct Kind: Sendable {
        /// The chain, as version 2 names it.
        public var chain: ChainID
        /// What version 1 calls it: `base-sepolia`; nil when it has no name there, and then only version 2 is served.
        public var legacyName: String?
        /// The tokens that are settled. Others are refused: gas is ours, and a token is code that someone wrote.
        public var assets: [Asset]

        /// A network by all its fields.
        public init(chain: ChainID, legacyName: String?, assets: [Asset]) {
            self.chain = chain
            self.legacyName = legacyName
            self.assets = assets
        }
    }

    /// The networks.
    public var kinds: [Kind]
    /// The addresses that settlements are sent from, as `/supported` shows them.
    public var signers: [String]
    /// Who may ask: `Authorization: Bearer` with one of these. Empty serves everyone.
    public var tokens: [Secret<String>]
    /// Who may be paid; nil is everyone.
    public var payTo: [String]?
    /// How long `/settle` waits for the chain before it answers `settlement_pending`; also for another caller's settlement.
    public var patience: Duration
    /// The most bytes of a request's body.
    public var bodyBytes: Int
    /// Gas that settlements for others may use within an hour; nil is without a bound.
    public var gasPerHour: UInt64?

    /// A configuration by all its fields.
    public init(
        kinds: [Kind],
        signers: [String],
        tokens: [Secret<String>] = [],
        payTo: [String]? = nil,
        patience: Duration = .seconds(30),
        bodyBytes: Int = PaymentHeader.bodySizeMax,
        gasPerHour: UInt64? = nil
    ) {
        self.kinds = kinds
        self.signers = signers
        self.tokens = tokens
        self.payTo = payTo
        self.patience = patience
        self.bodyBytes = bodyBytes
        self.gasPerHour = gasPerHour
    }
}

extension FacilitatorConfiguration {
    /// The answer to `/supported`. Source: x402 specification v2, "GET /supported".
    var supported: SupportedResponse {
        let kinds = self.kinds.flatMap { kind in
            [SupportedResponse.Kind(version: .v2, scheme: "exact", network: kind.chain.description)]
                + (kind.legacyName.map { [SupportedResponse.Kind(version: .v1, scheme: "exact", network: $0)] } ?? [])
        }
        let families = Set(self.kinds.map { "\($0.chain.namespace):*" })
        return SupportedResponse(
            kinds: kinds,
            extensions: [],
            signers: Dictionary(uniqueKeysWithValues: families.map { ($0, self.signers) })
        )
    }
}
