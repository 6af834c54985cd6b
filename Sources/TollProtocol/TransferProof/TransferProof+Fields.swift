// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

/// Instructions as fields of the 402, for clients that read no body.
///
/// `X-402-Required` is one line of `name=value` pairs with `; ` between them, in the order below, each value percent-encoded
/// where it is more than letters, digits and `-._~`: `reference=…; recipient=…; amount=…; currency=…; decimals=…; asset=…;
/// chainId=…; expires=…; bind=…; signer=…; signature=…`. Left out are `resource`, which is the URL that was asked for and may be
/// long, `network`, which is `eip155:` and the chain id, and `paymentUri`, which is `Pay-URL`; and a signature that is longer
/// than a key's.
extension TransferProof.Instructions {
    /// No value of `X-402-Required` is longer, in bytes.
    public static let fieldSizeMax = 1024

    /// The three fields, of visible ASCII and spaces alone.
    public var fields: [(name: String, value: String)] {
        [
            (TransferProof.requiredField, self.fieldValue), (TransferProof.recipientField, self.recipient),
            (TransferProof.linkField, self.paymentURI),
        ]
    }

    /// The value of `X-402-Required`.
    public var fieldValue: String {
        self.json.members.filter { name, _ in
            switch name {
            case "resource", "network", "paymentUri": false
            case "signer", "signature": self.signature?.count == TransferProof.signatureSizeMin
            default: true
            }
        }.map { $0.name + "=" + PercentText.encode($0.value.string ?? $0.value.text) }.joined(separator: "; ")
    }

    /// Reads the value of `X-402-Required`.
    ///
    /// - Parameters:
    ///   - resource: the URL that was asked for.
    ///   - paymentURI: the value of `Pay-URL`; by default the link's shortest form.
    public init(fieldValue text: some StringProtocol, resource: String, paymentURI: String? = nil) throws(WireError) {
        guard text.utf8.count <= Self.fieldSizeMax else {
            throw WireError(.tooLarge, path: "", problem: "is too large", expected: "at most \(Self.fieldSizeMax) bytes")
        }
        var members: [(name: String, value: String)] = []
        for pair in text.split(separator: ";") {
            let trimmed = pair.drop { $0 == " " || $0 == "\t" }
            guard let equals = trimmed.firstIndex(of: "="),
                let value = PercentText.decode(trimmed[trimmed.index(after: equals)...])
            else {
                throw WireError(.malformed, path: "", problem: "has the wrong form", expected: "name=value pairs between `; `")
            }
            members.append((String(trimmed[..<equals]), value))
        }
        var json = try TransferProofForm.object(of: members, numbers: Self.numbers)
        json["resource"] = .string(resource)
        json["network"] = .string("eip155:\(json["chainId"]?.text ?? "")")
        json["paymentUri"] = .string(paymentURI ?? Self.link(json))
        try self.init(json)
    }

    /// The shortest link of the same transfer; empty where the members make none, which reading them then says.
    private static func link(_ json: JSONObject) -> String {
        guard let asset = json["asset"]?.string, let recipient = json["recipient"]?.string,
            let chainID = json["chainId"].flatMap({ TransferProofGrammar.whole($0.text) }),
            let amount = (json["amount"]?.string).flatMap({ UInt256(decimal: $0) })
        else { return "" }
        let link = TransferProof.PaymentLink(asset: asset, chainID: chainID, recipient: recipient, amount: amount)
        return link?.description ?? ""
    }
}
