// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollCrypto
public import TollPrimitives

/// Allowances that the holder of a token signs and anyone may send (EIP-2612).
public enum EIP2612 {
    /// Permission for `spender` to take up to `value`.
    public struct Permit: Hashable, Sendable {
        /// Whose tokens, and who signs.
        public let owner: Address
        /// Who may take them.
        public let spender: Address
        /// In the token's smallest unit.
        public let value: UInt256
        /// The owner's count of permits used, which the token keeps.
        public let nonce: UInt256
        /// The last second, since 1970, at which it may be sent.
        public let deadline: UInt256

        /// A permit of these members.
        public init(owner: Address, spender: Address, value: UInt256, nonce: UInt256, deadline: UInt256) {
            self.owner = owner
            self.spender = spender
            self.value = value
            self.nonce = nonce
            self.deadline = deadline
        }

        /// What `owner` signs. `domain` is the token's.
        public func digest(_ domain: EIP712.Domain) -> Bytes32 {
            let words = [self.owner.word, self.spender.word, self.value.word, self.nonce.word, self.deadline.word]
            return EIP712.digest(domain, EIP712.structHash(EIP2612.permitTypeHash, words))
        }

        /// `permit(owner, spender, value, deadline, v, r, s)`.
        public func calldata(signature: RecoverableSignature) -> [UInt8] {
            ABI.encodeCall(
                EIP2612.permitSelector,
                [
                    .address(self.owner), .address(self.spender), .integer(self.value), .integer(self.deadline),
                    .integer(UInt256(UInt64(signature.v))), .word(signature.r), .word(signature.s),
                ]
            )
        }
    }

    /// Type hash of `Permit`.
    public static let permitTypeHash = EIP712.typeHash(
        "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
    )
    /// Selector of `permit`.
    public static let permitSelector = ABI.selector("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)")

    /// `nonces(owner)`: the nonce of the owner's next permit.
    public static func noncesCalldata(owner: Address) -> [UInt8] {
        ABI.encodeCall(noncesSelector, [.address(owner)])
    }

    static let noncesSelector = ABI.selector("nonces(address)")
}
