// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollCrypto
internal import TollEVM
public import TollPayments
public import TollPrimitives
public import TollProtocol

/// Pays by scheme `exact` on EVM chains: signs an EIP-3009 transfer with a key.
///
/// Source: x402 scheme_exact_evm.md, "AssetTransferMethod: EIP-3009".
public struct ExactEVMPayer: PaymentSigner {
    /// `exact`.
    public let scheme = "exact"
    /// The address, with EIP-55's checksum.
    public let account: String
    private let address: Address
    private let key: PrivateKey

    /// Pays with `key`, from the account it controls.
    public init(_ key: PrivateKey) {
        self.key = key
        self.address = key.address
        self.account = key.address.description
    }

    /// A key has the same account on every EVM chain.
    public func canPay(on network: ChainID) -> Bool {
        network.eip155 != nil
    }

    /// Whether asset and payee are addresses, and not mistyped.
    public func objection(to option: PaymentOption) -> String? {
        do throws(PaymentSigningError) {
            _ = try Self.parties(of: option)
            return nil
        } catch {
            return error.description
        }
    }

    /// Signs `TransferWithAuthorization` for the domain of the option's token.
    public func sign(_ option: PaymentOption, _ validity: AuthorizationValidity) throws(PaymentSigningError) -> JSONObject {
        let (chain, token, payee) = try Self.parties(of: option)
        let authorization = EIP3009.Authorization(
            from: self.address,
            to: payee,
            value: option.amount,
            validAfter: UInt256(validity.validAfter),
            validBefore: UInt256(validity.validBefore),
            nonce: validity.nonce
        )
        let domain = EIP712.Domain(
            name: option.asset.domainName,
            version: option.asset.domainVersion,
            chainID: chain,
            verifyingContract: token
        )
        let signature = self.key.sign(digest: authorization.digest(domain))
        // Servers built on the Python SDK look addresses up by their text and know only the one with the checksum.
        let wire = ExactEVMPayload.Authorization(
            from: self.account,
            to: payee.description,
            value: authorization.value,
            validAfter: authorization.validAfter,
            validBefore: authorization.validBefore,
            nonce: authorization.nonce
        )
        return ExactEVMPayload(signature: signature.bytes, authorization: wire).json
    }

    /// Signs the text of EIP-4361 as wallets sign text (EIP-191), which is the digest of no transaction and no transfer.
    public func signIn(_ info: X402V2.SignIn.Info, on chain: ChainID) -> X402V2.SignIn.Proof? {
        guard let number = chain.eip155 else { return nil }
        let digest = EIP191.digest(Array(info.text(address: self.account, chain: number).utf8))
        return X402V2.SignIn.Proof(
            info, address: self.account, chain: X402V2.SignIn.SupportedChain(chain, .eip191),
            signature: self.key.sign(digest: digest).description)
    }

    private static func parties(of option: PaymentOption) throws(PaymentSigningError) -> (UInt64, token: Address, payee: Address)
    {
        guard option.scheme == "exact", let chain = option.network.eip155 else {
            throw PaymentSigningError("scheme \(option.scheme) on \(option.network) is not exact on an EVM chain")
        }
        let token = try Self.address(option.asset.address, "asset")
        let payee = try Self.address(option.payTo, "payTo")
        guard payee != .zero else { throw PaymentSigningError("payTo is the zero address, from which nothing comes back") }
        return (chain, token, payee)
    }

    /// An address that a member holds, and that is not mistyped.
    static func address(_ text: String, _ member: String) throws(PaymentSigningError) -> Address {
        guard let (address, checksum) = Address.parse(text) else {
            throw PaymentSigningError("\(member) is no address: 0x and 40 hexadecimal digits")
        }
        guard checksum != .wrong else {
            throw PaymentSigningError("\(member) is mistyped: its letters' case does not keep EIP-55's checksum")
        }
        return address
    }
}
