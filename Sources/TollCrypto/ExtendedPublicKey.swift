// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// A public key from which others are derived without the private one (BIP-32): `xpub…`, `tpub…`.
///
/// Whoever knows it knows every key below it, though none of their private halves, so it is not printed.
public struct ExtendedPublicKey: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    /// Why a text is no extended public key. None quotes the text.
    public enum ParseError: Error, Hashable, Sendable, CustomStringConvertible {
        /// It is an extended **private** key. It should not have been shown to anyone: nothing here takes one.
        case privateKey
        /// Not Base58, or not of 82 bytes.
        case notBase58
        /// The last four bytes do not fit the others: something is mistyped.
        case wrongChecksum
        /// A version other than `xpub` and `tpub`, such as SLIP-132's `ypub` and `zpub`.
        case unknownVersion
        /// What stands for the key is no point of the curve in its compressed form.
        case malformedKey
        /// Depth 0, which has neither parent nor number, with one of them.
        case malformedRoot

        /// What is wrong, and what to give instead.
        public var description: String {
            switch self {
            case .privateKey: "is an extended private key; give the public one (xpub…), and keep this one away from servers"
            case .notBase58: "is not an extended public key; expected xpub… or tpub…, 111 characters of Base58"
            case .wrongChecksum: "has a wrong checksum: a character is mistyped or missing"
            case .unknownVersion: "is of another version; expected xpub… or tpub…"
            case .malformedKey: "holds no public key of secp256k1"
            case .malformedRoot: "is a root with a parent or a number, which a root has not"
            }
        }
    }

    /// Why there is no child.
    public enum DerivationError: Error, Hashable, Sendable, CustomStringConvertible {
        /// An index from 2^31 on: hardened, which takes the private key.
        case hardened
        /// There are 255 levels below the root already.
        case tooDeep
        /// There is no key under this index, one in 2^127 (BIP-32, "Public parent key → public child key"): take the next one.
        case noSuchKey

        /// What is wrong, and what to do.
        public var description: String {
            switch self {
            case .hardened: "indices from 2^31 on are hardened and need the private key"
            case .tooDeep: "the key lies at depth 255, below which there is none"
            case .noSuchKey: "there is no key under this index: take the next one"
            }
        }
    }

    /// Indices from here on are hardened.
    public static let hardenedIndex: UInt32 = 1 << 31

    /// The key itself.
    public let publicKey: PublicKey
    /// What children are derived with beside the key.
    public let chainCode: Bytes32
    /// How many steps it lies below the root.
    public let depth: UInt8
    /// Its index below its parent; 0 for a root, from 2^31 on where the step was a hardened one.
    public let childNumber: UInt32

    /// Reads the text that wallets show: Base58 of 78 bytes and a checksum (BIP-32, "Serialization format").
    public init(parsing text: some StringProtocol) throws(ParseError) {
        guard let bytes = Base58.decode(text), bytes.count == 82 else { throw .notBase58 }
        let version = Array(bytes[..<4])
        // Before the checksum: a private key with a typing error is one as well.
        guard !Self.privateVersions.contains(version) else { throw .privateKey }
        guard SHA256.hash(SHA256.hash(Array(bytes[..<78])).bytes).bytes.starts(with: bytes[78...]) else { throw .wrongChecksum }
        guard Self.publicVersions.contains(version) else { throw .unknownVersion }
        let childNumber = bytes[9..<13].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard bytes[4] > 0 || (childNumber == 0 && bytes[5..<9].allSatisfy { $0 == 0 }) else { throw .malformedRoot }
        guard let chainCode = Bytes32(bytes[13..<45]), let key = PublicKey(compressed: Array(bytes[45..<78])) else {
            throw .malformedKey
        }
        self.init(publicKey: key, chainCode: chainCode, depth: bytes[4], childNumber: childNumber)
    }

    private init(publicKey: PublicKey, chainCode: Bytes32, depth: UInt8, childNumber: UInt32) {
        self.publicKey = publicKey
        self.chainCode = chainCode
        self.depth = depth
        self.childNumber = childNumber
    }

    /// The child under `index`, which must not be hardened (BIP-32, CKDpub).
    public func child(_ index: UInt32) throws(DerivationError) -> ExtendedPublicKey {
        guard index < Self.hardenedIndex else { throw .hardened }
        guard self.depth < .max else { throw .tooDeep }
        let number = (0..<4).map { UInt8(truncatingIfNeeded: index >> (24 - 8 * $0)) }
        let derived = HMACSHA512.authenticate(self.publicKey.compressed + number, key: self.chainCode.bytes)
        guard let tweak = Bytes32(derived[..<32]), let chainCode = Bytes32(derived[32...]),
            let key = self.publicKey.adding(tweak: tweak)
        else { throw .noSuchKey }
        return ExtendedPublicKey(publicKey: key, chainCode: chainCode, depth: self.depth + 1, childNumber: index)
    }

    /// The key at `path` below this one: `[0, 7]` is the child 7 of the child 0.
    public func descendant(_ path: [UInt32]) throws(DerivationError) -> ExtendedPublicKey {
        var key = self
        for index in path { key = try key.child(index) }
        return key
    }

    /// Its depth, and nothing that others could be derived from.
    public var description: String { "<extended public key at depth \(self.depth)>" }
    /// No children, so that `dump` shows nothing.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }

    /// `xpub` and `tpub`.
    private static let publicVersions: [[UInt8]] = [[0x04, 0x88, 0xB2, 0x1E], [0x04, 0x35, 0x87, 0xCF]]
    /// `xprv` and `tprv`, and SLIP-132's `yprv`, `zprv`, `uprv` and `vprv`.
    private static let privateVersions: [[UInt8]] = [
        [0x04, 0x88, 0xAD, 0xE4], [0x04, 0x35, 0x83, 0x94], [0x04, 0x9D, 0x78, 0x78], [0x04, 0xB2, 0x43, 0x0C],
        [0x04, 0x4A, 0x4E, 0x28], [0x04, 0x5F, 0x18, 0xBC],
    ]
}
