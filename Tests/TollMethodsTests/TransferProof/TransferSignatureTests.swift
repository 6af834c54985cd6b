// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TollCrypto
import TollEVM
import TollMethods
import TollPrimitives
import TollProtocol

/// Known answers of eth_account, in Tests/Vectors/transfer-proof/signed.json.
@Suite struct TransferSignatureTests {
    typealias Instructions = TransferProof.Instructions

    struct Answer: Sendable, CustomTestStringConvertible {
        let type, name, text, digest, signer: String
        let form: String?
        var testDescription: String { self.name }
    }

    static let answers: [Answer] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Vectors/transfer-proof/signed.json")
        guard let bytes = try? Data(contentsOf: file), let json = try? JSON(parsing: bytes) else {
            preconditionFailure("Tests/Vectors/transfer-proof/signed.json cannot be read.")
        }
        return (json.array ?? []).map { entry in
            func text(_ name: String) -> String { entry[name]?.string ?? "" }
            return Answer(
                type: text("type"), name: text("name"), text: text("text"), digest: text("digest"), signer: text("signer"),
                form: entry["forms"]?.array?.first?.string)
        }
    }()
    static let instructions = answers.filter { $0.type == "instructions" }
    static let proofs = answers.filter { $0.type == "proof" }

    /// The first two accounts of the well-known development mnemonic; their keys are public.
    static let keys: [String: PrivateKey] = Dictionary(
        uniqueKeysWithValues: [
            "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
            "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
        ].map { digits in
            let key = PrivateKey(bytes: Hex.decode(digits)!)!
            return (key.address.description, key)
        })

    @Test func `every known answer is there`() {
        #expect(Self.instructions.count == 4 && Self.proofs.count == 3)
    }

    @Test(arguments: instructions)
    func `instructions are signed as eth_account signs them`(answer: Answer) throws {
        let instructions = try Instructions(body: Array(answer.text.utf8), as: .json)
        let signer = try #require(Address(hex: answer.signer))
        #expect(instructions.digest(signer: signer)?.description == answer.digest)
        #expect(instructions.authorship == .signed(signer))
        let key = try #require(Self.keys[answer.signer])
        #expect(try instructions.signed(with: key) == instructions)
        let other = try #require(Self.keys.values.first { $0.address != signer })
        let signedAnew = try instructions.signed(with: other)
        #expect(signedAnew.authorship == .signed(other.address) && signedAnew.signature != instructions.signature)
    }

    @Test(
        arguments: [
            ["reference": "000102030405060708090a0b0c0d0e10"], ["currency": "USDT"], ["decimals": 7], ["expires": 1_770_000_001],
            ["bind": "signature"], ["resource": "https://api.example.com/weather/rome?units=c"],
            ["signer": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"],
            [
                "amount": "10043",
                "paymentUri": """
                ethereum:0x036CbD53842c5426634e7929541eC2318f3dCF7e@84532/transfer?\
                address=0x209693Bc6afc0C5328bA36FaF03C514EF312287C&uint256=10043
                """,
            ],
            [
                "recipient": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
                "paymentUri": """
                ethereum:0x036CbD53842c5426634e7929541eC2318f3dCF7e@84532/transfer?\
                address=0x70997970C51812dc3A010C7d01b50e0d17dc79C8&uint256=10042
                """,
            ],
            [
                "asset": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
                "paymentUri": """
                ethereum:0x70997970C51812dc3A010C7d01b50e0d17dc79C8@84532/transfer?\
                address=0x209693Bc6afc0C5328bA36FaF03C514EF312287C&uint256=10042
                """,
            ],
            [
                "chainId": 8453, "network": "eip155:8453",
                "paymentUri": """
                ethereum:0x036CbD53842c5426634e7929541eC2318f3dCF7e@8453/transfer?\
                address=0x209693Bc6afc0C5328bA36FaF03C514EF312287C&uint256=10042
                """,
            ],
            [
                "paymentUri": """
                ethereum:0x036CbD53842c5426634e7929541eC2318f3dCF7e@84532/transfer?\
                address=0x209693Bc6afc0C5328bA36FaF03C514EF312287C&uint256=1.0042e4
                """
            ],
        ] as [JSONObject])
    func `no member can be changed under a signature`(changes: JSONObject) throws {
        var json = try Instructions(body: Array(Self.instructions[0].text.utf8), as: .json).json
        json.set(changes)
        let changed = try Instructions(json)
        guard case .notByKey(let signer, let digest) = changed.authorship else {
            Issue.record("\(changed.authorship)")
            return
        }
        #expect(signer == Address(hex: changed.signer ?? "") && digest == changed.digest(signer: signer))
    }

    @Test func `a signature that is none, and an address that is mistyped, vouch for nothing`() throws {
        var json = try Instructions(body: Array(Self.instructions[0].text.utf8), as: .json).json
        let signer = try #require(json["signer"]?.string)
        json["signer"] = .string(signer.lowercased())
        #expect(try Instructions(json).authorship == .signed(try #require(Address(hex: signer))))
        json["signer"] = .string("0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
        #expect(try Instructions(json).authorship == .malformed)
        json["signer"] = .string(signer)
        json["signature"] = .string("0x" + String(repeating: "11", count: 100))
        guard case .notByKey = try Instructions(json).authorship else {
            Issue.record("a contract's signature is its contract's to judge")
            return
        }
        json["signer"] = nil
        json["signature"] = nil
        #expect(try Instructions(json).authorship == .unsigned)
    }

    @Test(arguments: proofs)
    func `a proof is signed as eth_account signs the text`(answer: Answer) throws {
        let proof = try TransferProof.Proof(fieldValue: try #require(answer.form))
        let reference = try #require(proof.reference)
        #expect(proof.signedDigest?.description == answer.digest)
        #expect(proof.recoveredSender?.description == answer.signer)
        let signed = TransferProof.Proof.signed(
            txHash: proof.txHash, chainID: proof.chainID, blockNumber: proof.blockNumber, recipient: proof.recipient,
            reference: reference, key: try #require(Self.keys[answer.signer]))
        #expect(signed == proof)
    }

    @Test func `a signature is for one reference and one transaction`() throws {
        let proof = try TransferProof.Proof(fieldValue: try #require(Self.proofs[0].form))
        let sender = try #require(proof.recoveredSender)
        var json = proof.json
        json["reference"] = "000102030405060708090a0b0c0d0e10"
        #expect(try TransferProof.Proof(json).recoveredSender != sender)
        json = proof.json
        json["txHash"] = .string("0x" + String(repeating: "cd", count: 32))
        #expect(try TransferProof.Proof(json).recoveredSender != sender)
        json = proof.json
        json["signature"] = .string("0x" + String(repeating: "11", count: 66))
        #expect(try TransferProof.Proof(json).recoveredSender == nil)
        json["signature"] = nil
        #expect(try TransferProof.Proof(json).recoveredSender == nil)
        json = proof.json
        json["reference"] = nil
        #expect(try TransferProof.Proof(json).signedDigest == nil && TransferProof.Proof(json).recoveredSender == nil)
    }
}
