// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

extension TransferProof {
    /// In what the body of a 402 may carry the instructions; the client's `Accept` chooses.
    public enum Format: String, Hashable, Sendable, CaseIterable {
        /// Flat in the extension ``TransferProof/name`` of an x402 v2 object.
        case json = "application/json"
        /// A JSON object of the instructions alone.
        case paymentRequest = "application/payment-request"
        /// A form of the instructions alone.
        case form = "application/x-www-form-urlencoded"
    }
}

extension TransferProof.Instructions {
    /// The body of an answer that carries the instructions alone. For ``TransferProof/Format/json`` it is the object that stands
    /// in the extension.
    ///
    /// - Parameter more: members to put after them, such as ``TransferProof/Status/challengeMembers``; one that the instructions
    ///   have as well is left out. In a form, arrays and objects are JSON text.
    public func body(as format: TransferProof.Format, with more: JSONObject = [:]) -> [UInt8] {
        var json = self.json
        for (name, value) in more.members where json[name] == nil { json[name] = value }
        switch format {
        case .json, .paymentRequest: return JSON.object(json).utf8
        case .form: return Array(FormText.encode(json.members.map { ($0.name, $0.value.string ?? $0.value.text) }).utf8)
        }
    }

    /// Reads a body of at most `sizeMax` bytes.
    public init(
        body: [UInt8], as format: TransferProof.Format, sizeMax: Int = PaymentHeader.bodySizeMax
    ) throws(WireError) {
        switch format {
        case .json, .paymentRequest:
            try self.init(PaymentHeader.object(parsing: body, sizeMax: sizeMax))
        case .form:
            let text = String(decoding: body.prefix(sizeMax + 1), as: UTF8.self)
            try self.init(TransferProofForm.object(parsing: text, sizeMax: sizeMax, numbers: Self.numbers))
        }
    }

    /// Puts the instructions into an x402 v2 object: flat in its extension ``TransferProof/name``, and `paymentUri` and `amount`
    /// at the top, where clients look that know no extensions.
    public func write(to paymentRequired: inout JSONObject) {
        var extensions = paymentRequired["extensions"]?.object ?? [:]
        extensions[TransferProof.name] = .object(self.json)
        paymentRequired["extensions"] = .object(extensions)
        paymentRequired["paymentUri"] = .string(self.paymentURI)
        paymentRequired["amount"] = .string(self.amount.description)
    }

    /// Reads the extension ``TransferProof/name`` of an x402 v2 object's `extensions`; nil when it is absent.
    public init?(extensions: JSONObject?) throws(WireError) {
        guard let extensions else { return nil }
        guard let json = try WireReader(extensions, at: "extensions").optional(TransferProof.name, "an object", \.object) else {
            return nil
        }
        try self.init(json, at: "extensions.\(TransferProof.name)")
    }
}

/// Forms read as the JSON objects they stand for.
enum TransferProofForm {
    /// - Parameter numbers: members that are numbers in JSON.
    static func object(parsing text: String, sizeMax: Int, numbers: Set<String> = []) throws(WireError) -> JSONObject {
        guard text.utf8.count <= sizeMax else {
            throw WireError(.tooLarge, path: "", problem: "is too large", expected: "at most \(sizeMax) bytes")
        }
        guard let members = FormText.decode(text) else {
            throw WireError(.malformed, path: "", problem: "has a broken escape", expected: "a form: name=value&name=value")
        }
        return try self.object(of: members, numbers: numbers)
    }

    /// An object of members of which each stands once.
    static func object(
        of members: [(name: String, value: String)], numbers: Set<String>
    ) throws(WireError) -> JSONObject {
        var object: JSONObject = [:]
        for (name, value) in members {
            guard object[name] == nil else {
                // The name may be anything, so it is not repeated here.
                throw WireError(.malformed, path: "", problem: "has a member twice", expected: "each member once")
            }
            object[name] = numbers.contains(name) ? .number(value) : .string(value)
        }
        return object
    }
}
