// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

extension TransferProof {
    /// What a client shows: the transaction that holds its transfer. Well formed, nothing verified.
    public struct Proof: Hashable, Sendable {
        /// The transaction.
        public let txHash: Bytes32
        /// Its chain.
        public let chainID: UInt64
        /// Its block; a hint.
        public let blockNumber: UInt64?
        /// Who was paid: `0x` and 40 digits in the case they came in; a hint.
        public let recipient: String?
        /// What was paid for. Without it nothing is bought under any binding: the hash alone is public.
        public let reference: Reference?
        /// Over ``TransferProof/message(reference:txHash:)``: 65 bytes of a key, or what the sender's contract understands
        /// (ERC-1271).
        public let signature: [UInt8]?

        /// The most bytes of JSON or form: a signature of ``TransferProof/signatureSizeMax`` with everything beside it fits.
        public static let sizeMax = 4096
        /// The most bytes of a field: ``sizeMax`` in base64.
        public static let fieldSizeMax = (sizeMax + 2) / 3 * 4

        /// Puts a proof together. What is nil is left out.
        public init(
            txHash: Bytes32, chainID: UInt64, blockNumber: UInt64? = nil, recipient: String? = nil, reference: Reference? = nil,
            signature: [UInt8]? = nil
        ) {
            self.txHash = txHash
            self.chainID = chainID
            self.blockNumber = blockNumber
            self.recipient = recipient
            self.reference = reference
            self.signature = signature
        }

        /// Reads the value of a field: JSON, which begins with a brace; a form, which has `=` before its end; otherwise base64 of
        /// JSON, in either alphabet, padded or not.
        public init(fieldValue: some StringProtocol) throws(WireError) {
            let text = String(fieldValue).trimmed
            guard text.utf8.count <= Self.fieldSizeMax else {
                throw WireError(.tooLarge, path: "", problem: "is too large", expected: "at most \(Self.sizeMax) bytes")
            }
            if text.utf8.first == UInt8(ascii: "{") {
                try self.init(PaymentHeader.object(parsing: Array(text.utf8), sizeMax: Self.sizeMax))
            } else if text.utf8.contains(UInt8(ascii: "&")) || Self.hasInnerEquals(text) {
                try self.init(TransferProofForm.object(parsing: text, sizeMax: Self.sizeMax))
            } else {
                guard !text.isEmpty, let bytes = Base64.decode(text) else {
                    let expected = "JSON, base64 of JSON, or a form, with txHash and chainId"
                    throw WireError(.notBase64, path: "", problem: "is no proof of a transfer", expected: expected)
                }
                try self.init(PaymentHeader.object(parsing: bytes, sizeMax: Self.sizeMax))
            }
        }

        /// Reads the object. Unknown members are ignored.
        public init(_ json: JSONObject) throws(WireError) {
            let reader = WireReader(json, at: "")
            self.txHash = try reader.text("txHash", TransferProofGrammar.hash, TransferProofGrammar.txHash)
            guard let chainID = TransferProofGrammar.chainID(try reader.quantity("chainId", TransferProofGrammar.chain)) else {
                throw reader.malformed("chainId", TransferProofGrammar.chain)
            }
            self.chainID = chainID
            self.blockNumber =
                reader.value("blockNumber") == nil ? nil : try reader.quantity("blockNumber", "the number of a block")
            self.recipient = reader.value("recipient") == nil ? nil : try reader.address("recipient")
            self.reference = try reader.optionalText("reference", "32 lower-case hexadecimal digits") { Reference($0) }
            self.signature = try reader.optionalText(
                "signature", TransferProofGrammar.signatureForm, TransferProofGrammar.signature)
        }

        /// The proof among a request's fields; nil when none of ``TransferProof/proofFields`` is there. Several are taken only
        /// when they say the same, since otherwise it would be up to the reader which one counts. The error's path begins with
        /// the field's name.
        ///
        /// - Parameter values: the value or values of a field.
        public static func read(_ values: (String) -> [String]) throws(WireError) -> Proof? {
            var found: Proof?
            for field in TransferProof.proofFields {
                for value in values(field) {
                    let proof: Proof
                    do throws(WireError) {
                        proof = try Proof(fieldValue: value)
                    } catch {
                        throw error.under(field)
                    }
                    guard found == nil || found == proof else {
                        let expected = "one proof, or the same in each field"
                        throw WireError(.malformed, path: field, problem: "differs from another proof", expected: expected)
                    }
                    found = proof
                }
            }
            return found
        }

        /// The object.
        public var json: JSONObject {
            var json: JSONObject = ["txHash": .string(self.txHash.description), "chainId": .integer(self.chainID)]
            json["blockNumber"] = self.blockNumber.map(JSON.integer)
            json["recipient"] = self.recipient.map(JSON.string)
            json["reference"] = self.reference.map { .string($0.text) }
            json["signature"] = self.signature.map { .string(Hex.encodePrefixed($0)) }
            return json
        }

        /// The value of a field: base64 of the JSON.
        public var fieldValue: String { PaymentHeader.encode(self.json) }

        /// Padding ends base64; any other equals sign belongs to a form.
        private static func hasInnerEquals(_ text: String) -> Bool {
            let unpadded = text.utf8.reversed().drop { $0 == UInt8(ascii: "=") }
            return unpadded.contains(UInt8(ascii: "="))
        }
    }
}

extension String {
    /// Without spaces and tabs at its ends, which are no part of a field's value (RFC 9110 §5.5).
    fileprivate var trimmed: String {
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
        return String(decoding: self.utf8.drop(while: isSpace).reversed().drop(while: isSpace).reversed(), as: UTF8.self)
    }
}
