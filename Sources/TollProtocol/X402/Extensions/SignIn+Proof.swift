// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

extension X402V2.SignIn {
    /// A signed text and who signed it: what `SIGN-IN-WITH-X` carries. Well formed, not verified.
    public struct Proof: Hashable, Sendable {
        /// What was signed.
        public let info: Info
        /// The account as its chain writes it.
        public let address: String
        /// The account's chain.
        public let chain: ChainID
        /// How the account signs.
        public let type: SignatureType
        /// What kind of signature the client says it is: `eip1271` …; a hint.
        public let scheme: String?
        /// The signature as its chain writes it: hexadecimal text for EVM.
        public let signature: String

        /// Puts a proof together.
        public init(_ info: Info, address: String, chain: SupportedChain, signature: String) {
            self.info = info
            self.address = address
            self.chain = chain.id
            self.type = chain.type
            self.scheme = nil
            self.signature = signature
        }

        /// Reads the text of the field.
        public init(headerValue: some StringProtocol) throws(WireError) {
            try self.init(PaymentHeader.decode(headerValue, sizeMax: X402V2.SignIn.sizeMax))
        }

        /// Reads the object.
        public init(_ json: JSONObject) throws(WireError) {
            let reader = WireReader(json, at: "")
            self.info = try Info(reader)
            self.address = try reader.text("address", "an account of at most 128 letters and digits") {
                $0.utf8.count <= 128 ? SignInGrammar.nonce($0) : nil
            }
            self.chain = try reader.text("chainId", "a CAIP-2 chain such as eip155:8453", ChainID.init)
            self.type = try reader.text("type", "eip191 or ed25519", SignatureType.init(rawValue:))
            self.scheme = try reader.optionalText("signatureScheme", "one line", SignInGrammar.line)
            self.signature = try reader.text("signature", "the text of a signature") { $0.isEmpty ? nil : $0 }
        }

        /// The object, members in the SDKs' order.
        public var json: JSONObject {
            var info: JSONObject = [:]
            self.info.write(to: &info)
            var json: JSONObject = [:]
            for (name, value) in info.members {
                json[name] = value
                if name == "domain" { json["address"] = .string(self.address) }
                if name == "version" {
                    json["chainId"] = .string(self.chain.description)
                    json["type"] = .string(self.type.rawValue)
                }
            }
            json["signatureScheme"] = self.scheme.map(JSON.string)
            json["signature"] = .string(self.signature)
            return json
        }

        /// The text of the field.
        public var headerValue: String { PaymentHeader.encode(self.json) }
    }
}
