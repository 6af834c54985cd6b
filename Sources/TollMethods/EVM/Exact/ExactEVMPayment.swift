// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollCrypto
internal import TollEVM
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// An EIP-3009 payment, read from a credential or a claim.
struct ExactEVMPayment {
    /// What the payer signed.
    let authorization: EIP3009.Authorization
    /// The signature as it came.
    let signature: [UInt8]
    /// The signature without an ERC-6492 wrapper: what the token gets.
    let innerSignature: [UInt8]
    /// How to deploy the payer's wallet, when the signature carries it (ERC-6492).
    let deployment: ERC6492Signature?
    let asset: Address
    let option: PaymentOption
    let chainID: UInt64

    init(_ payload: JSONObject, option: PaymentOption) throws(PaymentRefusal) {
        let wire: ExactEVMPayload
        do { wire = try ExactEVMPayload(payload, at: "payload") } catch {
            throw PaymentRefusal(ErrorReason.invalidPayload.rawValue, detail: error.description)
        }
        guard let from = Address(hex: wire.authorization.from), let to = Address(hex: wire.authorization.to) else {
            throw PaymentRefusal(ErrorReason.invalidPayload.rawValue, detail: "from or to is no address")
        }
        guard let asset = Address(hex: option.asset.address), let chainID = option.network.eip155 else {
            throw PaymentRefusal(ErrorReason.networkConfiguration.rawValue, detail: "the option is not on an EVM chain")
        }
        self.authorization = EIP3009.Authorization(
            from: from, to: to, value: wire.authorization.value, validAfter: wire.authorization.validAfter,
            validBefore: wire.authorization.validBefore, nonce: wire.authorization.nonce)
        self.signature = wire.signature
        self.deployment = ERC6492Signature(wire.signature)
        self.innerSignature = self.deployment?.signature ?? wire.signature
        self.asset = asset
        self.option = option
        self.chainID = chainID
    }

    /// What the chain makes unique.
    var key: PaymentKey {
        PaymentKey(
            network: self.option.network, asset: self.asset.lowercaseHex, payer: self.authorization.from.lowercaseHex,
            nonce: self.authorization.nonce.description)
    }

    /// The hash that was signed.
    func digest(_ domains: TokenDomains) -> Bytes32 {
        self.authorization.digest(domains.domain(of: self.option.asset, at: self.asset, chainID: self.chainID))
    }

    /// The signature as a key of a plain account makes it; nil when it has another shape.
    var plainSignature: RecoverableSignature? {
        RecoverableSignature(bytes: self.innerSignature)
    }

    /// The call that moves the money: with v, r and s where the signature has that shape, which every token knows, else with
    /// bytes.
    var transferCalldata: [UInt8] {
        if let signature = self.plainSignature { return self.authorization.calldata(signature: signature) }
        return self.authorization.calldata(signature: self.innerSignature)
    }

    /// The last second in which the authorization is good, as the ledger counts.
    var validBefore: Int64 { self.authorization.validBefore.uint64.flatMap { Int64(exactly: $0) } ?? .max }
}
