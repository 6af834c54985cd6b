// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollCrypto
public import TollEVM
public import TollPrimitives
public import TollProtocol

/// Instructions signed as typed data (EIP-712), so that a wallet and any Ethereum library can check them.
///
/// Domain: `{name: "transfer-proof", version: "1", chainId}`. Primary type, of every member but the signature, in this order:
///
///     Instructions(string reference,address recipient,uint256 amount,string currency,uint256 decimals,address asset,
///         uint256 chainId,string network,string resource,uint256 expires,string paymentUri,string bind,address signer)
extension TransferProof.Instructions {
    /// The type, as it is hashed.
    public static let typedDataType =
        "Instructions(string reference,address recipient,uint256 amount,string currency,uint256 decimals,address asset,"
        + "uint256 chainId,string network,string resource,uint256 expires,string paymentUri,string bind,address signer)"

    /// Who vouches for instructions, as far as their signature tells.
    public enum Authorship: Hashable, Sendable {
        /// There is no signature.
        case unsigned
        /// This account's key signed them. Whether it may is for the reader to say: it is the recipient, or listed by the origin.
        case signed(Address)
        /// The signature is not by the account that `signer` names, unless that is a contract: ask it (ERC-1271) whether the
        /// signature is good for the digest.
        case notByKey(Address, digest: Bytes32)
        /// The signature, or `signer`, is none.
        case malformed
    }

    /// What `signer` signs; nil when an address of theirs is none.
    public func digest(signer: Address) -> Bytes32? {
        guard let recipient = Address(hex: self.recipient), let asset = Address(hex: self.asset) else { return nil }
        guard self.expires >= 0 else { return nil }
        let domain = EIP712.Domain(name: TransferProof.name, version: "1", chainID: self.chainID)
        let words = [
            EIP712.hash(self.reference.text), recipient.word, self.amount.word, EIP712.hash(self.currency),
            UInt256(UInt64(self.decimals)).word, asset.word, UInt256(self.chainID).word,
            EIP712.hash(self.network.description), EIP712.hash(self.resource), UInt256(UInt64(self.expires)).word,
            EIP712.hash(self.paymentURI), EIP712.hash(self.bind.rawValue), signer.word,
        ]
        return EIP712.digest(domain, EIP712.structHash(Self.typeHash, words))
    }

    private static let typeHash = EIP712.typeHash(typedDataType)

    /// The same, signed with `key`; a signature that is there already is replaced.
    public func signed(with key: PrivateKey) throws(WireError) -> TransferProof.Instructions {
        let signer = key.address
        guard let digest = self.digest(signer: signer) else { return self }
        return try self.signed(by: signer.description, key.sign(digest: digest).bytes)
    }

    /// Who signed.
    public var authorship: Authorship {
        guard let text = self.signer, let signature = self.signature else { return .unsigned }
        guard let (signer, checksum) = Address.parse(text), checksum != .wrong, let digest = self.digest(signer: signer) else {
            return .malformed
        }
        let recovered = RecoverableSignature(bytes: signature).flatMap { try? $0.signer(of: digest) }
        return recovered == signer ? .signed(signer) : .notByKey(signer, digest: digest)
    }
}
