// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// Makes and reads the tokens of passes: `tgp_` and, in base64url, what the pass says under a code that only the holder of the
/// key can make. Whoever brings a token may use it; there is nothing to look up.
///
///     version 1 · key 4 · route 8 · end 5 · payment 32 · length of the chain 1 · chain · payer · HMAC-SHA-256 of all that 32
public struct PassKeys: Sendable {
    /// HMAC-SHA-256 under one key.
    public typealias Authenticate = @Sendable (_ message: [UInt8]) -> Bytes32

    /// What every token begins with.
    public static let prefix = Array("tgp_".utf8)
    /// No token is longer: what it consists of has limits of its own, and a header line has room for it.
    public static let tokenByteCountMax = 512

    private static let version: UInt8 = 1
    private static let codeByteCount = 32
    /// Up to the text of the chain.
    private static let startByteCount = 1 + 4 + 8 + 5 + 32 + 1
    /// No token says this, since its first byte is the version.
    private static let nameOfKey = Array("the name of a key for passes".utf8)

    private struct Key {
        let name: [UInt8]
        let authenticate: Authenticate

        init(_ authenticate: @escaping Authenticate) {
            self.name = Array(authenticate(PassKeys.nameOfKey).bytes.prefix(4))
            self.authenticate = authenticate
        }
    }

    private let first: Key
    private let others: [Key]

    /// Keys for passes.
    ///
    /// - Parameters:
    ///   - first: Signs new passes.
    ///   - others: Keys under which older passes are still good.
    public init(_ first: @escaping Authenticate, _ others: [Authenticate] = []) {
        self.first = Key(first)
        self.others = others.map { Key($0) }
    }

    /// The token of `pass`. The same pass has the same token under the same key.
    public func token(for pass: Pass) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.startByteCount + 41 + pass.payer.utf8.count + Self.codeByteCount)
        bytes.append(Self.version)
        bytes.append(contentsOf: self.first.name)
        bytes.append(contentsOf: (0..<8).map { UInt8(truncatingIfNeeded: pass.route >> (56 - 8 * $0)) })
        bytes.append(contentsOf: (0..<5).map { UInt8(truncatingIfNeeded: pass.expires >> (32 - 8 * $0)) })
        bytes.append(contentsOf: pass.payment.digest.bytes)
        let network = pass.network.utf8
        bytes.append(UInt8(network.count))
        bytes.append(contentsOf: network)
        bytes.append(contentsOf: pass.payer.utf8)
        bytes.append(contentsOf: self.first.authenticate(bytes).bytes)
        return String(decoding: Self.prefix, as: UTF8.self) + Base64.encodeURL(bytes)
    }

    /// The pass of a token; nil when none of our keys has made it. Whether it is over, and which route it opens, it says itself.
    public func pass(of token: ArraySlice<UInt8>) -> Pass? {
        guard token.count <= Self.tokenByteCountMax, token.starts(with: Self.prefix) else { return nil }
        let text = token.dropFirst(Self.prefix.count)
        // One pass has one token: no padding, and not the other alphabet.
        guard !text.contains(where: { $0 == 0x3D || $0 == 0x2B || $0 == 0x2F }), let bytes = Base64.decode(text),
            bytes.count > Self.startByteCount + Self.codeByteCount, bytes[0] == Self.version
        else { return nil }
        let end = bytes.count - Self.codeByteCount
        guard self.isOurs(bytes[..<end], code: Array(bytes[end...]), key: bytes[1..<5]) else { return nil }
        return Self.pass(in: bytes[..<end])
    }

    private func isOurs(_ message: ArraySlice<UInt8>, code: [UInt8], key name: ArraySlice<UInt8>) -> Bool {
        func made(by key: Key) -> Bool {
            name.elementsEqual(key.name) && constantTimeEquals(key.authenticate(Array(message)).bytes, code)
        }
        return made(by: self.first) || self.others.contains(where: made)
    }

    /// What bytes of ours say.
    private static func pass(in bytes: ArraySlice<UInt8>) -> Pass? {
        let networkEnd = self.startByteCount + Int(bytes[self.startByteCount - 1])
        guard networkEnd < bytes.endIndex, let payment = Bytes32(bytes[18..<50]) else { return nil }
        return Pass(
            route: bytes[5..<13].reduce(0) { $0 << 8 | UInt64($1) },
            expires: bytes[13..<18].reduce(0) { $0 << 8 | Int64($1) },
            payment: PaymentID(payment),
            networkText: String(decoding: bytes[self.startByteCount..<networkEnd], as: UTF8.self),
            payer: String(decoding: bytes[networkEnd...], as: UTF8.self))
    }
}
