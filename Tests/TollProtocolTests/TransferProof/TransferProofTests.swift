// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives
import TollProtocol

@Suite struct TransferProofTests {
    typealias Proof = TransferProof.Proof

    @Test(arguments: TransferSample.proofs)
    func `what another program made is read in every form`(answer: TransferSample.SignedProof) throws {
        #expect(answer.forms.count == 4)
        for form in answer.forms {
            let proof = try Proof(fieldValue: form)
            #expect(proof.txHash.description == answer.txHash && proof.chainID == answer.chainID)
            #expect(proof.reference?.text == answer.reference)
            #expect(proof.signature.map(Hex.encodePrefixed) == answer.signature)
            #expect(try Proof(fieldValue: proof.fieldValue) == proof)
            #expect(TransferProof.message(reference: try #require(proof.reference), txHash: proof.txHash) == answer.message)
        }
    }

    @Test func `hints are kept, the hash is lower-cased, and numbers come in three spellings`() throws {
        let upper = "0x" + String(repeating: "AB", count: 32)
        for number in [JSON.integer(84532), "84532", "0x14a34", "0x14A34"] {
            let proof = try Proof([
                "txHash": .string(upper), "chainId": number, "blockNumber": number, "recipient": .string(Sample.payee),
            ])
            #expect(proof.txHash == TransferSample.hash && proof.chainID == 84532 && proof.blockNumber == 84532)
            #expect(proof.recipient == Sample.payee && proof.reference == nil && proof.signature == nil)
            #expect(proof.json.members.map(\.name) == ["txHash", "chainId", "blockNumber", "recipient"])
        }
        let bare = try Proof(fieldValue: "  \tchainId=1&txHash=\(upper)&later=%41 \t")
        #expect(bare == Proof(txHash: TransferSample.hash, chainID: 1))
    }

    static let spoiled: [(String, JSON?, WireError.Fault)] = [
        ("txHash", nil, .missing), ("txHash", .null, .missing), ("txHash", 1, .wrongType), ("txHash", "", .malformed),
        ("txHash", .string(String(repeating: "ab", count: 32)), .malformed),
        ("txHash", .string("0x" + String(repeating: "ab", count: 31)), .malformed),
        ("txHash", .string("0x" + String(repeating: "ab", count: 33)), .malformed),
        ("txHash", .string("0X" + String(repeating: "ab", count: 32)), .malformed),
        ("txHash", .string("0x" + String(repeating: "zz", count: 32)), .malformed),
        ("txHash", .string("0x" + String(repeating: "ab", count: 32) + "\n"), .malformed),
        ("chainId", nil, .missing), ("chainId", true, .wrongType), ("chainId", 0, .malformed), ("chainId", -1, .malformed),
        ("chainId", .number("1.0"), .malformed), ("chainId", .number("1e3"), .malformed), ("chainId", "base", .malformed),
        ("chainId", "eip155:8453", .malformed), ("chainId", "08453", .malformed), ("chainId", "+8453", .malformed),
        ("chainId", "0x", .malformed),
        ("chainId", "0xg", .malformed), ("chainId", "0x20000000000000", .malformed),
        ("chainId", .number("18446744073709551616"), .malformed), ("chainId", " 1", .malformed),
        ("blockNumber", "latest", .malformed), ("blockNumber", -1, .malformed), ("blockNumber", [], .wrongType),
        ("recipient", "payee.eth", .malformed), ("recipient", 1, .wrongType),
        ("reference", "000102030405060708090A0B0C0D0E0F", .malformed), ("reference", "", .malformed),
        ("reference", " 000102030405060708090a0b0c0d0e0f", .malformed), ("reference", 1, .wrongType),
        ("signature", "0x", .malformed), ("signature", .string("0x" + String(repeating: "11", count: 64)), .malformed),
        ("signature", .string(String(repeating: "11", count: 65)), .malformed),
        ("signature", .string("0x" + String(repeating: "11", count: 65) + "1"), .malformed),
        ("signature", .string("0x" + String(repeating: "11", count: TransferProof.signatureSizeMax + 1)), .malformed),
        ("signature", [:], .wrongType),
    ]

