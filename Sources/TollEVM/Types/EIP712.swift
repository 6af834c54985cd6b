// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// Typed structured data to sign (EIP-712).
///
/// A struct's hash is the Keccak-256 of its type's hash and its members in order, one word each: atomic members as the ABI
/// has them, `string` and `bytes` by ``hash(_:)``, structs by their own hash, arrays by ``hash(array:)``.
public enum EIP712 {
    /// Who the signature is meant for. Members left out are not part of the type: Permit2 has no version, USDC no salt.
    public struct Domain: Hashable, Sendable {
        /// The name of the contract or application.
        public let name: String?
        /// Its version.
        public let version: String?
        /// The chain.
        public let chainID: UInt64?
        /// The contract that will check the signature.
        public let verifyingContract: Address?
        /// A last resort to tell domains apart.
        public let salt: Bytes32?
        /// The hash of the domain, computed once: every digest starts with it.
        public let separator: Bytes32

        /// A domain of the members given.
        public init(
            name: String? = nil,
            version: String? = nil,
            chainID: UInt64? = nil,
            verifyingContract: Address? = nil,
            salt: Bytes32? = nil
        ) {
            self.name = name
            self.version = version
            self.chainID = chainID
            self.verifyingContract = verifyingContract
            self.salt = salt
            let members: [(type: String, word: Bytes32?)] = [
                ("string name", name.map { EIP712.hash($0) }),
                ("string version", version.map { EIP712.hash($0) }),
                ("uint256 chainId", chainID.map { UInt256($0).word }),
                ("address verifyingContract", verifyingContract?.word),
                ("bytes32 salt", salt),
            ]
            let present = members.filter { $0.word != nil }
            let type = "EIP712Domain(" + present.map(\.type).joined(separator: ",") + ")"
            self.separator = EIP712.structHash(EIP712.typeHash(type), present.compactMap(\.word))
        }
    }

    /// The hash of a type such as `Mail(Person from,string contents)Person(string name)`: the struct, then those it refers to
    /// in alphabetical order.
    public static func typeHash(_ type: String) -> Bytes32 { Keccak256.hash(text: type) }

    /// The word that stands for a `string` member.
    public static func hash(_ text: String) -> Bytes32 { Keccak256.hash(text: text) }

    /// The word that stands for a `bytes` member.
    public static func hash(_ bytes: [UInt8]) -> Bytes32 { Keccak256.hash(bytes) }

    /// The word that stands for an array member, of the words of its elements.
    public static func hash(array words: [Bytes32]) -> Bytes32 { Keccak256.hash(concatenation(of: words)) }

    /// The hash of a struct, from the words of its members.
    public static func structHash(_ typeHash: Bytes32, _ members: [Bytes32]) -> Bytes32 {
        Keccak256.hash(concatenation(of: members, after: typeHash.bytes))
    }

    /// What is signed.
    public static func digest(_ domain: Domain, _ structHash: Bytes32) -> Bytes32 {
        Keccak256.hash(concatenation(of: [domain.separator, structHash], after: [0x19, 0x01]))
    }

    private static func concatenation(of words: [Bytes32], after start: [UInt8] = []) -> [UInt8] {
        var bytes = start
        bytes.reserveCapacity(start.count + words.count * 32)
        for word in words { word.append(to: &bytes) }
        return bytes
    }
}

/// Text to sign as wallets show it (EIP-191, version 0x45, `personal_sign`).
public enum EIP191 {
    /// What is signed for `message`.
    public static func digest(_ message: [UInt8]) -> Bytes32 {
        Keccak256.hash([0x19] + Array("Ethereum Signed Message:\n\(message.count)".utf8) + message)
    }
}
