// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// The payload of scheme `exact` on EVM chains by EIP-3009, the same in both versions of x402.
/// Source: x402 scheme_exact_evm.md, "PaymentPayload `payload` field".
public struct ExactEVMPayload: WireObject {
    /// The arguments of EIP-3009's `transferWithAuthorization`.
    public struct Authorization: WireObject {
        /// The object, verbatim.
        public let json: JSONObject
        /// The payer: `0x` and 40 digits in the case it came in.
        public let from: String
        /// The payee: `0x` and 40 digits in the case it came in.
        public let to: String
        /// Smallest units.
        public let value: UInt256
        /// Seconds since 1970 that must lie in the past.
        public let validAfter: UInt256
        /// Seconds since 1970 that must lie in the future.
        public let validBefore: UInt256
        /// Chosen by the payer, used once.
        public let nonce: Bytes32

        /// Builds one; numbers become decimal strings. Addresses are `0x` and 40 digits.
        public init(from: String, to: String, value: UInt256, validAfter: UInt256, validBefore: UInt256, nonce: Bytes32) {
            self.json = [
                "from": .string(from), "to": .string(to), "value": .string(value.description),
                "validAfter": .string(validAfter.description), "validBefore": .string(validBefore.description),
                "nonce": .string(nonce.description),
            ]
            self.from = from
            self.to = to
            self.value = value
            self.validAfter = validAfter
            self.validBefore = validBefore
            self.nonce = nonce
        }

        /// Reads one. The times may be JSON numbers, as some clients send them; the value may not.
        public init(_ json: JSONObject, at path: String) throws(WireError) {
            let reader = WireReader(json, at: path)
            self.json = json
            self.from = try reader.address("from")
            self.to = try reader.address("to")
            self.value = try reader.amount("value")
            self.validAfter = try reader.seconds("validAfter")
            self.validBefore = try reader.seconds("validBefore")
            self.nonce = try reader.text("nonce", "32 bytes as hexadecimal text", Bytes32.init(hex:))
        }
    }

    /// Longest signature in bytes: 65 for a key; a wallet that is still to be deployed (ERC-6492) adds its creation code.
    public static let signatureSizeMax = 16 * 1024

    /// The object, verbatim.
    public let json: JSONObject
    /// The signature: 65 bytes of a key, or whatever the payer's contract understands (ERC-1271, ERC-6492).
    public let signature: [UInt8]
    /// What was signed.
    public let authorization: Authorization

    /// Builds one.
    public init(signature: [UInt8], authorization: Authorization) {
        self.json = ["signature": .string(Hex.encodePrefixed(signature)), "authorization": .object(authorization.json)]
        self.signature = signature
        self.authorization = authorization
    }

    /// Reads one.
    public init(_ json: JSONObject, at path: String) throws(WireError) {
        let reader = WireReader(json, at: path)
        self.json = json
        self.signature = try reader.text("signature", "1 to \(Self.signatureSizeMax) bytes as hexadecimal text") { text in
            guard text.utf8.count <= 2 + 2 * Self.signatureSizeMax, let bytes = Hex.decode(text), !bytes.isEmpty,
                bytes.count <= Self.signatureSizeMax
            else { return nil }
            return bytes
        }
        self.authorization = try reader.object("authorization")
    }

    /// The signature as it came.
    public var signatureText: String { self.json["signature"]?.string ?? "" }
}

extension WireReader {
    fileprivate func seconds(_ name: String) throws(WireError) -> UInt256 {
        let expected = "seconds since 1970 as a decimal string"
        let digits = try self.required(name, expected) { json in
            switch json {
            case .string(let text), .number(let text): text
            default: nil
            }
        }
        guard let seconds = UInt256(decimal: digits) else { throw self.malformed(name, expected) }
        return seconds
    }
}
