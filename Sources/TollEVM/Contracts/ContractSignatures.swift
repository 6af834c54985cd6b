// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// What kind of account its code makes it, which decides how its signatures are checked.
public enum AccountCode: Hashable, Sendable {
    /// No code: a plain account, which signs with its key. It may yet become a contract.
    case none
    /// A plain account that runs a contract's code (EIP-7702): 0xef0100 and the contract's address.
    case delegated(to: Address)
    /// A contract.
    case contract

    /// Reads what `eth_getCode` answered.
    public init(_ code: [UInt8]) {
        if code.isEmpty {
            self = .none
        } else if code.count == 23, code.starts(with: [0xEF, 0x01, 0x00]), let delegate = Address(code.dropFirst(3)) {
            self = .delegated(to: delegate)
        } else {
            self = .contract
        }
    }
}

/// Signatures that a contract checks (ERC-1271).
public enum ERC1271 {
    /// Selector of `isValidSignature(bytes32,bytes)`, and what it returns for a valid one.
    public static let magic = ABI.selector("isValidSignature(bytes32,bytes)")

    /// Calldata of `isValidSignature(digest, signature)`.
    public static func calldata(digest: Bytes32, signature: [UInt8]) -> [UInt8] {
        ABI.encodeCall(magic, [.word(digest), .bytes(signature)])
    }

    /// Whether the contract said yes: a word that starts with the magic and is zero after it. An account without code returns
    /// nothing, which is no.
    public static func isValid(returned data: [UInt8]) -> Bool {
        data.prefix(32).elementsEqual(magic + [UInt8](repeating: 0, count: 28))
    }
}

/// A signature of a contract that may not exist yet, with the call that creates it (ERC-6492).
public struct ERC6492Signature: Hashable, Sendable {
    /// Whom to call so that the contract exists.
    public let factory: Address
    /// What to call it with.
    public let factoryCalldata: [UInt8]
    /// The signature for the contract to check.
    public let signature: [UInt8]

    /// Nil unless `wrapped` is the ABI of the three members, canonical, and the magic suffix.
    public init?(_ wrapped: [UInt8]) {
        guard Self.isWrapped(wrapped),
            let values = try? ABI.decodeCanonical([.word, .bytes, .bytes], from: Array(wrapped.dropLast(32))),
            let factory = values[0].address, let factoryCalldata = values[1].bytes, let signature = values[2].bytes
        else { return nil }
        self.factory = factory
        self.factoryCalldata = factoryCalldata
        self.signature = signature
    }

    /// Whether `signature` ends with the magic suffix, and so must be read as ERC-6492 or refused.
    public static func isWrapped(_ signature: [UInt8]) -> Bool {
        signature.suffix(32).elementsEqual(suffix)
    }

    /// 0x6492 sixteen times.
    private static let suffix = [UInt8]((0..<32).map { $0.isMultiple(of: 2) ? 0x64 : 0x92 })
}
