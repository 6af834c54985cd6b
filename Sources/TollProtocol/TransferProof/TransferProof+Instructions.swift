// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

extension TransferProof {
    /// What a 402 asks for: which transfer, by when, and how it is told from others.
    ///
    /// Whatever stands in one keeps its member's grammar: addresses and numbers are digits, texts hold no control characters.
    /// So no member can break out of the field, form or object that it is printed into.
    public struct Instructions: Hashable, Sendable {
        /// What the payment is known by.
        public let reference: Reference
        /// Who is paid: `0x` and 40 digits.
        public let recipient: String
        /// What is due, in the token's smallest unit.
        public let amount: UInt256
        /// The token's code, as `USDC`: for people.
        public let currency: String
        /// The number of decimals of ``currency``: for people.
        public let decimals: UInt8
        /// The token's contract: `0x` and 40 digits.
        public let asset: String
        /// The chain's number: 8453 is Base.
        public let chainID: UInt64
        /// What is paid for: an absolute URL.
        public let resource: String
        /// The transfer's block is to be no later than this, in seconds since 1970.
        public let expires: Int64
        /// An ERC-681 link of the same transfer, as it was printed by whoever made the instructions.
        public let paymentURI: String
        /// How the transfer is bound to the reference.
        public let bind: Binding
        /// Who vouches for the instructions: the recipient's account, or one that the origin lists at `/.well-known/x402`.
        public let signer: String?
        /// The signer's, over everything else (EIP-712).
        public let signature: [UInt8]?

        /// The longest ``resource``, in bytes.
        public static let resourceSizeMax = 16 * 1024
        /// The longest ``currency``, in bytes.
        public static let currencySizeMax = 32

        /// Instructions without a signature, unless both `signer` and `signature` are given. The error names the member that does
        /// not keep its grammar.
        ///
        /// - Parameter paymentURI: a link of the same transfer; by default its shortest form.
        public init(
            reference: Reference, recipient: String, amount: UInt256, currency: String, decimals: UInt8, asset: String,
            chainID: UInt64, resource: String, expires: Int64, bind: Binding, paymentURI: String? = nil, signer: String? = nil,
            signature: [UInt8]? = nil
        ) throws(WireError) {
            var json: JSONObject = [
                "reference": .string(reference.text), "recipient": .string(recipient), "amount": .string(amount.description),
                "currency": .string(currency), "decimals": .integer(decimals), "asset": .string(asset),
                "chainId": .integer(chainID), "network": .string(ChainID(eip155: chainID).description),
                "resource": .string(resource), "expires": .integer(expires),
            ]
            let link = PaymentLink(asset: asset, chainID: chainID, recipient: recipient, amount: amount)
            json["paymentUri"] = .string(paymentURI ?? link?.description ?? "")
            json["bind"] = .string(bind.rawValue)
            json["signer"] = signer.map(JSON.string)
            json["signature"] = signature.map { .string(Hex.encodePrefixed($0)) }
            try self.init(json)
        }

        /// Reads the object, which stands at `path` of a larger one ("" for none). `network` and `paymentUri` must say what the
        /// other members say. Unknown members are ignored.
        public init(_ json: JSONObject, at path: String = "") throws(WireError) {
            let reader = WireReader(json, at: path)
            self.reference = try reader.text("reference", "32 lower-case hexadecimal digits") { Reference($0) }
            self.recipient = try reader.address("recipient")
            self.amount = try reader.amount("amount")
            self.currency = try reader.text("currency", "a token's code", Self.currency)
            let decimals = try reader.whole("decimals", "a whole number up to 255")
            guard let decimals = UInt8(exactly: decimals) else { throw reader.malformed("decimals", "a whole number up to 255") }
            self.decimals = decimals
            self.asset = try reader.address("asset")
            guard let chainID = TransferProofGrammar.chainID(try reader.whole("chainId", TransferProofGrammar.chain)) else {
                throw reader.malformed("chainId", TransferProofGrammar.chain)
            }
            self.chainID = chainID
            _ = try reader.text("network", "the CAIP-2 name of chainId") {
                ChainID($0) == ChainID(eip155: chainID) ? $0 : nil
            }
            self.resource = try reader.text("resource", "an absolute URL", Self.resource)
            guard let expires = Int64(exactly: try reader.whole("expires", "seconds since 1970")) else {
                throw reader.malformed("expires", "seconds since 1970")
            }
            self.expires = expires
            let link = PaymentLink(asset: self.asset, chainID: chainID, recipient: self.recipient, amount: self.amount)
            self.paymentURI = try reader.text("paymentUri", "an ERC-681 link of the same transfer") { text in
                guard let link, PaymentLink(parsing: text)?.agrees(with: link) == true else { return nil }
                return text
            }
            self.bind = try reader.text("bind", "signature, amount or address", Binding.init(rawValue:))
            // One without the other is an error: a signature must not be lost by leaving out whose it is.
            let isSigned = reader.value("signer") != nil || reader.value("signature") != nil
            self.signer = isSigned ? try reader.address("signer") : nil
            self.signature =
                isSigned
                ? try reader.text("signature", TransferProofGrammar.signatureForm, TransferProofGrammar.signature) : nil
        }

        /// The same with a signature.
        ///
        /// - Parameter signature: over everything else and `signer`.
        public func signed(by signer: String, _ signature: [UInt8]) throws(WireError) -> Instructions {
            var json = self.json
            json["signer"] = .string(signer)
            json["signature"] = .string(Hex.encodePrefixed(signature))
            return try Instructions(json)
        }

        /// The network by its CAIP-2 name.
        public var network: ChainID { ChainID(eip155: self.chainID) }

        /// The object, members in the order of the documentation.
        public var json: JSONObject {
            var json: JSONObject = [
                "reference": .string(self.reference.text), "recipient": .string(self.recipient),
                "amount": .string(self.amount.description), "currency": .string(self.currency),
                "decimals": .integer(self.decimals), "asset": .string(self.asset), "chainId": .integer(self.chainID),
                "network": .string(self.network.description), "resource": .string(self.resource),
                "expires": .integer(self.expires), "paymentUri": .string(self.paymentURI), "bind": .string(self.bind.rawValue),
            ]
            json["signer"] = self.signer.map(JSON.string)
            json["signature"] = self.signature.map { .string(Hex.encodePrefixed($0)) }
            return json
        }

        /// Members in which JSON has numbers; a form has only text.
        static let numbers: Set<String> = ["decimals", "chainId", "expires"]

        private static func resource(_ text: String) -> String? {
            let isURL = text.utf8.starts(with: "https://".utf8) || text.utf8.starts(with: "http://".utf8)
            return isURL && text.utf8.count <= self.resourceSizeMax && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
                ? text : nil
        }

        /// Letters, digits and signs of any script, since there is a token USD₮0; nothing invisible.
        private static func currency(_ text: String) -> String? {
            let isVisible = text.unicodeScalars.allSatisfy { scalar in
                switch scalar.properties.generalCategory {
                case .control, .format, .surrogate, .privateUse, .unassigned, .spaceSeparator, .lineSeparator,
                    .paragraphSeparator, .nonspacingMark, .spacingMark, .enclosingMark:
                    false
                default: true
                }
            }
            return (1...self.currencySizeMax).contains(text.utf8.count) && isVisible ? text : nil
        }
    }
}
