// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollClient
import TollCrypto
import TollEVM
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol

/// Who there is in every world, and what is sold.
enum Market {
    static let chain = ChainID(eip155: ChainMachine.chainID)
    static let asset = Asset(
        network: chain, address: ChainMachine.token.description, symbol: "USDC", decimals: 6, domainName: "USDC",
        domainVersion: "2")
    static let payTo = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
    static let payee = Address(hex: payTo) ?? .zero
    static let price: UInt256 = 1_000
    /// How long an authorization is good, in seconds.
    static let maxTimeout = 120
    static let option = PaymentOption(asset: asset, amount: price, payTo: payTo, maxTimeoutSeconds: maxTimeout)
    /// What may be lost by serving before it is paid: two payments of a payer, three in all.
    static let deferral = DeferralLimits(perPayer: 2_000, total: 3_000)
    static let host = "api.example"
    static let facilitatorHost = "facilitator.example"
    static let upstreamHost = "upstream.internal"

    static let dialects: [any Dialect] = [X402V2Dialect(), X402V1Dialect { $0 == Market.chain ? "base-sepolia" : nil }]
    static let directory = NetworkDirectory([
        PayableNetwork(
            chain: chain, name: "Base Sepolia", legacyName: "base-sepolia", assets: [PayableAsset(asset, isDollarPegged: true)])
    ])

    /// A key that every run of every seed has: deriving one is dear, and nothing depends on its being secret.
    static func key(_ number: UInt8) -> PrivateKey {
        guard let key = PrivateKey(bytes: [UInt8](repeating: number, count: 32)) else {
            preconditionFailure("\(number) repeated is no key.")
        }
        return key
    }

    static let buyers: [Account] = (0..<4).map { Account(Market.key(10 + $0)) }
    static let gatewaySigners: [Account] = (0..<2).map { Account(Market.key(20 + $0)) }
    static let facilitatorSigners: [Account] = (0..<2).map { Account(Market.key(30 + $0)) }
    static let thirdParty = Account(key(40))
    /// Pays debts back.
    static let payoutWallet = Account(key(50))

    /// A key and its address, derived once.
    struct Account: Sendable {
        let key: PrivateKey
        let address: Address
        let payer: ExactEVMPayer

        init(_ key: PrivateKey) {
            self.key = key
            self.address = key.address
            self.payer = ExactEVMPayer(key)
        }
    }
}

extension AuthorizationKey {
    /// What the ledger calls the payment.
    var payment: PaymentID {
        PaymentKey(
            network: Market.chain, asset: Market.asset.address, payer: self.account.lowercaseHex, nonce: self.nonce.description
        ).id
    }
}

extension ExactEVMPayload {
    var key: AuthorizationKey? {
        Address(hex: self.authorization.from).map { AuthorizationKey(account: $0, nonce: self.authorization.nonce) }
    }
}
