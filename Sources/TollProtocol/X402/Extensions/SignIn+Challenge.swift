// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

extension X402V2.SignIn {
    /// A chain whose accounts may sign in.
    public struct SupportedChain: Hashable, Sendable {
        /// The chain.
        public let id: ChainID
        /// How its accounts sign.
        public let type: SignatureType

        /// A chain and how its accounts sign.
        public init(_ id: ChainID, _ type: SignatureType) {
            self.id = id
            self.type = type
        }
    }

    /// The server's invitation to sign in: `extensions["sign-in-with-x"]` of a challenge.
    public struct Challenge: Hashable, Sendable {
        /// What is to be signed.
        public let info: Info
        /// With accounts of which chains. What this program does not know is left out.
        public let chains: [SupportedChain]

        /// Puts both together.
        public init(_ info: Info, chains: [SupportedChain]) {
            self.info = info
            self.chains = chains
        }

        /// Reads the entry; nil when the extension is absent.
        public init?(extensions: JSONObject?) throws(WireError) {
            guard let entry = try ExtensionEntry(X402V2.SignIn.name, in: extensions) else { return nil }
            self.info = try Info(entry.info)
            let chains = try entry.members.required("supportedChains", "an array of objects", \.array)
            self.chains = chains.compactMap { chain in
                guard let id = chain["chainId"]?.string.flatMap({ ChainID($0) }),
                    let type = chain["type"]?.string.flatMap(SignatureType.init(rawValue:))
                else { return nil }
                return SupportedChain(id, type)
            }
        }

        /// The entry.
        public var json: JSON {
            var info: JSONObject = [:]
            self.info.write(to: &info)
            let chains = self.chains.map { chain -> JSON in
                ["chainId": .string(chain.id.description), "type": .string(chain.type.rawValue)]
            }
            return ["info": .object(info), "supportedChains": .array(chains), "schema": Self.schema]
        }

        /// JSON Schema 2020-12 of a proof, as the SDKs write it.
        private static let schema: JSON = {
            let (text, time, uri): (JSON, JSON, JSON) = (
                ["type": "string"], ["type": "string", "format": "date-time"], ["type": "string", "format": "uri"]
            )
            return [
                "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
                "properties": [
                    "domain": text, "address": text, "statement": text, "uri": uri, "version": text, "chainId": text,
                    "type": text,
                    "nonce": text, "issuedAt": time, "expirationTime": time, "notBefore": time, "requestId": text,
                    "resources": ["type": "array", "items": uri], "signature": text,
                ],
                "required": ["domain", "address", "uri", "version", "chainId", "type", "nonce", "issuedAt", "signature"],
            ]
        }()
    }
}
