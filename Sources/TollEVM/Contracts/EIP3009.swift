// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollCrypto
public import TollPrimitives

/// Transfers that the holder of a token signs and anyone may send (EIP-3009): what x402's `exact` scheme is made of.
public enum EIP3009 {
    /// Permission to move `value` once.
    public struct Authorization: Hashable, Sendable {
        /// Who pays, and signs.
        public let from: Address
        /// Who is paid.
        public let to: Address
        /// In the token's smallest unit.
        public let value: UInt256
        /// Valid in blocks whose timestamp is above this, in seconds since 1970.
        public let validAfter: UInt256
        /// Valid in blocks whose timestamp is below this, in seconds since 1970.
        public let validBefore: UInt256
        /// Any word the payer has not used before; the order does not matter.
        public let nonce: Bytes32

        /// An authorization of these members.
        public init(from: Address, to: Address, value: UInt256, validAfter: UInt256, validBefore: UInt256, nonce: Bytes32) {
            self.from = from
            self.to = to
            self.value = value
            self.validAfter = validAfter
            self.validBefore = validBefore
            self.nonce = nonce
        }

        /// What `from` signs so that anyone may send the transfer. `domain` is the token's.
        public func digest(_ domain: EIP712.Domain) -> Bytes32 {
            EIP712.digest(domain, EIP712.structHash(EIP3009.transferTypeHash, self.words))
        }

        /// What `from` signs so that only `to` may send it.
        public func receiveDigest(_ domain: EIP712.Domain) -> Bytes32 {
            EIP712.digest(domain, EIP712.structHash(EIP3009.receiveTypeHash, self.words))
        }

        /// `transferWithAuthorization(…,uint8 v,bytes32 r,bytes32 s)`, which every EIP-3009 token has. v is 27 or 28.
        public func calldata(signature: RecoverableSignature) -> [UInt8] {
            let signature: [ABI.Value] = [.integer(UInt256(UInt64(signature.v))), .word(signature.r), .word(signature.s)]
            return ABI.encodeCall(EIP3009.transferSelector, self.words.map { .word($0) } + signature)
        }

        /// `transferWithAuthorization(…,bytes signature)`, which newer tokens (FiatToken 2.2) have for contract wallets.
        public func calldata(signature: [UInt8]) -> [UInt8] {
            ABI.encodeCall(EIP3009.transferWithBytesSelector, self.words.map { .word($0) } + [.bytes(signature)])
        }

        private var words: [Bytes32] {
            [self.from.word, self.to.word, self.value.word, self.validAfter.word, self.validBefore.word, self.nonce]
        }
    }

    /// Type hash of `TransferWithAuthorization`.
    public static let transferTypeHash = EIP712.typeHash("TransferWithAuthorization(\(members))")
    /// Type hash of `ReceiveWithAuthorization`.
    public static let receiveTypeHash = EIP712.typeHash("ReceiveWithAuthorization(\(members))")

    /// Selector of `transferWithAuthorization` with v, r and s.
    public static let transferSelector = ABI.selector("transferWithAuthorization(\(parameters),uint8,bytes32,bytes32)")
    /// Selector of `transferWithAuthorization` with the signature as bytes.
    public static let transferWithBytesSelector = ABI.selector("transferWithAuthorization(\(parameters),bytes)")
    /// Selector of `receiveWithAuthorization` with v, r and s.
    public static let receiveSelector = ABI.selector("receiveWithAuthorization(\(parameters),uint8,bytes32,bytes32)")
    /// Selector of `receiveWithAuthorization` with the signature as bytes.
    public static let receiveWithBytesSelector = ABI.selector("receiveWithAuthorization(\(parameters),bytes)")
    /// Topic of `AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)`.
    public static let authorizationUsedTopic = Keccak256.hash(text: "AuthorizationUsed(address,bytes32)")

    /// `authorizationState(authorizer, nonce)`: true when the nonce is used or cancelled.
    public static func authorizationStateCalldata(authorizer: Address, nonce: Bytes32) -> [UInt8] {
        ABI.encodeCall(authorizationStateSelector, [.address(authorizer), .word(nonce)])
    }

    static let authorizationStateSelector = ABI.selector("authorizationState(address,bytes32)")
    private static let members =
        "address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce"
    private static let parameters = "address,address,uint256,uint256,uint256,bytes32"
}
