// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

extension X402V2 {
    /// The extension `payment-identifier`: a client's own name for a payment, so that a repeat is known as one.
    /// Source: x402 specs/extensions/payment_identifier.md.
    public struct PaymentIdentifier: Hashable, Sendable {
        /// The key in `extensions`.
        public static let name = "payment-identifier"

        /// Whether the server wants one; as said by the server, or given back by the client.
        public let required: Bool
        /// 16 to 128 of `a-zA-Z0-9_-`; nil in a challenge, and when the client gave none.
        public let id: String?

        /// Reads `extensions["payment-identifier"].info`; nil when the extension is absent.
        public init?(extensions: JSONObject?) throws(WireError) {
            guard let extensions, let entry = extensions[Self.name] else { return nil }
            let path = "extensions.\(Self.name)"
            guard let entry = entry.object else {
                throw WireError(.wrongType, path: path, problem: "is \(entry.typeName)", expected: "an object")
            }
            let info = try WireReader(entry, at: path).required("info", "an object", \.object)
            let reader = WireReader(info, at: path + ".info")
            self.required = try reader.optional("required", "true or false", \.bool) ?? false
            self.id =
                reader.value("id") == nil
                ? nil : try reader.text("id", "16 to 128 of a-z, A-Z, 0-9, _ and -") { Self.isValid($0) ? $0 : nil }
        }

        /// Whether `id` keeps the format.
        public static func isValid(_ id: String) -> Bool {
            (16...128).contains(id.utf8.count)
                && id.utf8.allSatisfy { byte in
                    switch byte {
                    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"): true
                    default: false
                    }
                }
        }
    }
}
