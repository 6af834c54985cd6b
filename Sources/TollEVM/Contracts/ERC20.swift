// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// Tokens (ERC-20), with the questions that tokens of EIP-712 signatures answer too.
public enum ERC20 {
    /// A movement of tokens, as the token's log tells it.
    public struct Transfer: Hashable, Sendable {
        /// The contract that wrote the log.
        public let token: Address
        /// Who had them; the zero address when they were made.
        public let from: Address
        /// Who has them; the zero address when they were destroyed.
        public let to: Address
        /// In the token's smallest unit.
        public let value: UInt256

        /// A transfer of these members.
        public init(token: Address, from: Address, to: Address, value: UInt256) {
            self.token = token
            self.from = from
            self.to = to
            self.value = value
        }

        /// Nil unless `log` is `Transfer(address indexed from, address indexed to, uint256 value)` and nothing else: NFTs use
        /// the same topic with a fourth.
        public init?(_ log: Log) {
            guard log.topics.count == 3, log.topics[0] == ERC20.transferTopic, log.data.count == 32,
                let from = Address(log.topics[1]), let to = Address(log.topics[2]), let value = UInt256(bigEndian: log.data)
            else { return nil }
            self.init(token: log.address, from: from, to: to, value: value)
        }
    }

    /// Topic of `Transfer`.
    public static let transferTopic = Keccak256.hash(text: "Transfer(address,address,uint256)")

    /// Calldata of `name()`, answered with a string.
    public static let name = ABI.selector("name()")
    /// Calldata of `symbol()`, answered with a string.
    public static let symbol = ABI.selector("symbol()")
    /// Calldata of `version()`, answered with a string: the version of the token's EIP-712 domain.
    public static let version = ABI.selector("version()")
    /// Calldata of `decimals()`, answered with an integer.
    public static let decimals = ABI.selector("decimals()")
    /// Calldata of `DOMAIN_SEPARATOR()`, answered with a word.
    public static let domainSeparator = ABI.selector("DOMAIN_SEPARATOR()")

    /// Calldata of `balanceOf(owner)`, answered with an integer.
    public static func balance(of owner: Address) -> [UInt8] {
        ABI.encodeCall(balanceSelector, [.address(owner)])
    }

    /// Calldata of `allowance(owner, spender)`, answered with an integer.
    public static func allowance(owner: Address, spender: Address) -> [UInt8] {
        ABI.encodeCall(allowanceSelector, [.address(owner), .address(spender)])
    }

    /// Calldata of `approve(spender, value)`.
    public static func approve(spender: Address, value: UInt256) -> [UInt8] {
        ABI.encodeCall(approveSelector, [.address(spender), .integer(value)])
    }

    /// Calldata of `transfer(to, value)`.
    public static func transfer(to: Address, value: UInt256) -> [UInt8] {
        ABI.encodeCall(transferSelector, [.address(to), .integer(value)])
    }

    private static let balanceSelector = ABI.selector("balanceOf(address)")
    private static let allowanceSelector = ABI.selector("allowance(address,address)")
    private static let approveSelector = ABI.selector("approve(address,uint256)")
    private static let transferSelector = ABI.selector("transfer(address,uint256)")
}

extension ABI {
    /// The word that a call returned; nil when it returned less, as an account without code does.
    public static func word(returned data: [UInt8]) -> Bytes32? {
        Bytes32(data.prefix(32))
    }

    /// The integer that a call returned.
    public static func integer(returned data: [UInt8]) -> UInt256? {
        word(returned: data).map { UInt256($0) }
    }

    /// The string that a call returned; nil when it is none.
    public static func string(returned data: [UInt8]) -> String? {
        (try? decode([.bytes], from: data))?[0].string
    }
}
