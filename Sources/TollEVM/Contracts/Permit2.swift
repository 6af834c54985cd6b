// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// Uniswap's Permit2: signed transfers of any token whose holder once approved it
/// (source: github.com/Uniswap/permit2, `SignatureTransfer` and `PermitHash`).
public enum Permit2 {
    /// The contract, at one address on every chain.
    public static let address = Address(hex: "0x000000000022D473030F116dDEE9F6B43aC78BA3")!

    /// What the signature is meant for: Permit2 has a name but no version.
    public static func domain(chainID: UInt64) -> EIP712.Domain {
        EIP712.Domain(name: "Permit2", chainID: chainID, verifyingContract: address)
    }

    /// Permission for `spender` to move up to `amount` of `token`, once, and only as `witness` says.
    public struct WitnessTransfer: Hashable, Sendable {
        /// The token.
        public let token: Address
        /// In its smallest unit.
        public let amount: UInt256
        /// The contract that may move it.
        public let spender: Address
        /// Any number the owner has not used before.
        public let nonce: UInt256
        /// The last second, since 1970, at which it may be used.
        public let deadline: UInt256

        /// A permission of these members.
        public init(token: Address, amount: UInt256, spender: Address, nonce: UInt256, deadline: UInt256) {
            self.token = token
            self.amount = amount
            self.spender = spender
            self.nonce = nonce
            self.deadline = deadline
        }

        /// What the owner signs. `witness` is the struct hash of the spender's own data, of type `witnessType`.
        public func digest(chainID: UInt64, witnessType: String, witness: Bytes32) -> Bytes32 {
            let permitted = EIP712.structHash(Permit2.tokenPermissionsTypeHash, [self.token.word, self.amount.word])
            let typeHash = Permit2.witnessTransferTypeHash(witnessType: witnessType)
            let members = [permitted, self.spender.word, self.nonce.word, self.deadline.word, witness]
            return EIP712.digest(Permit2.domain(chainID: chainID), EIP712.structHash(typeHash, members))
        }
    }

    /// Type hash of `TokenPermissions`.
    public static let tokenPermissionsTypeHash = EIP712.typeHash(tokenPermissionsType)

    /// Type hash of `PermitWitnessTransferFrom` with a witness such as `Witness(address to,uint256 validAfter)`.
    /// EIP-712 wants the types it refers to in alphabetical order.
    public static func witnessTransferTypeHash(witnessType: String) -> Bytes32 {
        let name = witnessType.prefix { $0 != "(" }
        let members = "TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,\(name) witness"
        return EIP712.typeHash("PermitWitnessTransferFrom(\(members))" + [witnessType, tokenPermissionsType].sorted().joined())
    }

    private static let tokenPermissionsType = "TokenPermissions(address token,uint256 amount)"
}
