// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives
import TollProtocol

/// Values that the suites of transfer proof share, and the known answers of Tests/Vectors/transfer-proof/signed.json.
enum TransferSample {
    struct Signed: Sendable, CustomTestStringConvertible {
        let name, text, form: String
        var testDescription: String { self.name }
    }

    struct SignedProof: Sendable, CustomTestStringConvertible {
        let name, message, reference, txHash, signature: String
        let chainID: UInt64
        let forms: [String]
        var testDescription: String { self.name }
    }

    static let answers = Vectors.array("transfer-proof/signed.json")

    static let signed = answers.filter { Vectors.text($0, "type") == "instructions" }.map { entry in
        Signed(name: Vectors.text(entry, "name"), text: Vectors.text(entry, "text"), form: Vectors.text(entry, "form"))
    }

    static let proofs = answers.filter { Vectors.text($0, "type") == "proof" }.map { entry in
        SignedProof(
            name: Vectors.text(entry, "name"), message: Vectors.text(entry, "message"),
            reference: Vectors.text(entry, "reference"), txHash: Vectors.text(entry, "txHash"),
            signature: Vectors.text(entry, "signature"), chainID: UInt64(entry["chainId"]?.integer ?? 0),
            forms: (entry["forms"]?.array ?? []).compactMap(\.string)
        )
    }

    static let reference = TransferProof.Reference("000102030405060708090a0b0c0d0e0f")!
    static let hash = Bytes32(hex: String(repeating: "ab", count: 32))!

    static func instructions(
        recipient: String = Sample.payee, amount: UInt256 = 10_042, currency: String = "USDC", asset: String = Sample.usdc,
        chainID: UInt64 = 84532, resource: String = "https://api.example.com/weather/paris?units=c",
        expires: Int64 = 1_770_000_000,
        paymentURI: String? = nil, signer: String? = nil, signature: [UInt8]? = nil
    ) throws(WireError) -> TransferProof.Instructions {
        try TransferProof.Instructions(
            reference: self.reference, recipient: recipient, amount: amount, currency: currency, decimals: 6, asset: asset,
            chainID: chainID, resource: resource, expires: expires, bind: .amount, paymentURI: paymentURI, signer: signer,
            signature: signature
        )
    }
}
