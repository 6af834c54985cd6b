// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollCrypto
public import TollPrimitives

/// Twenty bytes that name an account of an EVM chain.
public struct Address: Hashable, Sendable, CustomStringConvertible {
    /// What the case of an address' letters says about typing errors (EIP-55).
    public enum Checksum: Hashable, Sendable {
        /// Mixed case, and the right one.
        case valid
        /// All letters in one case: no checksum was given.
        case absent
        /// Mixed case, and not the right one: something is mistyped.
        case wrong
    }

    /// The address as the ABI carries it: twelve zero bytes, then the twenty.
    public let word: Bytes32

    /// The address of nobody, which stands for "none" in many contracts.
    public static let zero = Address(truncating: .zero)

    /// Nil unless `bytes` are exactly twenty.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 20, let word = Bytes32(Self.padding + bytes) else { return nil }
        self.word = word
    }

    /// Nil unless the upper twelve bytes of `word` are zero.
    public init?(_ word: Bytes32) {
        guard UInt256(word) <= Self.greatest else { return nil }
        self.word = word
    }

    /// `0x` and forty digits in any case; the checksum is not looked at, since peers write addresses either way.
    /// Use ``parse(_:)`` for what people type.
    public init?(hex text: some StringProtocol) {
        let text = String(text)
        guard text.utf8.count == 42, text.utf8.starts(with: "0x".utf8), let value = UInt256(hex: text) else { return nil }
        self.word = value.word
    }

    /// As ``init(hex:)``, and what the letters' case tells.
    public static func parse(_ text: some StringProtocol) -> (address: Address, checksum: Checksum)? {
        guard let address = Address(hex: text) else { return nil }
        let digits = String(text.dropFirst(2))
        if digits == digits.lowercased() || digits == digits.uppercased() { return (address, .absent) }
        return (address, "0x" + digits == address.description ? .valid : .wrong)
    }

    /// The account a key controls: the last twenty bytes of the Keccak-256 of its 64 bytes.
    public init(_ key: PublicKey) {
        self.init(truncating: Keccak256.hash(key.bytes))
    }

    /// The last twenty bytes of `word`.
    private init(truncating word: Bytes32) {
        self.word = Bytes32(Self.padding + word.bytes[12...])!
    }

    private static let padding = [UInt8](repeating: 0, count: 12)
    private static let greatest = UInt256(hex: "0xffffffffffffffffffffffffffffffffffffffff")!

    /// The twenty bytes.
    public var bytes: [UInt8] { Array(self.word.bytes.dropFirst(12)) }

    /// `0x` and forty lower-case digits: the form to compare and store.
    public var lowercaseHex: String { self.word.lastBytesHex(20) }

    /// `0x` and forty digits with EIP-55's checksum: the form to show. A letter is upper-case where the digit at its place in
    /// the Keccak-256 of the lower-case digits is 8 or more.
    public var description: String {
        var digits = Array(Hex.encode(self.bytes).utf8)
        let hash = Keccak256.hash(digits).bytes
        for index in digits.indices where digits[index] >= UInt8(ascii: "a") {
            let nibble = index.isMultiple(of: 2) ? hash[index / 2] >> 4 : hash[index / 2] & 15
            if nibble >= 8 { digits[index] -= 0x20 }
        }
        return "0x" + String(decoding: digits, as: UTF8.self)
    }
}

extension RecoverableSignature {
    /// The account that signed `digest`.
    public func signer(of digest: Bytes32) throws(RecoveryError) -> Address {
        Address(try self.recover(digest: digest))
    }
}

extension PrivateKey {
    /// The account this key controls.
    public var address: Address { Address(self.publicKey) }
}

extension ExtendedPublicKey {
    /// The account of the child under `index`. Below `m/44'/60'/0'/0` these are the accounts that wallets show (BIP-44).
    public func address(_ index: UInt32) throws(DerivationError) -> Address {
        Address(try self.child(index).publicKey)
    }
}
