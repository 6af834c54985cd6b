// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollCrypto
public import TollEVM
public import TollPrimitives
public import TollProtocol

/// A proof signed by whoever sent the transfer: EIP-191 over ``TransferProof/message(reference:txHash:)``.
extension TransferProof.Proof {
    /// What the sender signs; nil without a reference. A contract is asked with it (ERC-1271).
    public var signedDigest: Bytes32? {
        guard let reference = self.reference else { return nil }
        return Self.digest(reference: reference, txHash: self.txHash)
    }

    /// The account whose key signed; nil without a reference or signature, and when no key can have made it. It is to be the
    /// `from` of the Transfer, not the transaction's sender.
    public var recoveredSender: Address? {
        guard let digest = self.signedDigest, let signature = self.signature else { return nil }
        return RecoverableSignature(bytes: signature).flatMap { try? $0.signer(of: digest) }
    }

    /// A proof for a transfer that the account of `key` sent.
    public static func signed(
        txHash: Bytes32, chainID: UInt64, blockNumber: UInt64? = nil, recipient: String? = nil,
        reference: TransferProof.Reference, key: PrivateKey
    ) -> TransferProof.Proof {
        TransferProof.Proof(
            txHash: txHash, chainID: chainID, blockNumber: blockNumber, recipient: recipient, reference: reference,
            signature: key.sign(digest: self.digest(reference: reference, txHash: txHash)).bytes
        )
    }

    private static func digest(reference: TransferProof.Reference, txHash: Bytes32) -> Bytes32 {
        EIP191.digest(Array(TransferProof.message(reference: reference, txHash: txHash).utf8))
    }
}