    @Test(arguments: spoiled)
    func `an error names the member`(name: String, value: JSON?, fault: WireError.Fault) throws {
        var json = Proof(
            txHash: TransferSample.hash, chainID: 84532, blockNumber: 1, recipient: Sample.payee,
            reference: TransferSample.reference, signature: [UInt8](repeating: 1, count: 65)
        ).json
        json[name] = value
        let error = Sample.error { () throws(WireError) in _ = try Proof(json) }
        #expect(error?.path == name && error?.fault == fault)
        // What was sent is not repeated: it may be hostile.
        if let text = value?.string, text.utf8.count > 8 { #expect(error?.description.contains(text) == false) }
    }

    static let fields: [(String, WireError.Fault)] = [
        ("", .notBase64), (" ", .notBase64), ("{", .notJSON), ("{}x", .notJSON), ("null", .notJSON), ("!", .notBase64),
        ("[1]", .notBase64), ("e30", .missing), ("e30=", .missing), ("W10=", .notObject), ("{}", .missing), ("a=b", .missing),
        ("0x" + String(repeating: "ab", count: 32), .notBase64), ("Bearer abc", .notBase64),
        ("id=\"x\", method=\"tempo\"", .missing),
        (#"{"txHash":"0x","txHash":"0x"}"#, .notJSON), ("txHash=1&txHash=1", .malformed), ("txHash=%", .malformed),
        ("&", .missing), ("=a", .missing),
        (String(repeating: "A", count: Proof.fieldSizeMax + 1), .tooLarge),
        (String(repeating: "A", count: Proof.fieldSizeMax), .tooLarge),
        ("a=" + String(repeating: "b", count: Proof.sizeMax), .tooLarge),
        (#"{"a":""# + String(repeating: "b", count: Proof.sizeMax) + "\"}", .tooLarge),
        (String(repeating: "{\"a\":", count: 100), .notJSON),
    ]

    @Test(arguments: fields)
    func `a field that is no proof is refused`(text: String, fault: WireError.Fault) {
        let error = Sample.error { () throws(WireError) in _ = try Proof(fieldValue: text) }
        #expect(error?.fault == fault)
    }

    @Test func `the longest proof fits a field`() throws {
        let proof = Proof(
            txHash: TransferSample.hash, chainID: 1 << 53 - 1, blockNumber: .max, recipient: Sample.payee,
            reference: TransferSample.reference, signature: [UInt8](repeating: 255, count: TransferProof.signatureSizeMax)
        )
        #expect(try Proof(fieldValue: proof.fieldValue) == proof)
        #expect(try Proof(fieldValue: JSON.object(proof.json).text) == proof)
    }

    @Test(arguments: TransferProof.proofFields)
    func `any of the four fields brings a proof, and an error names it`(field: String) throws {
        let proof = Proof(txHash: TransferSample.hash, chainID: 1)
        #expect(try Proof.read { $0 == field ? [proof.fieldValue] : [] } == proof)
        let error = Sample.error { () throws(WireError) in
            _ = try Proof.read { $0 == field ? ["{\"txHash\":1}"] : [] }
        }
        #expect(error?.path == "\(field).txHash")
    }

    @Test func `several proofs are one only when they say the same`() throws {
        let proof = Proof(txHash: TransferSample.hash, chainID: 1)
        #expect(try Proof.read { _ in [] } == nil)
        #expect(try Proof.read { _ in [proof.fieldValue, JSON.object(proof.json).text] } == proof)
        let other = Proof(txHash: TransferSample.hash, chainID: 2)
        let error = Sample.error { () throws(WireError) in
            _ = try Proof.read { $0 == "Pay" ? [other.fieldValue] : $0 == "Payment" ? [proof.fieldValue] : [] }
        }
        #expect(error?.path == "Pay" && error?.fault == .malformed)
        #expect(throws: WireError.self) { try Proof.read { $0 == "Pay" ? [proof.fieldValue, other.fieldValue] : [] } }
    }

    @Test func `a status comes back, and says what is missing`() throws {
        let status = TransferProof.Status(
            reference: TransferSample.reference, state: .underpaid, amount: 10_042, received: 10_000,
            transactions: [
                .init(txHash: TransferSample.hash, amount: 9_000, blockNumber: 7),
                .init(txHash: .zero, amount: 1_000, blockNumber: nil),
            ],
            expires: 1_770_000_000, reason: .underpaid)
        #expect(
            JSON.object(status.json).text == """
                {"reference":"000102030405060708090a0b0c0d0e0f","state":"underpaid","amount":"10042","received":"10000",\
                "missing":"42",\
                "transactions":[{"txHash":"\(TransferSample.hash)","amount":"9000","blockNumber":7},\
                {"txHash":"\(Bytes32.zero)","amount":"1000"}],"expires":1770000000,"reason":"underpaid"}
                """)
        #expect(try TransferProof.Status(status.json) == status)
        #expect(
            status.challengeMembers.members.map(\.name) == [
                "reference", "state", "received", "missing", "transactions", "reason",
            ])
    }

    @Test func `while it confirms, the instructions and how far it is stand in one body of any form`() throws {
        let instructions = try TransferSample.instructions()
        let status = TransferProof.Status(
            reference: TransferSample.reference, state: .processing, amount: instructions.amount, received: 0,
            transactions: [.init(txHash: TransferSample.hash, amount: 10_042, blockNumber: 7)],
            expires: instructions.expires)
        for format in TransferProof.Format.allCases {
            let body = instructions.body(as: format, with: status.challengeMembers)
            #expect(try TransferProof.Instructions(body: body, as: format) == instructions)
            #expect(String(decoding: body, as: UTF8.self).contains("processing"))
        }
        let form = try #require(FormText.decode(String(decoding: instructions.body(as: .form, with: status.json), as: UTF8.self)))
        #expect(form.filter { $0.name == "reference" }.count == 1)
        #expect(form.first { $0.name == "transactions" }?.value.hasPrefix(#"[{"txHash":"0xab"#) == true)
    }

    @Test(arguments: TransferProof.Status.State.allCases)
    func `every state comes back, with nothing missing when all has arrived`(state: TransferProof.Status.State) throws {
        for received: UInt256 in [100, 101] {
            let status = TransferProof.Status(
                reference: TransferSample.reference, state: state, amount: 100, received: received, expires: 0)
            #expect(status.missing == nil && status.json["missing"] == nil)
            #expect(try TransferProof.Status(status.json) == status)
        }
    }

    static let spoiledStatus: [(String, JSON?, String)] = [
        ("reference", "x", "reference"), ("state", "done", "state"), ("state", nil, "state"), ("amount", 1, "amount"),
        ("received", "1.5", "received"),
        ("transactions", nil, "transactions"), ("transactions", [1], "transactions"),
        ("transactions", .array([JSON](repeating: [:], count: 257)), "transactions"),
        ("transactions", [["txHash": "0x", "amount": "1"]], "transactions[0].txHash"), ("expires", "1", "expires"),
        ("reason", "a\nb", "reason"), ("reason", "", "reason"), ("reason", .string(String(repeating: "a", count: 65)), "reason"),
    ]

    @Test(arguments: spoiledStatus)
    func `a status that is none is refused by its member`(name: String, value: JSON?, path: String) {
        var json = TransferProof.Status(
            reference: TransferSample.reference, state: .awaiting, amount: 100, received: 0, expires: 1
        ).json
        json[name] = value
        #expect(Sample.error { () throws(WireError) in _ = try TransferProof.Status(json) }?.path == path)
    }

    /// Mutations of good inputs, the same in every run: each is refused, or read as something that comes back.
    @Test func `whatever comes is refused, or reads the same once it was written anew`() throws {
        var state: UInt64 = 402
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        let pieces = [
            #"{""#, #"":"#, "=", "&", "%", "%00", "; ", "0x", "e", ".", "\"", "\r\n", "é", "9", "a", "@", "/transfer?address=",
        ]
        let proofs = TransferSample.proofs.flatMap(\.forms)
        let bodies = TransferSample.signed.map(\.text) + TransferSample.signed.map(\.form)
        let links = try TransferSample.signed.map {
            try TransferProof.Instructions(body: Array($0.text.utf8), as: .json).paymentURI
        }
        var read = 0
        for round in 0..<6_000 {
            let sources = [proofs, bodies, links][round % 3]
            var bytes = Array(sources[random(sources.count)].utf8)
            for _ in 0...random(3) {
                let start = random(bytes.count)
                let end = min(bytes.count, start + random(4))
                bytes.replaceSubrange(start..<end, with: Array(pieces[random(pieces.count)].utf8))
            }
            let text = String(decoding: bytes, as: UTF8.self)
            if round % 3 == 0, let proof = try? Proof(fieldValue: text) {
                #expect(try Proof(fieldValue: proof.fieldValue) == proof)
                read += 1
            }
            if round % 3 == 1 {
                for format in TransferProof.Format.allCases {
                    guard let instructions = try? TransferProof.Instructions(body: bytes, as: format) else { continue }
                    for written in TransferProof.Format.allCases {
                        #expect(try TransferProof.Instructions(body: instructions.body(as: written), as: written) == instructions)
                    }
                    #expect(instructions.fields.allSatisfy { $0.value.utf8.allSatisfy { (0x20...0x7E).contains($0) } })
                    read += 1
                }
            }
            if round % 3 == 2, let link = TransferProof.PaymentLink(parsing: text) {
                #expect(TransferProof.PaymentLink(parsing: link.description) == link)
                read += 1
            }
        }
        #expect(read > 100)
    }
}
