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
            guard let info = try ExtensionEntry(Self.name, in: extensions)?.info else { return nil }
            self.required = try info.optional("required", "true or false", \.bool) ?? false
            self.id =
                info.value("id") == nil
                ? nil : try info.text("id", "16 to 128 of a-z, A-Z, 0-9, _ and -") { Self.isValid($0) ? $0 : nil }
        }

        /// What a server puts into `extensions`.
        public static func declaration(required: Bool) -> JSON {
            ["info": ["required": .bool(required)], "schema": Self.schema]
        }

        /// A client's `extensions`: what the server offered, with `id` in its `info`. Unchanged when the server does not take
        /// one.
        ///
        /// - Parameter id: Must be valid, see ``isValid(_:)``.
        public static func adding(_ id: String, to offered: JSONObject?) -> JSONObject? {
            guard var extensions = offered, var entry = extensions[self.name]?.object, var info = entry["info"]?.object else {
                return offered
            }
            info["id"] = .string(id)
            entry["info"] = .object(info)
            extensions[self.name] = .object(entry)
            return extensions
        }

        /// A new one in the form that the SDKs give it: `pay_` and 32 digits.
        public static func make(_ random: [UInt8]) -> String { "pay_" + Hex.encode(random.prefix(16)) }

        /// JSON Schema 2020-12 of `info`, as the SDKs write it.
        private static let schema: JSON = [
            "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
            "properties": [
                "required": ["type": "boolean"],
                "id": ["type": "string", "minLength": 16, "maxLength": 128, "pattern": "^[a-zA-Z0-9_-]+$"],
            ],
            "required": ["required"],
        ]

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
