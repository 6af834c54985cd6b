// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// The dialect `transfer-proof`: the 402 says where to send an ordinary token transfer, the client sends it by itself and shows
/// its transaction. The whole of it is described in docs/transfer-proof.md.
public enum TransferProof {
    /// The dialect's name in `accept`, and its key in the `extensions` of an x402 v2 object.
    public static let name = "transfer-proof"

    /// Server to client on 402: ``Instructions/fieldValue``.
    public static let requiredField = "X-402-Required"
    /// Server to client on 402: ``Instructions/recipient``.
    public static let recipientField = "Pay-To"
    /// Server to client on 402: ``Instructions/paymentURI``.
    public static let linkField = "Pay-URL"

    /// Client to server, each of them the same: a ``Proof``. Guides differ in what they call it.
    public static let proofFields = ["X-402-Proof", "Payment-Proof", "Payment", "Pay"]

    /// How a transfer is bound to the one who asked for the reference, since its hash is public.
    public enum Binding: String, Hashable, Sendable, CaseIterable {
        /// By the sender's signature over ``message(reference:txHash:)``.
        case signature
        /// By an amount that no other open reference has.
        case amount
        /// By a recipient that no other reference has.
        case address
    }

    /// What the sender signs (EIP-191, `personal_sign`): the reference byte for byte, the hash as `0x` and 64 lower-case digits.
    public static func message(reference: Reference, txHash: Bytes32) -> String {
        "\(self.name) \(reference.text) \(txHash)"
    }
}

/// The forms of members that several objects have.
enum TransferProofGrammar {
    static let chain = "an EVM chain's number"
    static let hash = "a hash: 0x and 64 hexadecimal digits"

    /// A number without sign, fraction, exponent or leading zeros.
    static func whole(_ text: String) -> UInt64? { UInt256(decimal: text)?.uint64 }

    static func chainID(_ number: UInt64?) -> UInt64? {
        guard let number, number > 0, number <= self.chainIDMax else { return nil }
        return number
    }

    /// The greatest number that every JSON reader keeps exactly: 2^53 − 1.
    private static let chainIDMax: UInt64 = 1 << 53 - 1

    static func txHash(_ text: String) -> Bytes32? {
        text.utf8.count == 66 && text.utf8.starts(with: "0x".utf8) ? Bytes32(hex: text) : nil
    }

    /// `0x` and the digits of 65 bytes or more.
    static func signature(_ text: String) -> [UInt8]? {
        guard text.utf8.starts(with: "0x".utf8), text.utf8.count <= 2 + 2 * TransferProof.signatureSizeMax,
            let bytes = Hex.decode(text), bytes.count >= TransferProof.signatureSizeMin
        else { return nil }
        return bytes
    }

    static let signatureForm =
        "\(TransferProof.signatureSizeMin) to \(TransferProof.signatureSizeMax) bytes as 0x and hexadecimal digits"

    /// Equality of accounts, whatever the case of their letters.
    static func isSame(_ left: String, _ right: String) -> Bool { left.lowercased() == right.lowercased() }
}

extension TransferProof {
    /// The shortest signature: a key's r, s and v.
    public static let signatureSizeMin = 65
    /// The longest signature: a contract's (ERC-1271) with several owners or a passkey stays well below.
    public static let signatureSizeMax = 1536
}

extension WireReader {
    /// A JSON number without fraction and exponent.
    func whole(_ name: String, _ expected: String) throws(WireError) -> UInt64 {
        let text = try self.required(name, expected) { if case .number(let text) = $0 { text } else { nil } }
        guard let number = TransferProofGrammar.whole(text) else { throw self.malformed(name, expected) }
        return number
    }

    /// As wallets and programs write quantities: a number, the same as text, or `0x` and hexadecimal digits.
    func quantity(_ name: String, _ expected: String) throws(WireError) -> UInt64 {
        let text = try self.required(name, expected) { json in
            switch json {
            case .number(let text), .string(let text): text
            default: nil
            }
        }
        let isHex = text.utf8.starts(with: "0x".utf8)
        guard let number = isHex ? UInt256(hex: text)?.uint64 : TransferProofGrammar.whole(text) else {
            throw self.malformed(name, expected)
        }
        return number
    }
}
