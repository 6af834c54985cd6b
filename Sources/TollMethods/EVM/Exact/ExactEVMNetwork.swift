// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollEVM
internal import TollPayments
public import TollPrimitives

/// A chain on which `exact` payments are taken.
public struct ExactEVMNetwork: Sendable {
    /// How deep a settlement must lie before it counts.
    public typealias Confirmations = BlockDepth

    /// Another depth for payments over an amount.
    public struct DepthOver: Hashable, Sendable {
        /// In millionths of a dollar; larger payments need the depth.
        public let microdollars: UInt64
        /// The depth.
        public let confirmations: Confirmations

        /// A depth over an amount.
        public init(microdollars: UInt64, confirmations: Confirmations) {
            self.microdollars = microdollars
            self.confirmations = confirmations
        }
    }

    /// What gas may cost here, and how long an inclusion may take.
    public struct Limits: Hashable, Sendable {
        /// The most that is offered per unit of gas, in wei: what is dearer waits until gas is cheaper. 500 gwei is over what any
        /// chain asks for but in minutes of the greatest rush.
        public var feePerGas: UInt256 = 500_000_000_000
        /// No single settlement may use more gas than this, whatever the token or the wallet does.
        public var gas: UInt64 = 2_000_000
        /// No batch may. A transaction may use 2^24 (EIP-7825).
        public var batchGas: UInt64 = 16_000_000
        /// A transaction that is not mined within it is replaced by a dearer one.
        public var inclusion: Duration = .seconds(30)

        /// The defaults.
        public init() {}
    }

    /// The chain.
    public let chain: ChainID
    /// Its nodes.
    public let client: EVMClient
    /// Who pays the gas; nil when payments are only verified here.
    public let signers: SignerPool?
    /// How deep a settlement must lie before it counts.
    public let confirmations: Confirmations
    /// How deep larger ones must.
    public let confirmationsOver: [DepthOver]
    /// The only tokens that payments are taken in; nil for any. What is not listed is refused before the chain is asked: a token
    /// is a program of somebody's, and our signer pays for its running.
    public let assets: Set<Address>?
    /// Factories that may be called to deploy a payer's wallet (ERC-6492). Others are refused: a call with our signer to a
    /// contract of the payer's choosing could do anything.
    public let walletFactories: Set<Address>
    /// What gas may cost, and how long an inclusion may take.
    public let limits: Limits

    /// A chain by all its fields.
    public init(
        chain: ChainID, client: EVMClient, signers: SignerPool?, confirmations: Confirmations = .blocks(1),
        confirmationsOver: [DepthOver] = [], assets: Set<Address>? = nil, walletFactories: Set<Address> = [],
        limits: Limits = Limits()
    ) {
        self.chain = chain
        self.client = client
        self.signers = signers
        self.confirmations = confirmations
        self.confirmationsOver = confirmationsOver
        self.assets = assets
        self.walletFactories = walletFactories
        self.limits = limits
    }

    /// What no payment needs more than.
    var deepestConfirmations: Confirmations {
        self.confirmationsOver.reduce(self.confirmations) { max($0, $1.confirmations) }
    }

    /// How deep the settlement of one of `options` must lie before it counts: the deepest of what they need.
    func confirmations(for options: some Sequence<PaymentOption>) -> Confirmations {
        var deepest = self.confirmations
        for option in options {
            for over in self.confirmationsOver where over.isExceeded(by: option) { deepest = max(deepest, over.confirmations) }
        }
        return deepest
    }
}

extension ExactEVMNetwork.DepthOver {
    /// Tokens are taken for dollars, as prices are.
    fileprivate func isExceeded(by option: PaymentOption) -> Bool { UInt64(clamping: option.exposure) > self.microdollars }
}
