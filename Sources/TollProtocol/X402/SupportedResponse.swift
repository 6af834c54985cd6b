// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// What a facilitator can do, its answer to `GET /supported`. One list serves both versions of x402.
public struct SupportedResponse: WireObject {
    /// One combination that can be verified and settled.
    public struct Kind: WireObject {
        /// The object, verbatim.
        public let json: JSONObject
        /// 1 or 2; others may come.
        public let x402Version: Int
        /// `exact` …
        public let scheme: String
        /// CAIP-2 for version 2, the legacy name for version 1.
        public let network: String
        /// What a server must copy into its requirements, by scheme.
        public let extra: JSONObject?

        /// Builds one.
        public init(version: X402Version, scheme: String, network: String, extra: JSONObject? = nil) {
            var json: JSONObject = ["x402Version": version.json, "scheme": .string(scheme), "network": .string(network)]
            json["extra"] = extra.map(JSON.object)
            self.json = json
            self.x402Version = version.rawValue
            self.scheme = scheme
            self.network = network
            self.extra = extra
        }

        /// Reads one.
        public init(_ json: JSONObject, at path: String) throws(WireError) {
            let reader = WireReader(json, at: path)
            self.json = json
            self.x402Version = try reader.count("x402Version")
            self.scheme = try reader.string("scheme")
            self.network = try reader.string("network")
            self.extra = try reader.optionalObject("extra")
        }
    }

    /// The object, verbatim.
    public let json: JSONObject
    /// What can be settled.
    public let kinds: [Kind]
    /// Names of the extensions it knows; version 1 has none.
    public let extensions: [String]
    /// The addresses it sends from, by CAIP-2 family (`eip155:*`); version 1 has none.
    public let signers: [String: [String]]

    /// Builds one; the families stand in alphabetic order.
    public init(kinds: [Kind], extensions: [String], signers: [String: [String]]) {
        var families = JSONObject()
        for (family, addresses) in signers.sorted(by: { $0.key < $1.key }) {
            families[family] = .array(addresses.map(JSON.string))
        }
        self.json = [
            "kinds": .array(kinds.map { .object($0.json) }),
            "extensions": .array(extensions.map(JSON.string)),
            "signers": .object(families),
        ]
        self.kinds = kinds
        self.extensions = extensions
        self.signers = signers
    }

    /// Reads one. A kind that cannot be read is passed over: it is none we could use.
    public init(_ json: JSONObject, at path: String) throws(WireError) {
        let reader = WireReader(json, at: path)
        self.json = json
        (self.kinds, _) = try reader.readableObjects("kinds")
        self.extensions = try reader.optional("extensions", "an array of strings", \.strings) ?? []
        var signers: [String: [String]] = [:]
        let families: JSONObject? = try reader.optionalObject("signers")
        for (family, addresses) in families?.members ?? [] { signers[family] = addresses.strings }
        self.signers = signers
    }
}

extension JSON {
    /// The elements of an array of nothing but strings.
    var strings: [String]? {
        guard let elements = self.array else { return nil }
        let strings = elements.compactMap(\.string)
        return strings.count == elements.count ? strings : nil
    }
}
